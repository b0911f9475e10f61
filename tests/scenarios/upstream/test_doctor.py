"""The doctor in front of a CC-iSales that is well, and of many that are not."""

import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gateway.factory import create_app
from gateway.settings.time_zones import time_zone_data
from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer, demo_config
from tests.scenarios.upstream.raw_server import GOOD_BODY, Behaviour, RawServer, good, http, says, says_and_closes
from tests.support.doctor import examined
from tests.support.gateway import settings_for
from tests.support.server import free_port
from tests.unit.isales.vendor import as_json, envelope, row

TENANTS = demo_config().tenants
ASKED = ("http", "clock", "signature", "query", "latency")


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """Return a simulator of the test's own."""
    with SimulatorServer(SimulatorConfig(tenants=TENANTS)) as server:
        yield server


def test_all_is_good(simulator: SimulatorServer) -> None:
    """Every step is good, and there are four calls, one after the other."""
    report = examined(simulator.base_url)
    assert (report.exit_code, report.result) == (0, "good")
    assert report.states == {"dns": "good", "tcp": "good", "tls": "skipped"} | dict.fromkeys(ASKED, "good")
    assert "plain HTTP" in report.step("tls")["seen"]
    assert report.step("query")["facts"] == {
        "result_code": "0200000",
        "result_desc": "",
        "total_items": 250,
        "left_out": 0,
        "problem": None,
    }
    latency = report.step("latency")["facts"]
    assert 0 < latency["min_s"] <= latency["median_s"] <= latency["max_s"]
    calls = simulator.calls.snapshot()
    assert (calls["total"], calls["max_in_flight"]) == (4, 1)


def test_all_vdns(simulator: SimulatorServer) -> None:
    """Without --vdn the way is examined once and each VDN asked for; a refused key beside a good one is the key."""
    both = """[{vdn = 1, access_key = "demo-access-key", secret_key = "demo-secret-key"},
               {vdn = 2, access_key = "demo-access-key-2", secret_key = "of-another"}]"""
    report = examined(simulator.base_url, vdn=None, tenants=both)
    assert [(step["step"], step["vdn"]) for step in report.steps] == [
        *((name, None) for name in ("dns", "tcp", "tls")),
        *((name, vdn) for vdn in (1, 2) for name in ASKED),
    ]
    assert (report.failed["step"], report.failed["vdn"]) == ("signature", 2)
    assert report.failed["facts"] == {"likely_cause": "key"}
    assert "another VDN was accepted" in report.failed["hint"]
    assert simulator.calls.snapshot()["max_in_flight"] == 1


def test_a_name_that_does_not_resolve() -> None:
    """DNS fails, and nothing behind it is tried."""
    report = examined("http://isales.invalid:28443")
    assert report.failed["step"] == "dns"
    assert "isales.base_url" in report.failed["hint"]
    assert report.states == {"dns": "failed"} | dict.fromkeys(("tcp", "tls", *ASKED), "skipped")
    assert report.step("latency")["seen"] == "not examined, because dns failed"


def test_a_port_that_is_refused() -> None:
    """TCP fails, and the hint is about the port."""
    port = free_port()
    report = examined(f"http://127.0.0.1:{port}")
    assert (report.failed["step"], report.failed["seen"]) == ("tcp", f"127.0.0.1:{port} refuses connections")
    assert "port in isales.base_url" in report.failed["hint"]
    assert report.states["tls"] == "skipped"


def test_a_black_hole() -> None:
    """A CC-iSales that never answers fails within the limit, which is named."""
    with RawServer() as server:
        server.will(server.is_silent)
        report = examined(server.url, isales__read_timeout_s="0.3")
        server.stopping.set()
    assert report.failed["step"] == "http"
    assert "one step took longer than 0.3 s (isales.read_timeout_s)" in report.failed["seen"]
    assert "does not answer in time" in report.failed["hint"]
    assert report.failed["seconds"] < 5
    assert [report.states[name] for name in ASKED[1:]] == ["skipped"] * 4
    assert len(server.requests) == 1


