"""What callers see of the page cache."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.api.fair_semaphore import AT_ONCE
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support import cache_status
from tests.support.gateway import HELD_S, HOLDING, GatewayUnderTest
from tests.support.waiting import wait_until


def test_a_page_goes_down_the_ladder(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Miss, hits that age, stale while it is refreshed behind, and fresh again; the headers say so."""
    answer = gateway.get("/campaigns")
    assert answer.headers["Cache-Status"] == "campaign-gateway; fwd=miss; stored; ttl=15; age=0"
    assert answer.headers["Cache-Control"] == "private, max-age=15, stale-if-error=3600"
    as_of = answer.headers["Campaigns-As-Of"]
    gateway.clock.advance(9.5)
    answer = gateway.get("/campaigns")
    assert answer.headers["Cache-Status"] == "campaign-gateway; hit; ttl=5; age=9"
    assert answer.headers["Cache-Control"] == "private, max-age=5, stale-if-error=3600"
    assert answer.headers["Campaigns-As-Of"] == as_of
    assert simulator.calls.total == 1
    gateway.clock.advance(8.5)
    answer = gateway.get("/campaigns")
    assert answer.headers["Cache-Status"] == "campaign-gateway; hit; ttl=-3; age=18; detail=stale-while-revalidate"
    assert answer.headers["Cache-Control"] == "private, max-age=0, stale-if-error=3597"
    assert "Age" not in answer.headers
    wait_until(lambda: gateway.cache_status() == "hit; ttl=15; age=0")
    assert simulator.calls.total == 2


def test_a_page_that_is_too_old_to_be_shown_is_waited_for(
    simulator: SimulatorServer, gateway: GatewayUnderTest
) -> None:
    """Past stale-while-revalidate the caller gets the new one, and hears whether there was an old one (RFC 9211)."""
    gateway.get("/campaigns")
    gateway.clock.advance(15 + 60)
    assert gateway.cache_status() == "fwd=stale; stored; ttl=15; age=0"
    gateway.clock.advance(15 + 3600)
    assert gateway.cache_status() == "fwd=miss; stored; ttl=15; age=0"
    assert simulator.calls.total == 3


def test_a_hot_page_is_refreshed_ahead(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """Who asks for a fresh page past four fifths of its time gets it, and has the next one fetched: none is stale."""
    gateway.get("/campaigns")
    gateway.clock.advance(15 * 0.72 - 0.5)
    assert gateway.cache_status() == "hit; ttl=4; age=10"
    assert simulator.calls.total == 1
    gateway.clock.advance(15 * 0.08 + 0.5)
    assert gateway.cache_status() == "hit; ttl=3; age=12"
    wait_until(lambda: gateway.cache_status() == "hit; ttl=15; age=0")
    assert simulator.calls.total == 2


OUTAGES = [
    (Fault("reset-before"), "upstream-unreachable"),
    (Fault("hang"), "upstream-timeout"),
    (Fault("result-code"), "upstream-failed"),
    (Fault("html"), "upstream-broken-contract"),
    (Fault("wrong-clock"), "upstream-refused-credentials"),
    (Fault("http-status", status=503), "upstream-overloaded"),
]


UNANSWERED = {"upstream-unreachable", "upstream-timeout"}


@pytest.mark.parametrize(("fault", "problem"), OUTAGES, ids=[problem for _, problem in OUTAGES])
def test_in_an_outage_old_pages_are_served_and_marked(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], fault: Fault, problem: str
) -> None:
    """Ten minutes past their freshness warm pages are all answered, with the reason; cold ones get the problem.

    After three calls without an answer the reason may be that no more are made.
    """
    reasons = {problem, "upstream-overloaded"} if problem in UNANSWERED else {problem}
    gateway = make_gateway(isales__read_timeout_s="0.5")
    good = [gateway.get(f"/campaigns?page={page}").data for page in range(1, 6)]
    # Less than the second that is shown, because waiting for a retry takes time too.
    gateway.clock.advance(15 + 599.5)
    simulator.faults.arm(fault)
    for _ in range(2):
        for page, body in enumerate(good, 1):
            answer = gateway.get(f"/campaigns?page={page}")
            assert (answer.status_code, answer.data) == (200, body)
            status, _, reason = answer.headers["Cache-Status"].rpartition("=")
            assert status == "campaign-gateway; hit; ttl=-600; age=614; detail"
            assert reason in ({problem} if page == 1 else reasons)
            assert answer.headers["Cache-Control"] == "private, max-age=0, stale-if-error=3000"
    assert gateway.problem("/campaigns?page=20")[1] in reasons
    gateway.clock.advance(3000.5)
    assert gateway.problem("/campaigns?page=1")[1] == problem
    simulator.faults.clear()
    # Keys that were refused are shown again after a pause.
    gateway.clock.advance(600)
    assert gateway.cache_status("/campaigns?page=1") == "fwd=miss; stored; ttl=15; age=0"


