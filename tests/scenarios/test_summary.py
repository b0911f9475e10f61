"""`GET /campaigns/summary` end to end, in front of the simulator."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest

from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import HELD_S, HOLDING, GatewayUnderTest, clients
from tests.support.threads import nothing_is_fetched_behind
from tests.support.waiting import wait_until

Make = Callable[..., GatewayUnderTest]
SUMMARY = "/campaigns/summary"
WHOLE = {
    "total": 250,
    "by_status": {"running": 60, "paused": 70, "completed": 80, "other": 40},
    "by_device_type": {
        "intelligent_ivr": 50,
        "predictive": 50,
        "automatic_ivr": 50,
        "preview": 50,
        "preempted": 50,
        "other": 0,
    },
    "totals": {"skill_queue": 150, "ivr": 100},
}


def test_the_counts_of_a_vdn(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Cold it takes nine calls, warm none, and both say the same with the headers of a page."""
    cold = gateway.get(SUMMARY)
    assert cold.get_json() == WHOLE
    assert list(cold.get_json()) == list(WHOLE)
    assert cold.headers["Cache-Status"] == "campaign-gateway; fwd=miss; stored; ttl=15; age=0"
    assert cold.headers["Cache-Control"] == "private, max-age=15, stale-if-error=3600"
    assert simulator.calls.total == 9
    gateway.clock.advance(4)
    warm = gateway.get(SUMMARY)
    assert warm.data == cold.data
    assert warm.headers["ETag"] == cold.headers["ETag"]
    assert warm.headers["Cache-Status"] == "campaign-gateway; hit; ttl=11; age=4"
    assert warm.headers["Campaigns-As-Of"] == cold.headers["Campaigns-As-Of"]
    assert warm.headers["Vary"] == "Accept, Accept-Encoding, Authorization, X-API-Key, Prefer"
    assert simulator.calls.total == 9


def test_filters_narrow_all_counts(gateway: GatewayUnderTest) -> None:
    """A name, a period and a call centre are those of the list, whose totals are the counts."""
    for query in ("name=O%27Brien", "begins_from=2026-03-01&ends_to=2026-09-01", "cc_id=2", "name=nothing+like+it"):
        counts = gateway.get(f"{SUMMARY}?{query}").get_json()
        assert counts["total"] == gateway.get(f"/campaigns?{query}").get_json()["page"]["total_items"]
        assert sum(counts["by_status"].values()) == sum(counts["by_device_type"].values()) == counts["total"]
        running = gateway.get(f"/campaigns?{query}&status=running").get_json()["page"]["total_items"]
        assert counts["by_status"]["running"] == running


def test_who_holds_the_counts_gets_304(gateway: GatewayUnderTest) -> None:
    """By the tag, with what else a page of that answer would say; HEAD has the headers and no body."""
    whole = gateway.get(SUMMARY)
    held = gateway.get(SUMMARY, headers={"If-None-Match": whole.headers["ETag"]})
    assert (held.status_code, held.data) == (304, b"")
    assert held.headers["Campaigns-As-Of"] == whole.headers["Campaigns-As-Of"]
    assert "Content-Type" not in held.headers
    head = gateway.get(SUMMARY, method="HEAD")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.data))
    assert head.headers["ETag"] == whole.headers["ETag"]


def test_it_is_as_old_as_its_oldest_part(gateway: GatewayUnderTest) -> None:
    """One count that is younger, because somebody asked for it, makes the others no younger."""
    before = gateway.get(SUMMARY)
    gateway.clock.advance(5)
    gateway.get("/campaigns?page_size=1&status=running", headers={"Cache-Control": "no-cache"})
    after = gateway.get(SUMMARY)
    assert after.headers["Cache-Status"] == "campaign-gateway; hit; ttl=10; age=5"
    assert after.headers["Campaigns-As-Of"] == before.headers["Campaigns-As-Of"]
    assert parsedate_to_datetime(after.headers["Campaigns-As-Of"])


