import json
import re
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from gateway.errors import UpstreamFailed, UpstreamUnreachable
from gateway.isales.retry import Retries
from gateway.isales.retry_budget import RetryBudget
from gateway.isales.retry_policy import RetryPolicy
from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Fault
from gateway.simulator.keys import Tenant
from gateway.simulator.server import SimulatorServer
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.scenarios.upstream.conftest import Fetch
from tests.scenarios.upstream.raw_server import RawServer, http, says, says_and_closes
from tests.support.gateway import GatewayUnderTest
from tests.unit.isales.vendor import SECRET_KEY

MakeGateway = Callable[..., GatewayUnderTest]
BAD_GATEWAY = says(http("502 Bad Gateway", b""))

CAN_HEAL = [
    Fault("reset-before", times=1),
    Fault("reset-in-headers", times=1),
    Fault("reset-in-body", times=1),
    Fault("http-status", times=1, status=502),
    Fault("http-status", times=1, status=503),
    Fault("http-status", times=1, status=504),
    Fault("result-code", times=1, result_code="0200006"),
]

STAYS = [
    (Fault("hang", times=1), "upstream-timeout"),
    (Fault("drip", times=1), "upstream-timeout"),
    (Fault("http-status", times=1, status=429, retry_after="1"), "upstream-overloaded"),
    (Fault("http-status", times=1, status=500), "upstream-failed"),
    (Fault("http-status", times=1, status=501, retry_after="1"), "upstream-failed"),
    (Fault("http-status", times=1, status=404), "upstream-broken-contract"),
    (Fault("redirect", times=1), "upstream-broken-contract"),
    (Fault("short-body", times=1), "upstream-broken-contract"),
    (Fault("not-json", times=1), "upstream-broken-contract"),
    (Fault("no-envelope", times=1), "upstream-broken-contract"),
    (Fault("result-code", times=1, result_code="0200001"), "upstream-rejected-parameters"),
    (Fault("result-code", times=1, result_code="02000011"), "upstream-rejected-parameters"),
    (Fault("result-code", times=1, result_code="0299999"), "upstream-failed"),
]


def named(fault: object) -> str | None:
    """Return a name for the test of `fault`."""
    return f"{fault.kind}-{fault.status}-{fault.result_code}" if isinstance(fault, Fault) else None


def retries(sleep: Callable[[float], object] = time.sleep, attempts: int = 2) -> Retries:
    """Return retries with all the budget there can be."""
    return Retries(RetryPolicy(attempts), RetryBudget(1.0), UpstreamNumbers(), sleep=sleep)


@pytest.mark.parametrize("fault", CAN_HEAL, ids=named)
def test_what_can_heal_is_asked_again(simulator: SimulatorServer, gateway: GatewayUnderTest, fault: Fault) -> None:
    """A failure that passes costs a second call and the caller sees nothing of it."""
    simulator.faults.arm(fault)
    assert gateway.get("/campaigns").status_code == 200
    assert simulator.calls.total == 2
    assert "campaign_gateway_upstream_retries_total 1.0" in gateway.get("/metrics", key=None).get_data(as_text=True)


@pytest.mark.parametrize(("fault", "problem"), STAYS, ids=named)
def test_what_does_not_heal_is_asked_once(
    simulator: SimulatorServer, make_gateway: MakeGateway, fault: Fault, problem: str
) -> None:
    """A failure that a second call would not change has none."""
    patience = {"isales__deadline_s": "1", "isales__read_timeout_s": "0.2"} if problem == "upstream-timeout" else {}
    gateway = make_gateway(real_time=True, **patience)
    simulator.faults.arm(fault)
    assert gateway.problem("/campaigns")[1] == problem
    assert simulator.calls.total == 1