def test_drips() -> None:
    """Bytes that come one by one do not hold the doctor beyond what one call may take."""
    with RawServer() as server:
        server.will(server.drips(b"HTTP/1.1 200 OK\r\n\r\n", b" "))
        report = examined(server.url, isales__connect_timeout_s="0.2", isales__read_timeout_s="0.3")
        server.stopping.set()
    assert (report.failed["step"], "in the middle of the answer" in report.failed["seen"]) == ("http", True)
    assert report.failed["seconds"] < 5


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_off(ahead: timedelta) -> None:
    """The clocks are further apart than this CC-iSales takes: the clock is the likely cause, not the key."""
    with SimulatorServer(SimulatorConfig(tenants=TENANTS, now=lambda: datetime.now(UTC) + ahead)) as server:
        report = examined(server.base_url)
    assert [report.states[name] for name in ASKED] == ["good", "warning", "failed", "skipped", "skipped"]
    clock = report.step("clock")
    assert clock["facts"]["skew_s"] == pytest.approx(ahead.total_seconds(), abs=60)
    assert ("ahead of" if ahead > timedelta() else "behind") in clock["seen"]
    assert "NTP" in clock["hint"]
    assert report.step("signature")["facts"] == {"likely_cause": "clock"}
    assert report.exit_code == 1


def test_a_clock_that_is_twenty_minutes_off_and_accepted(upstream: RawServer) -> None:
    """Whoever takes the signature takes the clock: a warning, and no failure."""
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=20), usegmt=True)
    upstream.usually = says(http("200 OK", GOOD_BODY, f"Date: {date}"))
    report = examined(upstream.url)
    assert (report.exit_code, report.states["clock"], report.states["signature"]) == (0, "warning", "good")
    # `Date` has whole seconds, and the step takes some time of its own.
    assert re.search(r"\b(1199|1200|1201) s ahead", report.step("clock")["seen"])


def test_a_clock_that_is_a_little_off() -> None:
    """A minute is a warning, which does not fail."""
    with SimulatorServer(
        SimulatorConfig(tenants=TENANTS, now=lambda: datetime.now(UTC) + timedelta(minutes=1))
    ) as server:
        report = examined(server.base_url)
    assert (report.exit_code, report.result, report.states["clock"]) == (0, "warning", "warning")


def test_a_wrong_key(simulator: SimulatorServer) -> None:
    """A 401 with clocks that agree is most likely the key, and is not tried twice."""
    wrong = '[{vdn = 1, access_key = "demo-access-key", secret_key = "not-the-right-one"}]'
    report = examined(simulator.base_url, tenants=wrong)
    assert (report.failed["step"], report.failed["facts"]) == ("signature", {"likely_cause": "key"})
    assert "access_key and secret_key of VDN 1" in report.failed["hint"]
    assert (report.states["clock"], report.states["query"], report.states["latency"]) == ("good", "skipped", "skipped")
    assert simulator.calls.snapshot()["refused"] == 1
    assert "not-the-right-one" not in report.text
    assert "demo-access-key" not in report.text


def test_a_wrong_host() -> None:
    """Where a host_header is set, a 401 is most likely that."""
    tenants = (
        '[{vdn = 1, access_key = "demo-access-key", secret_key = "demo-secret-key", host_header = "a.example.com"}]'
    )
    with SimulatorServer(SimulatorConfig(tenants=TENANTS, host_header="b.example.com")) as server:
        report = examined(server.base_url, tenants=tenants)
    assert (report.failed["step"], report.failed["facts"]) == ("signature", {"likely_cause": "Host header"})
    assert "host_header of VDN 1 is a.example.com" in report.failed["hint"]