def test_parameters_that_are_refused_are_never_answered_from_a_stale_page(
    simulator: SimulatorServer, gateway: GatewayUnderTest
) -> None:
    """What CC-iSales refuses now is refused, whatever it answered before."""
    gateway.get("/campaigns")
    gateway.clock.advance(15 + 600)
    simulator.faults.arm(Fault("result-code", result_code="0200001", times=1))
    assert gateway.problem("/campaigns")[:2] == (400, "upstream-rejected-parameters")


def test_completed_campaigns_are_fresh_for_longer(gateway: GatewayUnderTest) -> None:
    """A page asked for with `status=completed` has a lifetime of its own."""
    assert "max-age=300," in gateway.get("/campaigns?status=completed").headers["Cache-Control"]


@pytest.mark.parametrize(
    "other",
    [
        "vdn=1",
        "page=1&page_size=10",
        "page_size=10&page=1&vdn=1&name=",
        "%70age=%31",
    ],
)
def test_the_same_question_is_one_page(simulator: SimulatorServer, gateway: GatewayUnderTest, other: str) -> None:
    """Order, defaults and encodings do not matter."""
    gateway.get("/campaigns")
    assert "hit" in gateway.get(f"/campaigns?{other}").headers["Cache-Status"]
    assert simulator.calls.total == 1


def test_callers_share_pages_and_languages_do_not_split_them(
    simulator: SimulatorServer, gateway: GatewayUnderTest
) -> None:
    """Another caller of the same VDN, in another language, gets the page that is there."""
    gateway.get("/campaigns", headers={"Accept-Language": "zh-CN"})
    answer = gateway.get("/campaigns?vdn=1", key="all-key", headers={"Accept-Language": "en"})
    assert "hit" in answer.headers["Cache-Status"]
    assert simulator.calls.total == 1


def test_etag_and_304(gateway: GatewayUnderTest) -> None:
    """The entity tag is that of the bytes; who has them gets 304 with the same headers and no body."""
    answer = gateway.get("/campaigns")
    etag = answer.headers["ETag"]
    assert etag.startswith('"')
    not_modified = gateway.get("/campaigns", headers={"If-None-Match": f'"other", W/{etag}'})
    assert (not_modified.status_code, not_modified.data) == (304, b"")
    for name in ("ETag", "Cache-Control", "Cache-Status", "Campaigns-As-Of", "Vary", "Link"):
        assert name in not_modified.headers
    assert "Content-Type" not in not_modified.headers
    assert gateway.get("/campaigns", headers={"If-None-Match": '"other"'}).status_code == 200
    gateway.clock.advance(1000)
    assert gateway.get("/campaigns").headers["ETag"] == etag
    assert gateway.get("/campaigns?page=2").headers["ETag"] != etag