def test_a_failure_that_stays_says_how_often_it_was_met(simulator: SimulatorServer, make_gateway: MakeGateway) -> None:
    """The caller learns what CC-iSales said last and how many attempts that took."""
    gateway = make_gateway(isales__max_attempts="2")
    simulator.faults.arm(Fault("result-code"))
    _, _, document = gateway.problem("/campaigns")
    assert document["detail"] == "CC-iSales failed with result code 0200006. 2 attempts were made."
    assert simulator.calls.total == 2


@pytest.mark.parametrize("switch", [{"isales__max_attempts": "1"}, {"isales__retry_budget": "0"}])
def test_retries_are_switched_off(
    simulator: SimulatorServer, make_gateway: MakeGateway, switch: dict[str, str]
) -> None:
    """With one attempt, or no budget, what could heal is asked once."""
    gateway = make_gateway(**switch)
    simulator.faults.arm(Fault("reset-before", times=1))
    assert gateway.problem("/campaigns")[1] == "upstream-unreachable"
    assert simulator.calls.total == 1


@pytest.mark.parametrize(
    ("fault", "before"), [(Fault("http-status", status=503), 0), (Fault("result-code"), 40)], ids=named
)
def test_an_outage_is_not_made_worse(
    simulator: SimulatorServer,
    make_gateway: MakeGateway,
    capsys: pytest.CaptureFixture[str],
    fault: Fault,
    before: int,
) -> None:
    """A hundred calls in a minute of outage are at most 110 attempts, whatever went before; that is said once."""
    # Without the circuit, which would stop the calls long before.
    gateway = make_gateway(isales__breaker_min_calls="1000")
    for page in range(before):
        gateway.get(f"/campaigns?page={page + 1}&page_size=3")
    simulator.calls.reset()
    simulator.faults.arm(fault)
    for page in range(100):
        assert gateway.get(f"/campaigns?page={page + 1}").status_code in {502, 503}
    attempts = simulator.calls.total
    assert attempts <= 110
    retried, given_up = attempts - 100, 200 - attempts
    numbers = gateway.get("/metrics", key=None).get_data(as_text=True)
    assert f"campaign_gateway_upstream_retries_total {retried:.1f}" in numbers
    assert f"campaign_gateway_upstream_retries_over_budget_total {given_up:.1f}" in numbers
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    said = [line for line in lines if line["event"] == "retry_budget_used_up"]
    assert [(line["setting"], line["level"]) for line in said] == [("isales.retry_budget", "warning")]


def test_a_retry_after_is_waited_for(simulator: SimulatorServer, gateway: GatewayUnderTest) -> None:
    """What CC-iSales asks for is waited for, and not much longer, if the deadline allows."""
    simulator.faults.arm(Fault("http-status", times=1, status=503, retry_after="7"))
    began = gateway.clock()
    assert gateway.get("/campaigns").status_code == 200
    assert 7.0 < gateway.clock() - began < 7.1
    assert simulator.calls.total == 2


@pytest.mark.parametrize("deadline_s", ["2", "2.05", "7"])
def test_a_retry_after_beyond_the_deadline_is_not_tried(
    simulator: SimulatorServer, make_gateway: MakeGateway, deadline_s: str
) -> None:
    """Where no time would be left for an attempt, the caller is told at once when to come back."""
    gateway = make_gateway(isales__deadline_s=deadline_s)
    wait = "2" if deadline_s.startswith("2") else "7"
    simulator.faults.arm(Fault("http-status", times=1, status=503, retry_after=wait))
    answer = gateway.get("/campaigns")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, wait)
    assert simulator.calls.total == 1


def test_a_server_that_comes_back(connect: Callable[..., Fetch]) -> None:
    """A connection that is refused is tried again, and a server that has started meanwhile is reached."""
    tenant = Tenant(vdns=(1,), access_key="AK", secret_key=SECRET_KEY)
    with SimulatorServer(SimulatorConfig((tenant,))) as server:
        waits: list[float] = []

        def start_it(seconds: float) -> None:
            waits.append(seconds)
            server.start()

        fetch = connect(server.base_url, retries=retries(start_it))
        server.stop()
        assert fetch().total_items == 250
        assert server.calls.total == 1
        assert len(waits) == 1


