"""Traces from callers through the gateway to CC-iSales, and to those who collect them."""

import importlib
import json
import pkgutil
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import chain
from urllib.parse import urlsplit

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.semconv import attributes
from opentelemetry.semconv._incubating import attributes as incubating

from gateway import __version__
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from gateway.telemetry.open_telemetry import OpenTelemetry, tracer_from
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


@contextmanager
def collecting() -> Iterator[tuple[str, "list[Span]"]]:
    """Yield where spans are collected, and those that were."""
    spans: list[Span] = []
    server = HTTPServer(("127.0.0.1", 0), type("Collecting", (Collector,), {"spans": spans}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def exported(_simulator: SimulatorServer) -> "list[Span]":
    """Return all spans of a served gateway, which sends them at its end.

    It has answered two requests of a trace of somebody else's, and then some of nobody's, for the first of which it had
    to ask CC-iSales twice.
    """
    with collecting() as (url, spans):
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SERVICE_NAME": "mine"}
        with served_gateway(_simulator.base_url, 1, **variables) as gateway:

            def status(path: str, **headers: str) -> int:
                sent = {"X-API-Key": "web-key", **headers}
                return requests.get(gateway.url + path, headers=sent, timeout=LIMIT_S).status_code

            assert status("/campaigns", traceparent=TRACEPARENT) == 200
            assert status("/campaigns?page=0", traceparent=TRACEPARENT) == 400
            _simulator.faults.arm(Fault("http-status", times=1, status=503))
            assert [status(path) for path in ("/campaigns?name=Jane", "/healthz", "/readyz", "/metrics")] == [200] * 4
    return spans


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


def test_spans_are_exported_where_the_standard_variables_say_so(exported: "list[Span]") -> None:
    """A request is a span in its caller's trace, the call to CC-iSales one below; at its end the process sends them."""
    spans = [span for span in exported if span.trace_id.hex() == TRACE]
    ours = {span.name: span for span in spans if span.attributes}
    server = next(span for span in spans if span.kind == Span.SPAN_KIND_SERVER)
    client = ours["GET /rest/isales/v1/openapi/campaigns/{vdn}"]
    assert (server.name, server.parent_span_id.hex()) == ("GET /campaigns", SPAN)
    assert (client.kind, client.parent_span_id) == (Span.SPAN_KIND_CLIENT, server.span_id)
    assert server.start_time_unix_nano <= client.start_time_unix_nano <= client.end_time_unix_nano


def values(attributes: Iterable[KeyValue]) -> dict[str, str | int]:
    """Return attributes as plain data."""
    return {each.key: each.value.string_value or each.value.int_value for each in attributes}


def conventions() -> set[str]:
    """Return all names that OpenTelemetry's own registry knows, those that are still being tried too."""
    known: set[str] = set()
    for package in (attributes, incubating):
        for module in pkgutil.iter_modules(package.__path__):
            names = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
            known |= {value for name, value in names.items() if name.isupper() and isinstance(value, str)}
    return known


def test_what_spans_say_follows_the_conventions(simulator: SimulatorServer, exported: "list[Span]") -> None:
    """Names are those of the registry, or have our own name space; a query's values stay here; probes are no traces."""
    spans = [span for span in exported if span.trace_id.hex() != TRACE]
    known = conventions()
    for span in exported:
        for name in values(span.attributes):
            assert name in known or name.startswith("campaign_gateway."), name
    host, port = urlsplit(simulator.base_url).hostname, urlsplit(simulator.base_url).port
    server = [values(span.attributes) for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    assert server == [
        {
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "http.route": "/campaigns",
            "url.path": "/campaigns",
            "url.scheme": "http",
        }
    ]
    query = "curPage=REDACTED&deviceType=REDACTED&name=REDACTED&rowsPerPage=REDACTED&status=REDACTED"
    first, second = (values(span.attributes) for span in spans if span.kind == Span.SPAN_KIND_CLIENT)
    assert str(first.pop("url.full")).partition("?")[0] == f"{simulator.base_url}/rest/isales/v1/openapi/campaigns/1"
    assert sorted(str(second["url.full"]).partition("?")[2].split("&")) == sorted(query.split("&"))
    assert first == {
        "http.request.method": "GET",
        "server.address": host,
        "server.port": port,
        "url.template": "/rest/isales/v1/openapi/campaigns/{vdn}",
        "campaign_gateway.vdn": 1,
        "http.response.status_code": 503,
        "error.type": "upstream-overloaded",
    }
    assert (second["http.response.status_code"], second["http.request.resend_count"]) == (200, 1)


def test_who_sends_spans_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Service, worker and library; what the standard variables say goes first."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=calls,service.instance.id=mine")
    made = tracer_from({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    assert isinstance(made, OpenTelemetry)
    assert dict(made.resource) == {
        "service.name": "campaign-gateway",
        "service.version": __version__,
        "service.instance.id": "mine",
        "service.namespace": "calls",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": "1.45.2",
    }


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
