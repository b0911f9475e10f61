"""Each fault of the table, end to end: the caller's answer, when it came, what it cost CC-iSales, and what is next."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.scenarios.upstream.fault_behaviours import LEAK, answers_late, counts_down
from tests.scenarios.upstream.fault_table import GOOD_CERTIFICATE, TIMEOUT, UNREACHABLE, Fault, fault_table
from tests.scenarios.upstream.raw_server import RawServer, good, http, says
from tests.scenarios.upstream.tls_server import ca_file_in, tls_server_context
from tests.support.clock import LeapingClock
from tests.support.garbage import no_calls_left
from tests.support.gateway import GatewayUnderTest
from tests.support.server import free_port
from tests.unit.isales.vendor import as_json, envelope, row

FAULTS = fault_table(slow_s=0.2)
OF_EACH_KIND = (
    *("slow", "accepts", "body: one", "reset before", "reset in the middle of the b", "body shorter", "chunked"),
    *("invalid JSON", "gzip", "endless body", "HTTP 401", "HTTP 429, Retry-After 7", "HTTP 500", "HTTP 503"),
    *("HTTP 204", "result code 0200001", "result code 0200006", "result code 0299999", "no result", "TLS"),
)
DEADLINE_S = 8.0
SHORT_S = 1.0
ROOM_S = 3.0
"""So much more than the deadline a busy machine may take."""


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    """Return the file of the CA that the gateway trusts."""
    return ca_file_in(tmp_path)


def answer_of(gateway: GatewayUnderTest, path: str) -> tuple[tuple[int, str], str | None]:
    """Return status and problem of an answer, and its `Retry-After`, after checking that nothing leaked into it."""
    answer = gateway.get(path)
    text = answer.get_data(as_text=True)
    assert not re.search(f"{LEAK}|java|Traceback|demo-|auth-v2", f"{text} {answer.headers}")
    name = "" if answer.status_code == 200 else answer.get_json()["type"].rpartition("/")[2]
    assert answer.mimetype == ("application/problem+json" if name else "application/json")
    return (answer.status_code, name), answer.headers.get("Retry-After")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault(fault: Fault, ca_file: str) -> None:
    """The caller has its answer in time, after so many requests as it should take, and the next one is served."""
    tls = tls_server_context(fault.certificate) if fault.certificate else None
    with RawServer(tls=tls) as upstream:
        upstream.usually = fault.behave(upstream)
        upstream.greeting = fault.greet and fault.greet(upstream)
        deadline_s = SHORT_S if fault.answer == TIMEOUT else DEADLINE_S
        settings = {"isales__deadline_s": f"{deadline_s}", "isales__ca_file": ca_file}
        # A clock that leaps over the waits for `Retry-After`, which are not what is tested here.
        gateway = GatewayUnderTest(upstream.url, LeapingClock(), real_time=False, **settings)
        began = gateway.clock()
        answer, retry_after = answer_of(gateway, "/campaigns")
        assert gateway.clock() - began < deadline_s + ROOM_S
        assert answer == fault.answer
        assert retry_after == (None if fault.retry_after is None else str(fault.retry_after))
        assert len(upstream.requests) == fault.attempts

        upstream.usually, upstream.greeting, upstream.tls = good, None, tls and tls_server_context(GOOD_CERTIFICATE)
        if fault.pauses:
            assert answer_of(gateway, "/campaigns?page=2") == (fault.answer, retry_after)
            assert len(upstream.requests) == fault.attempts
            gateway.clock.advance(fault.quiet_s or fault.retry_after or 0)
        assert answer_of(gateway, "/campaigns?page=2") == ((200, ""), None)
        assert len(upstream.requests) == fault.attempts + 1


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.name.startswith(OF_EACH_KIND)], ids=lambda fault: fault.name
)
def test_a_failure_is_gone_as_soon_as_it_is_answered(fault: Fault, ca_file: str) -> None:
    """Nothing of it, such as an answer of megabytes, waits for the garbage collector."""
    tls = tls_server_context(fault.certificate) if fault.certificate else None
    settings = {"isales__deadline_s": "0.3", "isales__ca_file": ca_file}
    with RawServer(tls=tls) as upstream:
        upstream.usually = fault.behave(upstream)
        upstream.greeting = fault.greet and fault.greet(upstream)
        gateway = GatewayUnderTest(upstream.url, LeapingClock(), real_time=False, **settings)
        gateway.get("/campaigns").close()
        with no_calls_left():
            gateway.get("/campaigns?page=2").close()


def test_a_failure_that_others_waited_for_is_gone_too(upstream: RawServer) -> None:
    """The same holds for those who shared it, and for a port where nobody listens."""
    upstream.usually = answers_late(0.2, says(http("500 Oops", b"")))(upstream)
    gateway = GatewayUnderTest(upstream.url, real_time=True)
    nowhere = GatewayUnderTest(f"http://127.0.0.1:{free_port()}")
    with no_calls_left():
        with ThreadPoolExecutor(5) as pool:
            statuses = list(pool.map(lambda _: gateway.get("/campaigns").status_code, range(5)))
        nowhere.get("/campaigns").close()
    assert statuses == [502] * 5
    assert len(upstream.requests) < 5


def test_nobody_listens() -> None:
    """A port that refuses is met twice, and as soon as somebody listens there the page comes."""
    port = free_port()
    gateway = GatewayUnderTest(f"http://127.0.0.1:{port}")
    assert answer_of(gateway, "/campaigns") == (UNREACHABLE, None)
    with RawServer(port=port) as upstream:
        assert answer_of(gateway, "/campaigns") == ((200, ""), None)
        assert len(upstream.requests) == 1


def test_a_name_that_does_not_resolve(upstream: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that nobody knows is an answer at once, and as soon as it is known the page comes."""
    gateway = GatewayUnderTest(f"http://isales.invalid:{upstream.port}")
    assert answer_of(gateway, "/campaigns") == (UNREACHABLE, None)
    assert upstream.connections == 0
    here = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", upstream.port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: [here])
    assert answer_of(gateway, "/campaigns") == ((200, ""), None)