def test_a_server_that_stays_away(connect: Callable[..., Fetch]) -> None:
    """All attempts are used up on a port that refuses, and the error says so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    waits: list[float] = []
    with pytest.raises(UpstreamUnreachable, match=r"refused the connection\. 2 attempts were made\."):
        connect(f"http://127.0.0.1:{port}", retries=retries(waits.append))()
    assert len(waits) == 1


@pytest.mark.parametrize("url", ["http://isales.invalid", "https://127.0.0.1:{port}"], ids=["name", "tls"])
def test_a_name_or_a_certificate_does_not_heal(connect: Callable[..., Fetch], url: str) -> None:
    """A name that does not resolve and a server without TLS are met once."""
    waits: list[float] = []
    with RawServer(greeting=says_and_closes(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        with pytest.raises(UpstreamUnreachable):
            connect(url.format(port=server.port), retries=retries(waits.append))()
        assert server.connections <= 1
    assert waits == []


def test_each_attempt_is_signed_afresh(upstream: RawServer, connect: Callable[..., Fetch]) -> None:
    """Two attempts carry the timestamps of when they were made, and two signatures."""
    clock = iter(datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC) for second in range(60))
    upstream.will(BAD_GATEWAY)
    connect(upstream.url, retries=retries(lambda _seconds: None), now=lambda: next(clock))()
    authorizations = [re.search(rb"Authorization: (.*)\r\n", request) for request in upstream.requests]
    first, second = (found[1].decode().split("/") for found in authorizations if found)
    stamps = [datetime.fromisoformat(parts[2]) for parts in (first, second)]
    assert stamps[1] > stamps[0]
    assert first[-1] != second[-1]


def test_a_caller_who_waits_for_a_retry_holds_no_slot(upstream: RawServer, connect: Callable[..., Fetch]) -> None:
    """During the wait another caller can make the only call that is allowed at once."""
    others: list[int | None] = []
    plain = retries(lambda _seconds: others.append(fetch().total_items))
    fetch = connect(upstream.url, retries=plain, concurrency=1)
    upstream.will(BAD_GATEWAY)
    assert fetch().total_items == 0
    assert others == [0]
    assert len(upstream.requests) == 3


def test_the_deadline_is_that_of_all_attempts(upstream: RawServer, connect: Callable[..., Fetch]) -> None:
    """An attempt gets what the ones before it have left of the time, and none begins without any."""
    upstream.will(BAD_GATEWAY, BAD_GATEWAY, BAD_GATEWAY)
    started = time.monotonic()
    with pytest.raises(UpstreamFailed, match="2 attempts were made"):
        connect(upstream.url, retries=retries(lambda _s: time.sleep(0.3), attempts=10))(deadline_s=0.45)
    assert time.monotonic() - started < 2.0
    assert len(upstream.requests) == 2


def test_what_went_out_twice_already_has_no_retry(upstream: RawServer) -> None:
    """A request that had to go again on a new connection counts as a retry, so that an outage sees no more of them."""
    gateway = GatewayUnderTest(upstream.url)
    assert gateway.get("/campaigns").status_code == 200
    upstream.usually = lambda connection: connection.close()
    assert gateway.problem("/campaigns?page=2")[1] == "upstream-unreachable"
    assert len(upstream.requests) == 1 + 2


def test_a_dropped_connection_is_no_retry(upstream: RawServer, connect: Callable[..., Fetch]) -> None:
    """A kept connection that closes under a request is replaced at once, without a wait and whatever the budget."""
    waits: list[float] = []
    fetch = connect(upstream.url, retries=retries(waits.append))
    fetch()
    upstream.will(lambda connection: connection.close())
    assert fetch().total_items == 0
    assert (len(upstream.requests), waits) == (3, [])
