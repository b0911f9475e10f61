"""What callers ask of the cache with `Cache-Control`, through the whole app (RFC 9111, section 5.2.1; RFC 5861)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.pages.flights import Flight
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import HELD_S, HOLDING, GatewayUnderTest, clients
from tests.support.threads import threads_in
from tests.support.waiting import wait_until

Make = Callable[..., GatewayUnderTest]
FETCHED = "fwd=request; stored; ttl=15; age=0"


@pytest.fixture(params=[1, 2], ids=["asked for the first time", "asked before"])
def gateway(make_gateway: Make, request: pytest.FixtureRequest) -> GatewayUnderTest:
    """Return a gateway that has the page, and has been asked for it with that query before, or with another."""
    made = make_gateway()
    made.get("/campaigns" if request.param == 2 else "/campaigns?page=1")
    return made


@pytest.mark.parametrize(
    ("age_s", "control", "expected"),
    [
        (5, "max-age=5", "hit; ttl=10; age=5"),
        (5, "max-age=4", FETCHED),
        (5, 'MAX-AGE="4"', FETCHED),
        (5, "max-age=60, max-age=4", FETCHED),
        (5, "no-cache", FETCHED),
        (5, "max-age=0", FETCHED),
        (5, "max-age=-1", FETCHED),
        (5, "max-age=99999999999999999999", "hit; ttl=10; age=5"),
        (5, "only-if-cached", "hit; ttl=10; age=5"),
        (5, "only-if-cached, max-age=5", "hit; ttl=10; age=5"),
        (5, "stale-if-error=0", "hit; ttl=10; age=5"),
        (5, "no-store, max-stale=9, min-fresh=99, no-transform, max-age=x, nonsense", "hit; ttl=10; age=5"),
        (20, "max-age=19", "fwd=stale; stored; ttl=15; age=0"),
        (20, "only-if-cached", "hit; ttl=-5; age=20; detail=stale-while-revalidate"),
        (20, "only-if-cached, max-age=20", "hit; ttl=-5; age=20; detail=stale-while-revalidate"),
        (100, "only-if-cached", "hit; ttl=-85; age=100; detail=stale-if-error"),
        (100, "max-age=1000", "fwd=stale; stored; ttl=15; age=0"),
    ],
)
def test_while_all_is_well(
    simulator: SimulatorServer, gateway: GatewayUnderTest, age_s: float, control: str, expected: str
) -> None:
    """No page older than was asked for, one at hand whatever its rung, and what cannot be read is passed over."""
    before = simulator.calls.total
    gateway.clock.advance(age_s)
    assert gateway.cache_status(control=control) == expected
    assert simulator.calls.total == before + ("fwd=" in expected)


@pytest.mark.parametrize(
    ("age_s", "control"),
    [
        (None, "only-if-cached"),
        (5, "only-if-cached, max-age=4"),
        (5, "only-if-cached, no-cache"),
        (100, "max-age=5, only-if-cached"),
        (15 + 3600, "only-if-cached"),
    ],
)
def test_no_page_is_fetched_for_who_wants_a_cached_one(
    simulator: SimulatorServer, gateway: GatewayUnderTest, age_s: float | None, control: str
) -> None:
    """504 `not-cached` where there is none that will do, and it says what to do; nobody calls CC-iSales."""
    gateway.clock.advance(age_s or 0)
    before = simulator.calls.total
    path = "/campaigns?page=3" if age_s is None else "/campaigns"
    for _ in range(2):
        answer = gateway.get(path, headers={"Cache-Control": control})
        status, name, document = gateway.problem(path, headers={"Cache-Control": control})
        assert (status, name) == (504, "not-cached")
        assert "only-if-cached" in document["detail"]
        assert "upstream" not in document
        assert answer.headers["Cache-Control"] == "no-store"
    assert simulator.calls.total == before
    assert '"fetch_under_way":false' in gateway.get("/cache/explain", key="doctor-key").get_data(as_text=True)


@pytest.mark.parametrize(
    ("age_s", "control", "shown"),
    [
        (25, "stale-if-error=10", True),
        (26, "stale-if-error=10", False),
        (100, "stale-if-error=85", True),
        (100, "stale-if-error=84", False),
        (16, "stale-if-error=0", False),
        (5, "no-cache, stale-if-error=0", True),
        (14, "max-age=1", True),
        (3000, "max-age=1", True),
        (3000, "max-age=1, stale-if-error=60", False),
        (3000, "stale-if-error=9999999999", True),
    ],
)
def test_in_trouble(
    simulator: SimulatorServer, gateway: GatewayUnderTest, age_s: float, control: str, *, shown: bool
) -> None:
    """A page is shown whatever `max-age` says, unless it is stale for longer than the caller takes."""
    gateway.clock.advance(age_s)
    simulator.faults.arm(Fault("result-code", result_code="0299999"))
    # Whoever came before has made it known.
    assert "; ttl=" in gateway.cache_status(control="no-cache")
    answer = gateway.get("/campaigns", headers={"Cache-Control": control})
    if shown:
        assert answer.status_code == 200
        assert answer.headers["Cache-Status"].endswith(f"; hit; ttl={15 - age_s}; age={age_s}; detail=upstream-failed")
    else:
        assert (answer.status_code, answer.get_json()["type"]) == (502, "problems/upstream-failed")


def test_no_page_is_fetched_more_often_than_once_in_min_refresh_s(
    simulator: SimulatorServer, make_gateway: Make
) -> None:
    """Whoever asks how often for a new one: a page that is younger answers all of them."""
    gateway = make_gateway(cache__min_refresh_s="3")
    assert gateway.cache_status(control="no-cache") == "fwd=miss; stored; ttl=15; age=0"
    for _ in range(10):
        for control in ("no-cache", "max-age=0", "no-cache, stale-if-error=0"):
            assert gateway.cache_status(control=control) == "hit; ttl=15; age=0"
    gateway.clock.advance(2.9)
    assert gateway.cache_status(control="no-cache") == "hit; ttl=12; age=2"
    gateway.clock.advance(0.1)
    assert gateway.cache_status(control="no-cache") == FETCHED
    assert gateway.cache_status(control="max-age=0") == "hit; ttl=15; age=0"
    assert simulator.calls.total == 2


def test_a_fetch_that_was_asked_for_is_coalesced(simulator: SimulatorServer, make_gateway: Make) -> None:
    """Twenty who want a new page at once get the same one, by one call."""
    gateway = make_gateway(real_time=True, cache__min_refresh_s="0", cache__stale_if_slow_s="20", **HOLDING)
    known = gateway.get("/campaigns").headers
    simulator.latency_s = HELD_S
    simulator.faults.arm(Fault("shifting-totals", times=1))
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(gateway.get, "/campaigns", headers={"Cache-Control": "no-cache"})
        wait_until(lambda: simulator.calls.total == 2)
        others = [pool.submit(gateway.get, "/campaigns", headers={"Cache-Control": "no-cache"}) for _ in range(19)]
        wait_until(lambda: threads_in(Flight.wait) == 20)
        simulator.latency_s = 0.0
        answers = [answer.result(20) for answer in (first, *others)]
    assert len({answer.data for answer in answers}) == 1
    assert answers[0].headers["ETag"] != known["ETag"]
    kinds = {answer.headers["Cache-Status"].partition("; ttl=")[0] for answer in answers[1:]}
    assert kinds == {"campaign-gateway; fwd=request; collapsed"}
    assert simulator.calls.total == 2


def test_a_page_that_a_caller_did_not_want_is_not_lost(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """It goes on to answer those who ask for nothing special, while no newer one comes."""
    gateway.clock.advance(5)
    simulator.faults.arm(Fault("result-code", result_code="0299999"))
    assert gateway.cache_status(control="no-cache") == "hit; ttl=10; age=5; detail=upstream-failed"
    assert gateway.cache_status() == "hit; ttl=10; age=5"


@pytest.mark.parametrize("control", ["no-cache", "max-age=1"])
def test_a_fetch_at_a_callers_wish_counts_against_its_limit(
    simulator: SimulatorServer, make_gateway: Make, control: str
) -> None:
    """As any request does that no fresh page answers; a fresh page that will do is free, over the limit too."""
    gateway = make_gateway(clients=clients(web=2))
    gateway.get("/campaigns", key="operator-key")
    for left in (1, 0):
        gateway.clock.advance(5)
        answer = gateway.get("/campaigns", headers={"Cache-Control": control})
        assert f"r={left};" in answer.headers["RateLimit"]
        assert "fwd=request" in answer.headers["Cache-Status"]
    gateway.clock.advance(5)
    assert gateway.problem("/campaigns", headers={"Cache-Control": control})[:2] == (429, "rate-limited")
    assert simulator.calls.total == 3
    for free in ("max-age=5", "only-if-cached", "stale-if-error=0"):
        answer = gateway.get("/campaigns", headers={"Cache-Control": free})
        assert (answer.status_code, "RateLimit" in answer.headers) == (200, False)


def test_what_is_not_cached_counts_against_the_limit(make_gateway: Make) -> None:
    """A 504 for `only-if-cached` counts, because no fresh page has answered it."""
    gateway = make_gateway(clients=clients(web=1))
    asked = {"Cache-Control": "only-if-cached"}
    assert gateway.problem("/campaigns", headers=asked)[:2] == (504, "not-cached")
    assert gateway.problem("/campaigns", headers=asked)[:2] == (429, "rate-limited")


def test_another_process_page_will_do_if_it_is_young_enough(simulator: SimulatorServer, make_sharing: Make) -> None:
    """`only-if-cached` finds what any process has fetched; `no-cache` has it fetched for all."""
    one, two = make_sharing(cache__min_refresh_s="0"), make_sharing(cache__min_refresh_s="0")
    assert two.problem("/campaigns", headers={"Cache-Control": "only-if-cached"})[1] == "not-cached"
    one.get("/campaigns")
    assert two.cache_status(control="only-if-cached").startswith("hit; ttl=1")
    simulator.faults.arm(Fault("shifting-totals", times=1))
    assert two.cache_status(control="no-cache").startswith("fwd=request; stored; ")
    assert one.get("/campaigns").data == two.get("/campaigns").data
    assert simulator.calls.total == 2
