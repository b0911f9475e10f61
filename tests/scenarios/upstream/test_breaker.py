"""What callers see, and CC-iSales is spared, while calls fail or CC-iSales asks for a pause."""

import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.scenarios.upstream.raw_server import GOOD_BODY, Behaviour, RawServer, http, says
from tests.support.gateway import GatewayUnderTest
from tests.support.server import free_port
from tests.support.waiting import wait_until
from tests.unit.isales.vendor import as_json

OVERLOADED = (503, "upstream-overloaded")
SOON = {
    "isales__max_attempts": "1",
    "isales__breaker_min_calls": "3",
    "isales__breaker_open_s": "0.5",
    "isales__breaker_open_max_s": "1",
}
SLOWLY = {"isales__max_attempts": "1", "isales__breaker_min_calls": "3"}


def on_a_fake_clock(upstream: RawServer) -> GatewayUnderTest:
    """Return a gateway with the usual times, which pass when the test says so."""
    return GatewayUnderTest(upstream.url, real_time=False, **SLOWLY)


def hangs_up(connection: socket.socket) -> None:
    """Close the connection without an answer."""
    connection.close()


def answers_after(go: threading.Event) -> Behaviour:
    """Return what waits for `go` and then gives a good answer."""

    def behave(connection: socket.socket) -> None:
        go.wait(10)
        connection.sendall(http("200 OK", GOOD_BODY))

    return behave


def opened(gateway: GatewayUnderTest, upstream: RawServer) -> int:
    """Have the circuit open by three calls that get no answer; return how many connections there were."""
    upstream.usually = hangs_up
    for page in range(1, 4):
        assert gateway.problem(f"/campaigns?page={page}")[:2] == (502, "upstream-unreachable")
    return upstream.connections


def test_while_it_is_dead_cold_pages_fail_at_once_and_no_connection_reaches_it(upstream: RawServer) -> None:
    """A hundred callers without a page hear when to come back and what is wrong, from the gateway alone."""
    gateway = GatewayUnderTest(upstream.url, real_time=False, **{**SLOWLY, "isales__breaker_open_s": "50"})
    connections = opened(gateway, upstream)
    began = gateway.clock()
    for page in range(10, 110):
        answer = gateway.get(f"/campaigns?page={page}")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "50"
    assert gateway.clock() == began, "somebody has waited"
    detail = answer.get_json()["detail"]
    assert "all VDNs were stopped" in detail
    assert "upstream-unreachable: CC-iSales closed the connection without an answer." in detail
    assert upstream.connections == connections


def test_one_call_an_hour_is_enough_to_see_that_it_is_dead(upstream: RawServer) -> None:
    """After three calls without an answer nobody waits for it any more, with the usual `breaker_min_calls`."""
    gateway = GatewayUnderTest(upstream.url, real_time=False, isales__max_attempts="1")
    known = gateway.get("/campaigns").data
    upstream.usually = hangs_up
    for page in range(2, 5):
        gateway.clock.advance(1000)
        assert gateway.problem(f"/campaigns?page={page}")[:2] == (502, "upstream-unreachable")
    connections = upstream.connections
    gateway.clock.advance(1)
    for page in range(5, 10):
        status, name, document = gateway.problem(f"/campaigns?page={page}")
        assert (status, name) == OVERLOADED
        assert "all VDNs were stopped" in document["detail"]
    assert upstream.connections == connections
    answer = gateway.get("/campaigns")
    assert (answer.status_code, answer.data) == (200, known)
    assert "detail=upstream-overloaded" in answer.headers["Cache-Status"]


def test_a_failure_that_is_answered_is_no_silence(upstream: RawServer) -> None:
    """Three failures of any other kind stop nobody at once: `breaker_min_calls` says from how many on they do."""
    upstream.usually = says(http("500 Broken", b""))
    gateway = GatewayUnderTest(upstream.url, real_time=False, isales__max_attempts="1")
    for page in range(1, 10):
        assert gateway.problem(f"/campaigns?page={page}")[:2] == (502, "upstream-failed")
    assert gateway.problem("/campaigns?page=10")[:2] == (502, "upstream-failed")
    assert gateway.problem("/campaigns?page=11")[:2] == OVERLOADED


def test_it_recovers_soon_after_it_is_back() -> None:
    """Nobody listens for a while; as soon as the circuit's time is over, pages come again, by one call."""
    port = free_port()
    gateway = GatewayUnderTest(f"http://127.0.0.1:{port}", real_time=True, **SOON)
    wait_until(lambda: gateway.get("/campaigns").status_code == 503)
    again = time.monotonic() + 1.2
    wait_until(lambda: gateway.get("/campaigns").status_code == 200 or time.monotonic() > again)
    with RawServer(port=port) as upstream:
        wait_until(lambda: gateway.get("/campaigns").status_code == 200)
        assert upstream.connections == 1
    assert gateway.get("/readyz").get_json()["dependencies"]["isales"]["vdns"]["1"]["status"] == "ok"


