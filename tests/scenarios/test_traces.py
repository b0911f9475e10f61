"""Traces from callers through the gateway to CC-iSales, and to those who collect them."""

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import chain

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from gateway.telemetry.open_telemetry import tracer_from
from gateway.telemetry.tracing import NoTracer
from tests.scenarios.upstream.raw_server import RawServer
from tests.support.gateway import GatewayUnderTest
from tests.support.server import served_gateway
from tests.support.waiting import wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
LIMIT_S = 30.0


class Collector(BaseHTTPRequestHandler):
    """Takes spans by OTLP over HTTP."""

    spans: "list[Span]"

    def do_POST(self) -> None:
        """Keep what comes."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        export = ExportTraceServiceRequest.FromString(body)
        for scope in chain.from_iterable(resource.scope_spans for resource in export.resource_spans):
            self.spans.extend(scope.spans)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[tuple[str, "list[Span]"]]:
    """Return where spans are collected, and those that were."""
    spans: list[Span] = []
    server = HTTPServer(("127.0.0.1", 0), type("Collecting", (Collector,), {"spans": spans}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()
    thread.join()
    server.server_close()


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """Return the lines that were logged since the last call."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]


def test_a_callers_trace_goes_on_to_isales(
    make_gateway: Callable[..., GatewayUnderTest], capsys: pytest.CaptureFixture[str]
) -> None:
    """With a span of our own as its parent, and in the log; `tracestate` stays here."""
    with RawServer() as isales:
        gateway = make_gateway(isales__base_url=isales.url)
        capsys.readouterr()
        gateway.get("/campaigns", headers={"traceparent": TRACEPARENT, "tracestate": "vendor=secret"})
    head = isales.requests[0].decode()
    told = re.search(r"^traceparent: 00-(\w{32})-(\w{16})-01\r$", head, re.MULTILINE)
    assert told is not None
    assert (told[1], told[2] == SPAN) == (TRACE, False)
    assert "tracestate" not in head
    assert {line["trace_id"] for line in logged(capsys)} == {TRACE}


def test_the_line_of_a_request_tells_what_it_took(
    simulator: SimulatorServer, gateway: GatewayUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Calls to CC-iSales and their time, by a trace that begins here; a signature with this header is good."""
    simulator.faults.arm(Fault("result-code", times=1, result_code="0200006"))
    capsys.readouterr()
    assert gateway.get("/campaigns", headers={"traceparent": "nonsense"}).status_code == 200
    (line,) = logged(capsys)
    assert (line["cache"], line["upstream_calls"]) == ("miss", 2)
    assert "upstream_ms" in line
    assert re.fullmatch(r"[0-9a-f]{32}", str(line["trace_id"]))
    gateway.get("/campaigns/nothing", headers={"traceparent": TRACEPARENT})
    (line,) = logged(capsys)
    assert (line["trace_id"], "upstream_calls" in line) == (TRACE, False)


def test_one_line_a_refresh(
    simulator: SimulatorServer, gateway: GatewayUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    """It tells how the refresh ended and what it took, in a trace of its own."""
    gateway.get("/campaigns")
    lines: list[dict[str, object]] = []

    def refreshed(count: int) -> bool:
        lines.extend(line for line in logged(capsys) if line["event"] == "refresh")
        return len(lines) == count

    for count, fault in ((1, None), (2, Fault("result-code", times=1, result_code="0299999"))):
        if fault:
            simulator.faults.arm(fault)
        gateway.clock.advance(20)
        gateway.get("/campaigns")
        wait_until(lambda count=count: refreshed(count))  # type: ignore[misc] # -- bound for the loop
    good, bad = lines
    assert (good["vdn"], good["upstream_calls"], "problem" in good) == (1, 1, False)
    assert bad["problem"] == "upstream-failed"
    assert good["trace_id"] != bad["trace_id"]


def test_spans_are_exported_where_the_standard_variables_say_so(
    simulator: SimulatorServer, collector: tuple[str, "list[Span]"]
) -> None:
    """A request is a span in its caller's trace, the call to CC-iSales one below; at its end the process sends them."""
    url, spans = collector
    with served_gateway(simulator.base_url, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_SERVICE_NAME="mine") as gateway:
        headers = {"X-API-Key": "web-key", "traceparent": TRACEPARENT}
        assert requests.get(f"{gateway.url}/campaigns", headers=headers, timeout=LIMIT_S).status_code == 200
        assert requests.get(f"{gateway.url}/campaigns?page=0", headers=headers, timeout=LIMIT_S).status_code == 400
    ours = {span.name: span for span in spans if span.trace_id.hex() == TRACE and span.attributes}
    server = next(span for span in spans if span.trace_id.hex() == TRACE and span.kind == Span.SPAN_KIND_SERVER)
    client = ours["GET /rest/isales/v1/openapi/campaigns/{vdn}"]
    assert (server.name, server.parent_span_id.hex()) == ("GET /campaigns", SPAN)
    assert (client.kind, client.parent_span_id) == (Span.SPAN_KIND_CLIENT, server.span_id)
    assert server.start_time_unix_nano <= client.start_time_unix_nano <= client.end_time_unix_nano


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SERVICE_NAME": "mine"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_an_address_nothing_is_exported(environ: dict[str, str]) -> None:
    """Nor where the standard variables switch it off."""
    assert isinstance(tracer_from(environ), NoTracer)


def test_missing_packages_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The gateway serves without traces, and the log says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert isinstance(tracer_from({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}), NoTracer)
    assert "requirements-tracing.txt" in "".join(capsys.readouterr())