def test_gzip_when_asked_for(gateway: GatewayUnderTest) -> None:
    """A page that is worth it is compressed for who asks, with a tag of its own."""
    plain = gateway.get("/campaigns")
    packed = gateway.get("/campaigns", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in packed.headers["Vary"]


@pytest.mark.parametrize("hits", ["false", "true"])
def test_only_the_coding_that_is_asked_for_is_compared(
    make_gateway: Callable[..., GatewayUnderTest], hits: str
) -> None:
    """Who holds the other coding gets the one that it asks for now (RFC 9110, 13.1.2), fast path or not."""
    gateway = make_gateway(log__hits=hits)
    answers = {
        coding: gateway.get("/campaigns", headers={"Accept-Encoding": coding}) for coding in ("identity", "gzip")
    }
    for asked, answer in answers.items():
        for held in answers.values():
            headers = {"If-None-Match": held.headers["ETag"], "Accept-Encoding": asked}
            again = gateway.get("/campaigns", headers=headers)
            assert again.status_code == (304 if held is answer else 200)
            assert again.headers["ETag"] == answer.headers["ETag"]
            assert again.data == (b"" if held is answer else answer.data)


def test_concurrent_callers_of_a_cold_page_make_one_call(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """Forty callers at once make one upstream call; all get the same bytes."""
    gateway = make_gateway(real_time=True)
    simulator.latency_s = 0.3
    barrier = threading.Barrier(40)

    def call() -> tuple[int, bytes, str]:
        barrier.wait(10)
        answer = gateway.get("/campaigns")
        return answer.status_code, answer.data, answer.headers["Cache-Status"]

    with ThreadPoolExecutor(40) as pool:
        answers = [future.result(20) for future in [pool.submit(call) for _ in range(40)]]
    assert {status for status, _, _ in answers} == {200}
    assert len({body for _, body, _ in answers}) == 1
    assert sum("stored" in status for _, _, status in answers) == 1
    assert sum("collapsed" in status for _, _, status in answers) >= 1
    assert simulator.calls.total == 1


def test_an_error_is_never_cached(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """After an error the next request asks again and gets the page."""
    simulator.faults.arm(Fault("result-code", times=1, result_code="0299999"))
    assert gateway.problem("/campaigns")[:2] == (502, "upstream-failed")
    answer = gateway.get("/campaigns")
    assert answer.status_code == 200
    assert answer.headers["Cache-Status"] == "campaign-gateway; fwd=miss; stored; ttl=15; age=0"


def test_pages_of_different_vdns_never_mix(gateway: GatewayUnderTest) -> None:
    """Two VDNs have different rows, cold and from the cache."""
    for _ in range(2):
        one = gateway.get("/campaigns?vdn=1", key="all-key").get_json()["data"]
        two = gateway.get("/campaigns?vdn=2", key="all-key").get_json()["data"]
        assert {row["id"] for row in one}.isdisjoint({row["id"] for row in two})


def test_purging_is_for_the_callers_vdns(gateway: GatewayUnderTest) -> None:
    """`DELETE /cache` needs its scope, keeps to the caller's VDNs, and says how many pages it concerned."""
    gateway.get("/campaigns?vdn=1", key="all-key")
    gateway.get("/campaigns?vdn=1&page=2", key="all-key")
    gateway.get("/campaigns?vdn=2", key="all-key")
    assert gateway.problem("/cache", method="DELETE", key="web-key")[:2] == (403, "forbidden")
    assert gateway.problem("/cache?vdn=2", method="DELETE", key="purger-key")[:2] == (403, "forbidden")
    for wrong in ("vdn=1&x=1", "hard=1", "hard=True", "hard=", "hard=true&hard=true"):
        assert gateway.problem(f"/cache?{wrong}", method="DELETE", key="purger-key")[:2] == (400, "invalid-parameters")
    answer = gateway.get("/cache?vdn=1", method="DELETE", key="purger-key")
    assert answer.get_json() == {"purged": 2, "vdns": [1], "others_hear": "never"}
    assert gateway.cache_status("/campaigns?vdn=1", key="all-key") == "fwd=stale; stored; ttl=15; age=0"
    assert "hit" in gateway.cache_status("/campaigns?vdn=2", key="all-key")
    gateway.clock.advance(0.5)
    for hard in ("false", "true"):
        assert gateway.get(f"/cache?hard={hard}", method="DELETE", key="purger-key").get_json()["purged"] == 2
    assert gateway.cache_status("/campaigns?vdn=1", key="all-key") == "fwd=miss; stored; ttl=15; age=0"
    assert "hit" in gateway.cache_status("/campaigns?vdn=2", key="all-key")


@pytest.mark.parametrize("age_s", [0, 5, 20])
def test_what_was_purged_is_there_in_trouble(
    simulator: SimulatorServer, gateway: GatewayUnderTest, age_s: float
) -> None:
    """A purge makes pages stale, however young: the next caller waits for a new one, and gets the old one if none."""
    page = gateway.get("/campaigns")
    gateway.clock.advance(age_s)
    gateway.get("/cache", method="DELETE", key="purger-key")
    simulator.faults.arm(Fault("result-code", result_code="0299999"))
    for _ in range(2):
        answer = gateway.get("/campaigns")
        assert (answer.status_code, answer.data) == (200, page.data)
        assert answer.headers["Cache-Control"].startswith("private, max-age=0, ")
        assert "; hit; ttl=" in answer.headers["Cache-Status"]
        assert "detail=upstream-failed" in answer.headers["Cache-Status"]
        assert not cache_status.is_fresh(answer.headers["Cache-Status"]) or age_s < 15
    gateway.get("/cache?hard=true", method="DELETE", key="purger-key")
    assert gateway.problem("/campaigns")[:2] == (502, "upstream-failed")


def test_explaining_a_page(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """`GET /cache/explain` needs its scope, and tells of a page without asking CC-iSales."""
    assert gateway.problem("/cache/explain", key="web-key")[:2] == (403, "forbidden")
    assert gateway.problem("/cache/explain?page=0", key="doctor-key")[:2] == (400, "invalid-parameters")
    told = gateway.get("/cache/explain?page=2", key="doctor-key").get_json()
    assert told["key"].startswith("page:2:1:")
    assert {told["tier"], told["rung"], told["age_s"], told["fresh_for_s"]} == {None}
    gateway.get("/campaigns?page=2")
    gateway.clock.advance(20)
    told = gateway.get("/cache/explain?page=2", key="doctor-key").get_json()
    assert (told["tier"], told["rung"], told["age_s"], told["fresh_for_s"], told["fetch_under_way"]) == (
        "process",
        "stale-while-revalidate",
        20.0,
        -5.0,
        False,
    )
    assert simulator.calls.total == 1


def test_what_is_held_is_counted(gateway: GatewayUnderTest) -> None:
    """Pages, bytes and evictions are in the numbers, hits of the fast path too."""
    for _ in range(3):
        gateway.get("/campaigns")
    numbers = gateway.get("/metrics").get_data(as_text=True)
    assert "campaign_gateway_cache_held_pages 1.0" in numbers
    assert "campaign_gateway_cache_evicted_pages_total 0.0" in numbers
    assert 'campaign_gateway_cache_lookups_total{outcome="hit",rung="fresh",tier="process"} 2.0' in numbers
    assert 'campaign_gateway_requests_total{endpoint="campaigns.list_campaigns",problem="",status="200"} 3.0' in numbers


def test_a_caller_in_a_hurry_is_answered_in_time_and_hurts_nobody(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """A short `X-Request-Timeout-Ms` ends that caller's wait, and not its fetch: who waits behind it gets that page."""
    gateway = make_gateway(real_time=True)
    simulator.latency_s = 2.0
    with ThreadPoolExecutor(2) as pool:
        hurried = pool.submit(gateway.problem, "/campaigns", headers={"X-Request-Timeout-Ms": "900"})
        wait_until(lambda: simulator.calls.total == 1)
        patient = pool.submit(gateway.get, "/campaigns", headers={"X-Request-Timeout-Ms": "not a number"})
        status, problem, document = hurried.result(10)
        assert (status, problem) == (504, "upstream-timeout")
        assert "deadline passed before CC-iSales had answered" in document["detail"]
        assert not patient.done()
        assert patient.result(10).status_code == 200
    assert simulator.calls.total == 1


def test_the_page_of_a_caller_in_a_hurry_lands(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """Callers who never wait long enough get the page all the same, by one call, as soon as it is there."""
    gateway = make_gateway(real_time=True)
    simulator.latency_s = 1.0
    hurry = {"X-Request-Timeout-Ms": "100"}
    assert gateway.problem("/campaigns", headers=hurry)[:2] == (504, "upstream-timeout")
    wait_until(lambda: gateway.get("/campaigns", headers=hurry).status_code == 200)
    assert simulator.calls.total == 1


@pytest.mark.parametrize(
    "nothing_kept",
    [
        {"cache__max_bytes": "0"},
        {"cache__fresh_s": "0", "cache__stale_while_revalidate_s": "0", "cache__stale_if_error_s": "0"},
    ],
)
def test_a_page_that_is_not_kept_is_not_called_stored(
    make_gateway: Callable[..., GatewayUnderTest], nothing_kept: dict[str, str]
) -> None:
    """`stored` is said of pages that are there for the next caller (RFC 9211), and of no others."""
    gateway = make_gateway(**nothing_kept)
    for _ in range(2):
        status = gateway.get("/campaigns").headers["Cache-Status"]
        assert re.fullmatch(r"campaign-gateway; fwd=miss; ttl=\d+; age=0", status)


def test_a_crowd_that_waits_keeps_nobody_else_waiting(
    make_gateway: Callable[..., GatewayUnderTest], simulator: SimulatorServer
) -> None:
    """While more callers than have a turn at once wait for a slow CC-iSales, others are answered."""
    gateway = make_gateway(real_time=True, **HOLDING)
    simulator.latency_s = HELD_S
    with ThreadPoolExecutor(3 * AT_ONCE) as pool:
        crowd = [pool.submit(gateway.get, f"/campaigns?name={number}") for number in range(3 * AT_ONCE)]
        wait_until(lambda: simulator.calls.total >= 10)
        assert gateway.get("/campaigns?page=x").status_code == 400
        assert not any(one.done() for one in crowd)
        simulator.latency_s = 0.0
    assert {one.result().status_code for one in crowd} == {200}