def test_totals_that_change_between_pages(upstream: RawServer) -> None:
    """Each page tells the totals that came with it, also the one before that is still fresh."""
    upstream.usually = counts_down(upstream)
    gateway = GatewayUnderTest(upstream.url)
    pages = [gateway.get(f"/campaigns?page={page}").get_json()["page"] for page in (1, 2, 1)]
    assert [(page["number"], page["total_items"], page["total_pages"]) for page in pages] == [
        (1, 20, 2),
        (2, 19, 2),
        (1, 20, 2),
    ]


def test_readiness_tells_of_campaigns_that_are_left_out(upstream: RawServer) -> None:
    """A page that loses more than a tenth degrades its VDN until a better one comes, and says so itself."""
    gateway = GatewayUnderTest(upstream.url)
    rows = [row(id=number) for number in range(9)]
    for page, (lost, status) in enumerate([(1, "ready"), (2, "degraded"), (0, "ready")], 1):
        sent = [*rows[lost - 1 :], *[row(id=None)] * lost]
        upstream.will(says(http("200 OK", as_json(envelope(data=sent, totalSize=40)))))
        document = gateway.get(f"/campaigns?page={page}").get_json()
        assert len(document["data"]) == len(sent) - lost
        assert gateway.get("/readyz", key=None).get_json()["status"] == status


def test_drift_is_counted_by_kind_and_said_once_without_what_it_says(
    upstream: RawServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever departs from the vendor's description is served, counted, and logged as the shape of its first case."""
    odd = [fault for fault in FAULTS if fault.name.startswith(("rows", "unknown"))]
    gateway = GatewayUnderTest(upstream.url)
    for name in range(2 * len(odd)):
        upstream.will(odd[name // 2].behave(upstream))
        assert gateway.get(f"/campaigns?name={name}").status_code == 200
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    said = [(line["kind"], line["field"], line["sample"]) for line in lines if line["event"] == "upstream_drift"]
    assert sorted(said) == sorted(
        [
            ("row_left_out", "id", "nothing"),
            ("odd_type", "curIvrCount", "array"),
            ("odd_type", "name", "array"),
            ("odd_type", "status", "object"),
            ("odd_type", "deviceType", "boolean"),
            ("unreadable_time", "strBeginTime", "9"),
            ("unreadable_time", "strEndTime", "aaaa"),
            ("unknown_code", "status", "77"),
            ("unknown_code", "deviceType", "4"),
            ("unknown_field", "x", "number"),
            ("unknown_field", "y", "number"),
        ]
    )
    numbers = gateway.get("/metrics").get_data(as_text=True)
    counted = dict(re.findall(r'^campaign_gateway_upstream_drift_total{kind="(\w+)"} (\S+)$', numbers, re.MULTILINE))
    assert counted == {
        "row_left_out": "14.0",
        "odd_type": "8.0",
        "odd_time": "0.0",
        "not_as_asked": "0.0",
        "wrong_total": "0.0",
        "unreadable_time": "4.0",
        "unknown_code": "4.0",
        "unknown_field": "4.0",
    }
