"""The gateway under a prefix that a proxy takes away: whatever it refers to leads back to it."""

from urllib.parse import urljoin

from tests.scenarios.fronts.test_doctor import examined
from tests.support.fronts import Front


def test_links_and_problems_resolve_where_it_is_mounted(proxy: Front) -> None:
    """The next page and the page of a problem are below the prefix, and are there."""
    for base in filter(None, (proxy.url, proxy.prefixed)):
        page = proxy.ask("/campaigns?page_size=5", base=base)
        links = dict(part.split("; rel=")[::-1] for part in page.headers["link"].split(", "))
        target = urljoin(f"{base}/campaigns?page_size=5", links['"next"'].strip("<>"))
        assert target.startswith(f"{base}/campaigns?"), target
        assert proxy.ask(target.removeprefix(base), base=base).json["page"]["number"] == 2
        problem = proxy.ask("/campaigns?page=0", base=base).json
        kind = urljoin(f"{base}/campaigns?page=0", problem["type"])
        assert kind == f"{base}/problems/invalid-parameters"
        assert proxy.ask(kind.removeprefix(base), {"Accept": "application/json"}, base=base).status == 200


def test_the_doctor_finds_nothing_amiss_under_a_prefix(proxy: Front) -> None:
    """As it finds nothing at the root."""
    if proxy.prefixed is None:
        assert proxy.name in {"nginx", "squid"}
        return
    report = examined(proxy.prefixed, "--wait", "0")
    assert (report["exit_code"], report["states"]["links"]) == (0, "good"), report