@pytest.mark.parametrize(
    ("fault", "seen", "hint"),
    [
        (Fault("result-code", result_code="0200006"), "result code 0200006", "Give its administrators"),
        (Fault("result-code", result_code="0200001"), "refused a parameter", "cc_id"),
        (Fault("result-code", result_code="02000001"), "`statusV2`", "newer than this gateway"),
        (Fault("http-status", status=500), "HTTP 500", "Give its administrators"),
        (
            Fault("http-status", status=503, retry_after="7"),
            "HTTP 503. It asks for no call within the next 7 s",
            "wait",
        ),
        (Fault("http-status", status=429), "HTTP 429", "isales.concurrency"),
        (Fault("html"), "not JSON", "login page"),
        (Fault("not-json"), "not JSON", "login page"),
        (Fault("no-envelope"), "no result code", "login page"),
        (Fault("redirect"), "HTTP 302", "login page"),
    ],
    ids=lambda value: f"{value.kind}-{value.result_code}-{value.status}" if isinstance(value, Fault) else "",
)
def test_answers_that_are_none(simulator: SimulatorServer, fault: Fault, seen: str, hint: str) -> None:
    """What is not a page fails the query, with what CC-iSales said; the way there was good."""
    simulator.faults.arm(fault)
    report = examined(simulator.base_url)
    assert report.failed["step"] == "query"
    assert seen in report.failed["seen"]
    assert hint in report.failed["hint"]
    understood = fault.kind == "result-code"
    assert (report.states["http"], report.states["clock"]) == ("good", "good")
    assert report.states["signature"] == ("good" if understood else "skipped")
    assert report.failed["facts"]["result_code"] == (fault.result_code if understood else None)
    assert report.states["latency"] == "skipped"
    assert simulator.calls.total == 1


@pytest.mark.parametrize(
    "broken",
    [
        lambda connection: connection.close(),
        says_and_closes(b"SSH-2.0-OpenSSH\r\n"),
        says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    ],
    ids=["closed", "not-http", "cut-short"],
)
def test_no_http_answer(upstream: RawServer, broken: Behaviour) -> None:
    """Where no HTTP answer comes, that is what fails."""
    upstream.will(broken)
    assert examined(upstream.url).failed["step"] == "http"


def test_it_stops_before_it_locks_the_address() -> None:
    """After three refused signatures no other VDN is asked for, and that is said."""
    tables = (f'{{vdn = {vdn}, access_key = "AK-{vdn}", secret_key = "unknown"}}' for vdn in range(1, 6))
    with SimulatorServer(SimulatorConfig(tenants=TENANTS)) as simulator:
        report = examined(simulator.base_url, vdn=None, tenants=f"[{', '.join(tables)}]")
        assert simulator.calls.snapshot()["refused"] == simulator.calls.total == 3
    left_alone = [step for step in report.steps if "3 signatures were refused" in step["seen"]]
    assert {step["vdn"] for step in left_alone} == {4, 5}
    assert {step["state"] for step in left_alone} == {"skipped"}


def test_one_call_in_three_fails(upstream: RawServer) -> None:
    """A CC-iSales that answers now and then fails at the latency, and is then left alone."""
    upstream.will(good, good, says(http("502 Bad Gateway", b"")))
    report = examined(upstream.url)
    assert report.failed["step"] == "latency"
    assert report.failed["seen"].startswith("call 2 of 3 failed: CC-iSales answered HTTP 502")
    assert len(upstream.requests) == 3
    assert len({request.partition(b" HTTP/1.1")[0] for request in upstream.requests}) == 1, "all ask the same"
    assert upstream.connections == 2, "one to see whether it can be had, one that is kept for all calls"


def test_slow_answers(simulator: SimulatorServer) -> None:
    """Answers that take more than half of what they may are a warning."""
    simulator.latency_s = 0.3
    report = examined(simulator.base_url, isales__read_timeout_s="0.5")
    assert (report.exit_code, report.states["latency"]) == (0, "warning")
    assert "isales.read_timeout_s" in report.step("latency")["hint"]


def test_an_answer_that_echoes_our_secrets(upstream: RawServer) -> None:
    """What the other end sends back of our signature, and its control characters, do not reach the terminal."""

    def echo(connection: socket.socket) -> None:
        request = upstream.requests[-1].decode()
        (authorization,) = (
            line.split(": ", 1)[1] for line in request.split("\r\n") if line.startswith("Authorization")
        )
        signature = authorization.rpartition("/")[2]
        told = f"\x1b[31m {authorization} {signature} demo-secret-key demo-access-key"
        body = as_json(envelope(resultCode=signature, resultDesc=told))
        connection.sendall(http("200 OK", body, f"Content-Type: {authorization}"))
        echoed.extend((authorization, signature))

    echoed: list[str] = []
    upstream.will(echo)
    report = examined(upstream.url)
    assert report.failed["step"] == "query"
    for secret in (*echoed, "demo-secret-key", "demo-access-key", "\\u001b", "\x1b"):
        assert secret not in report.text
    assert "********" in report.text