def test_one_probe_at_a_time(upstream: RawServer) -> None:
    """Of twenty callers at once one goes; the others are told to come back while it is under way."""
    gateway = GatewayUnderTest(upstream.url, real_time=True, **SOON)
    connections, requests = opened(gateway, upstream), len(upstream.requests)
    go = threading.Event()
    upstream.usually = answers_after(go)
    wait_until(lambda: gateway.get("/readyz").get_json()["dependencies"]["isales"]["circuit"] == "half-open")
    with ThreadPoolExecutor(20) as pool:
        try:
            calls = [pool.submit(gateway.get, f"/campaigns?page={page}") for page in range(1, 21)]
            wait_until(lambda: sum(call.done() for call in calls) == 19)
            assert (upstream.connections - connections, len(upstream.requests) - requests) == (1, 1)
        finally:
            go.set()
        answers = [call.result(10) for call in calls]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    assert {"under way" in answer.get_json()["detail"] for answer in refused} == {True}
    assert [answer.status_code for answer in answers].count(200) == 1
    assert gateway.get("/campaigns?page=30").status_code == 200


def test_who_would_be_refused_does_not_queue_for_a_slot(upstream: RawServer) -> None:
    """The probe holds the only slot; others hear of it at once instead of waiting for the slot."""
    variables = {**SOON, "isales__concurrency": "1", "isales__deadline_s": "4"}
    gateway = GatewayUnderTest(upstream.url, real_time=True, **variables)
    opened(gateway, upstream)
    requests = len(upstream.requests)
    go = threading.Event()
    upstream.usually = answers_after(go)
    wait_until(lambda: gateway.get("/readyz").get_json()["dependencies"]["isales"]["circuit"] == "half-open")
    with ThreadPoolExecutor(1) as pool:
        probe = pool.submit(gateway.get, "/campaigns")
        wait_until(lambda: len(upstream.requests) > requests)
        try:
            assert "under way" in gateway.problem("/campaigns?page=2")[2]["detail"]
            assert not probe.done()
        finally:
            go.set()


def test_each_failed_probe_doubles_the_time(upstream: RawServer) -> None:
    """One connection each time, after 5, 10, 20, 40, 60 and again 60 seconds."""
    gateway = on_a_fake_clock(upstream)
    connections = opened(gateway, upstream)
    for seconds in (5, 10, 20, 40, 60, 60):
        assert gateway.get("/campaigns").headers["Retry-After"] == str(seconds)
        gateway.clock.advance(seconds - 0.5)
        assert gateway.problem("/campaigns")[:2] == OVERLOADED
        assert upstream.connections == connections
        gateway.clock.advance(0.5)
        assert gateway.problem("/campaigns")[:2] == (502, "upstream-unreachable")
        connections += 1
    assert upstream.connections == connections


def test_one_vdns_failures_do_not_stop_another(upstream: RawServer) -> None:
    """The database of VDN 1 is broken; its callers hear so, those of VDN 2 get their pages."""
    failed = http("200 OK", as_json({"resultCode": "0200006", "resultDesc": "database"}))

    def fails_for_one(connection: socket.socket) -> None:
        connection.sendall(failed if b"/campaigns/1?" in upstream.requests[-1] else http("200 OK", GOOD_BODY))

    upstream.usually = fails_for_one
    gateway = on_a_fake_clock(upstream)
    for page in range(1, 4):
        assert gateway.problem(f"/campaigns?page={page}")[:2] == (502, "upstream-failed")
    status, name, document = gateway.problem("/campaigns")
    assert (status, name) == OVERLOADED
    assert "VDN 1 were stopped" in document["detail"]
    assert "upstream-failed: CC-iSales failed with result code 0200006." in document["detail"]
    for page in range(1, 21):
        assert gateway.get(f"/campaigns?vdn=2&page={page}", key="two-key").status_code == 200
    assert gateway.problem("/campaigns")[:2] == OVERLOADED
    assert len(upstream.requests) == 3 + 20


def test_retry_after_of_a_503_is_kept_and_stale_pages_are_served(upstream: RawServer) -> None:
    """For seven seconds nobody calls, of no VDN; who has a page gets it, the others hear what is left."""
    gateway = on_a_fake_clock(upstream)
    body = gateway.get("/campaigns").data
    gateway.clock.advance(15 + 60 + 1)
    upstream.will(says(http("503 Busy", b"", "Retry-After: 7")))
    stale = "campaign-gateway; hit; ttl=-61; age=76; detail=upstream-overloaded"
    for _ in range(3):
        answer = gateway.get("/campaigns")
        assert (answer.status_code, answer.data, answer.headers["Cache-Status"]) == (200, body, stale)
    for seconds in (0, 3, 3):
        gateway.clock.advance(seconds)
        for path, key in (("/campaigns?page=2", "web-key"), ("/campaigns?vdn=2", "two-key")):
            answer = gateway.get(path, key=key)
            assert answer.status_code == 503
            assert 1 <= int(answer.headers["Retry-After"]) <= 7
        assert gateway.get("/campaigns").data == body
    assert len(upstream.requests) == 2
    gateway.clock.advance(1)
    assert gateway.get("/campaigns?page=2").status_code == 200
    gateway.clock.advance(2)
    # Who has a page does not wait to hear whether it works again.
    wait_until(lambda: gateway.cache_status() == "hit; ttl=15; age=0")
    assert len(upstream.requests) == 4