def test_its_parts_do_not_expire_as_one(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Asked for every tenth of a second, all are refreshed before they are stale, but never more than five at once."""
    gateway.get(SUMMARY)
    most, before = 0, simulator.calls.total
    for _ in range(125):
        gateway.clock.advance(0.1)
        assert gateway.get(SUMMARY).headers["Cache-Status"].startswith("campaign-gateway; hit; ttl=")
        wait_until(nothing_is_fetched_behind)
        most, before = max(most, simulator.calls.total - before), simulator.calls.total
    assert simulator.calls.total >= 18
    assert 1 <= most <= 5


def test_completed_campaigns_are_as_young_as_the_others(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Their pages are fresh for longer, but as counts they are compared: they are refreshed with the others."""
    gateway.get(SUMMARY)
    gateway.clock.advance(20)
    gateway.get(SUMMARY)
    wait_until(lambda: simulator.calls.total == 18)
    wait_until(lambda: gateway.cache_status(SUMMARY) == "hit; ttl=15; age=0")


def test_a_crowd_costs_no_more_than_one(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Thirty at once, cold, are nine calls."""
    simulator.latency_s = 0.2
    with ThreadPoolExecutor(30) as crowd:
        answers = list(crowd.map(lambda _: gateway.get(SUMMARY), range(30)))
    assert [answer.status_code for answer in answers] == [200] * 30
    assert {answer.data for answer in answers} == {answers[0].data}
    assert simulator.calls.total == 9


def test_its_calls_are_made_at_once(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """All nine are under way together, within the call budget."""
    # The first call with keys that are not known to be good goes alone.
    gateway.get("/campaigns")
    simulator.latency_s = 2.0
    gateway.get(SUMMARY)
    assert simulator.calls.snapshot()["max_in_flight"] == 9


def test_in_trouble_old_counts_are_shown(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """With the reason, and cold with the problem."""
    gateway.get(SUMMARY)
    gateway.clock.advance(200)
    simulator.faults.arm(Fault("html"))
    answer = gateway.get(SUMMARY)
    assert answer.get_json() == WHOLE
    assert answer.headers["Cache-Status"].endswith("age=200; detail=upstream-broken-contract")
    assert answer.headers["Cache-Control"].startswith("private, max-age=0, ")
    assert gateway.problem(f"{SUMMARY}?name=x")[:2] == (502, "upstream-broken-contract")


@pytest.mark.parametrize(
    ("path", "options", "status", "name"),
    [
        (SUMMARY, {"key": None}, 401, "unauthenticated"),
        (SUMMARY, {"key": "purger-key"}, 403, "forbidden"),
        (f"{SUMMARY}?vdn=2", {}, 403, "forbidden"),
        (SUMMARY, {"key": "all-key"}, 400, "invalid-parameters"),
        (f"{SUMMARY}?status=running", {}, 400, "invalid-parameters"),
        (f"{SUMMARY}?page_size=10", {}, 400, "invalid-parameters"),
        (f"{SUMMARY}?begins_from=2026-03-02&ends_to=2026-03-01", {}, 400, "invalid-parameters"),
        (SUMMARY, {"headers": {"Accept": "text/csv"}}, 406, "not-acceptable"),
        (SUMMARY, {"method": "POST"}, 405, "method-not-allowed"),
        (SUMMARY, {"headers": {"Cache-Control": "only-if-cached"}}, 504, "not-cached"),
    ],
)
def test_what_it_refuses(
    simulator: SimulatorServer,
    gateway: GatewayUnderTest,
    path: str,
    options: dict[str, object],
    status: int,
    name: str,
) -> None:
    """Who may ask and what may be asked is decided as for the list, before anything is fetched."""
    assert gateway.problem(path, **options)[:2] == (status, name)
    assert simulator.calls.total == 0


def test_the_callers_directives_count_for_each_part(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """`no-cache` has all counts fetched anew, `only-if-cached` none."""
    gateway.get(SUMMARY)
    gateway.clock.advance(3)
    assert gateway.cache_status(SUMMARY, "only-if-cached") == "hit; ttl=12; age=3"
    assert simulator.calls.total == 9
    assert gateway.cache_status(SUMMARY, "no-cache") == "fwd=request; stored; ttl=15; age=0"
    assert simulator.calls.total == 18


def test_it_counts_as_one_request_unless_all_is_at_hand(make_gateway: Make) -> None:
    """Over the limit fresh counts are still given, and others are refused."""
    limited = make_gateway(clients=clients(web=1))
    assert limited.get(SUMMARY).headers["RateLimit"].startswith('"default";r=0;')
    assert "RateLimit" not in limited.get(SUMMARY).headers
    assert limited.problem(f"{SUMMARY}?name=x")[:2] == (429, "rate-limited")


def test_a_caller_in_a_hurry_is_told(simulator: SimulatorServer, make_gateway: Make) -> None:
    """Its own deadline ends its wait, and what was fetched is kept for the next."""
    gateway = make_gateway(real_time=True, **HOLDING)
    simulator.latency_s = HELD_S
    problem = gateway.problem(SUMMARY, headers={"X-Request-Timeout-Ms": "500"})
    assert problem[:2] == (504, "upstream-timeout")
    simulator.latency_s = 0.0
    wait_until(lambda: gateway.get(SUMMARY, headers={"Cache-Control": "only-if-cached"}).status_code == 200)
    assert simulator.calls.total == 9