def test_wrong_usage(simulator: SimulatorServer) -> None:
    """A VDN that is not configured is wrong usage, and nothing is examined."""
    runner = create_app(settings_for(simulator.base_url)).test_cli_runner()
    result = runner.invoke(args=["isales", "doctor", "--vdn", "77"])
    assert (result.exit_code, "configured are: 1, 2" in result.stderr, result.stdout) == (2, True, "")
    assert simulator.calls.total == 0


@pytest.fixture
def told(simulator: SimulatorServer) -> Callable[..., tuple[int, list[str]]]:
    """Return what gives exit code and lines for people of the doctor in front of the simulator."""

    def run(**variables: str) -> tuple[int, list[str]]:
        runner = create_app(settings_for(simulator.base_url, **variables)).test_cli_runner()
        result = runner.invoke(args=["isales", "doctor"])
        return result.exit_code, result.stdout.splitlines()

    return run


def test_what_people_read(simulator: SimulatorServer, told: Callable[..., tuple[int, list[str]]]) -> None:
    """One aligned line a step, the VDNs apart, a summary; all within 100 columns."""
    code, lines = told()
    assert code == 0
    assert lines[0] == f"The way to {simulator.base_url}"
    assert lines[1] == f"Times are read by the time zones of release {time_zone_data().release}"
    assert [line.split()[1] for line in lines if line.startswith("good")] == ["dns", "tcp", *ASKED, *ASKED]
    assert [line for line in lines if line.startswith("VDN")] == ["VDN 1", "VDN 2"]
    assert lines[-1] == "12 good, 1 skipped"
    assert {len(line) - len(line[30:].lstrip()) for line in lines if line.startswith("good")} == {30}
    simulator.faults.arm(Fault("html"))
    code, lines = told()
    assert code == 1
    failed = next(number for number, line in enumerate(lines) if line.startswith("failed"))
    assert lines[failed + 1].startswith(" " * 30 + "-> What answers there")
    assert max(map(len, lines)) <= 100
    assert lines[-1] == "6 good, 2 failed, 5 skipped"


def test_the_doctor_shows_no_row() -> None:
    """Names and numbers of campaigns are in what it asks for, and not in what it says."""
    number = "13800138000"
    rows = [row(callerNo=number, name=f"for {number}", **{number: number})]
    with RawServer() as server:
        server.usually = says(http("200 OK", as_json(envelope(data=rows, totalSize=1))))
        report = examined(server.url)
    assert report.step("query")["state"] == "good"
    assert number not in str(report.steps)


def test_rows_that_cannot_be_used(upstream: RawServer) -> None:
    """Some are a warning with their number, and all of them a failure that says what is in the place of an id."""
    upstream.usually = says(
        http("200 OK", as_json(envelope(data=[row(id=1), row(id="A-7"), row(id=None)], totalSize=3)))
    )
    query = examined(upstream.url).step("query")
    assert (query["state"], query["facts"]["left_out"], query["facts"]["total_items"]) == ("warning", 2, 3)
    assert "2 of the 3" in query["seen"]
    upstream.usually = says(http("200 OK", as_json(envelope(data=[row(id="A-7")], totalSize=1))))
    failed = examined(upstream.url).failed
    assert (failed["step"], failed["facts"]["problem"]) == ("query", "upstream-broken-contract")
    assert "in the first there is: a-9" in failed["seen"]


def test_a_first_row_that_cannot_be_used_is_no_bad_latency(simulator: SimulatorServer) -> None:
    """What is wrong with one row is told as that, and not as a CC-iSales that answers now and then."""
    simulator.faults.arm(Fault("odd-rows"))
    report = examined(simulator.base_url)
    assert (report.states["query"], report.states["latency"]) == ("warning", "good")


def test_what_people_read_where_the_way_is_bad() -> None:
    """What fails for all VDNs is said once; which ones it concerns is named."""
    app = create_app(settings_for(f"http://127.0.0.1:{free_port()}"))
    result = app.test_cli_runner().invoke(args=["isales", "doctor"])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines if line and line[0].islower()] == [
        ["good", "dns"],
        ["failed", "tcp"],
        ["skipped", "tls"],
    ]
    assert lines[-4:] == ["", "No VDN was asked for: 1, 2", "", "1 good, 1 failed, 11 skipped"]