def test_retry_after_of_a_429_is_that_vdns_alone(upstream: RawServer) -> None:
    """One VDN made too many requests; the other goes on."""
    gateway = on_a_fake_clock(upstream)
    upstream.will(says(http("429 Too Many Requests", b"", "Retry-After: 7")))
    assert gateway.problem("/campaigns")[:2] == OVERLOADED
    assert "a pause in the calls for VDN 1" in gateway.problem("/campaigns")[2]["detail"]
    assert gateway.get("/campaigns?vdn=2", key="two-key").status_code == 200
    assert len(upstream.requests) == 2


def test_a_429_without_retry_after_counts_against_that_vdn_alone(upstream: RawServer) -> None:
    """One VDN makes too many requests until its own circuit opens; the other goes on."""

    def is_too_much_of_one(connection: socket.socket) -> None:
        of_one = b"/campaigns/1?" in upstream.requests[-1]
        connection.sendall(http("429 Too Many Requests", b"") if of_one else http("200 OK", GOOD_BODY))

    upstream.usually = is_too_much_of_one
    gateway = on_a_fake_clock(upstream)
    for page in range(1, 4):
        assert gateway.problem(f"/campaigns?page={page}")[:2] == OVERLOADED
    assert len(upstream.requests) == 3
    assert "VDN 1 were stopped" in gateway.problem("/campaigns")[2]["detail"]
    assert gateway.get("/campaigns?vdn=2", key="two-key").status_code == 200
    assert len(upstream.requests) == 4


def test_nobody_waits_for_six_hours(upstream: RawServer) -> None:
    """Callers are answered at once with what is left of it, and calls flow when it has passed."""
    gateway = on_a_fake_clock(upstream)
    upstream.will(says(http("503 Busy", b"", "Retry-After: 21600")))
    assert gateway.get("/campaigns").headers["Retry-After"] == "21600"
    gateway.clock.advance(3600)
    assert gateway.get("/campaigns").headers["Retry-After"] == "18000"
    ready = gateway.get("/readyz").get_json()
    assert (ready["status"], ready["dependencies"]["isales"]["circuit"]) == ("degraded", "paused")
    gateway.clock.advance(18000)
    assert gateway.get("/campaigns").status_code == 200
    assert len(upstream.requests) == 2
    assert gateway.get("/readyz").get_json()["status"] == "ready"


def test_without_retry_after_nothing_is_remembered(upstream: RawServer) -> None:
    """CC-iSales did not say when, so the next caller asks again, and only the circuit counts."""
    gateway = on_a_fake_clock(upstream)
    upstream.will(*[says(http("503 Busy", b""))] * 2)
    assert [gateway.get("/campaigns").headers["Retry-After"] for _ in range(2)] == ["5", "5"]
    assert gateway.get("/campaigns").status_code == 200
    assert len(upstream.requests) == 3


def test_operators_see_it(upstream: RawServer) -> None:
    """Readiness and numbers show the circuit; a refusal is no new failure of CC-iSales and no fetch from it."""
    gateway = on_a_fake_clock(upstream)
    opened(gateway, upstream)
    gateway.clock.advance(2)
    assert gateway.problem("/campaigns")[:2] == OVERLOADED
    answer = gateway.get("/readyz")
    isales = answer.get_json()["dependencies"]["isales"]
    assert (answer.status_code, answer.get_json()["status"]) == (200, "degraded")
    assert (isales["status"], isales["circuit"]) == ("failing", "open")
    assert isales["vdns"] == {
        "1": {
            "status": "failing",
            "problem": "upstream-unreachable",
            "last_fetch_seconds_ago": 2.0,
            "circuit": "open",
        },
        "2": {"status": "unknown"},
    }
    numbers = gateway.get("/metrics").get_data(as_text=True)
    for line in (
        'campaign_gateway_upstream_circuit_state{vdn="all"} 2.0',
        'campaign_gateway_upstream_circuit_state{vdn="1"} 2.0',
        'campaign_gateway_upstream_circuit_state{vdn="2"} 0.0',
        'campaign_gateway_upstream_pause_seconds{vdn="all"} 0.0',
        'campaign_gateway_upstream_circuit_openings_total{vdn="all"} 1.0',
        'campaign_gateway_upstream_refused_calls_total{reason="circuit",vdn="all"} 1.0',
        'campaign_gateway_upstream_fetches_total{outcome="upstream-unreachable",result_code="",vdn="1"} 3.0',
    ):
        assert line in numbers
    assert not re.findall(r'fetches_total\{outcome="upstream-overloaded".*\} [1-9]', numbers)
