"""What is asked, and by whom."""

from collections import Counter

from tests.soak.clients import VDNS, chance, clients
from tests.soak.mix import BAD_QUERIES, Mix

DRAWN = 4000


def test_requests_are_a_mix() -> None:
    """All clients ask, a few pages are asked for often, and all that has to be refused is there."""
    mix, source = Mix(clients(), chance(1, "pages")), chance(1, "caller 1")
    drawn = [mix.draw(source) for _ in range(DRAWN)]
    assert {request.client.name for request in drawn} == {client.name for client in clients()}
    assert {request.expected for request in drawn} == {"page", "forbidden", "unauthenticated", "invalid-parameters"}
    pages = Counter(request.page for request in drawn if request.page is not None)
    assert {page.vdn for page in pages} == set(VDNS)
    assert pages.most_common(1)[0][1] > 20 * min(pages.values())
    assert len(pages) > 200
    for request in drawn:
        refused = request.page is None
        assert refused == (request.expected != "page")
        assert refused or (request.page is not None and request.page.vdn in request.client.vdns)
        assert (request.query in BAD_QUERIES) == (request.expected == "invalid-parameters")
