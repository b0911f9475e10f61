"""What is asked, and by whom."""

from collections import Counter

from gateway.simulator.campaigns import campaigns_of
from tests.soak.clients import VDNS, chance, clients
from tests.soak.mix import BAD_QUERIES, Mix, Page, content

DRAWN = 4000


def test_the_same_seed_draws_the_same_requests() -> None:
    """Another seed draws others."""

    def drawn(seed: int) -> list[tuple[str, str]]:
        mix, source = Mix(clients(), chance(seed, "pages")), chance(seed, "caller 1")
        return [(request.client.name, request.query) for request in (mix.draw(source) for _ in range(50))]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


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


def test_the_vdn_is_named_where_a_client_may_read_several() -> None:
    """Else it may be left out, and then it is the client's own."""
    mix, source = Mix(clients(), chance(1, "pages")), chance(1, "caller 1")
    for request in (mix.draw(source) for _ in range(DRAWN)):
        if request.page is not None and len(request.client.vdns) > 1:
            assert request.query.startswith(f"vdn={request.page.vdn}&")


def test_what_is_on_a_page_is_as_the_simulator_has_it() -> None:
    """Filters count all that they leave, and pages are parts of that."""
    ids, total = content(Page(3, "", "", 1, 10))
    assert ids == tuple(campaign.id for campaign in campaigns_of(3)[:10])
    assert total == 250
    assert content(Page(3, "running", "", 3, 25))[1] == 60
    assert len(content(Page(3, "running", "", 3, 25))[0]) == 10
    assert content(Page(3, "", "preview", 5, 25)) == ((), 50)
