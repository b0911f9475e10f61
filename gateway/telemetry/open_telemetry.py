"""Spans for OpenTelemetry, where its own environment variables ask for them. Nothing is imported where none does."""

import importlib
from collections.abc import Mapping
from importlib.metadata import version
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from gateway import __version__
from gateway.telemetry.tracing import Kind, NoTracer, Span, Trace, Tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as Recording

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SERVICE = "campaign-gateway"
_BEFORE_THE_END = 10

log = structlog.get_logger("gateway.telemetry")


def tracer_from(environ: Mapping[str, str]) -> Tracer:
    """Return what exports spans by OTLP, if the standard variables of OpenTelemetry name an address, else `NoTracer`.

    `OTEL_SDK_DISABLED=true` and `OTEL_TRACES_EXPORTER=none` switch it off; all else is read by its libraries.
    """
    if (
        not any(environ.get(name) for name in ENDPOINTS)
        or environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        or environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp"
    ):
        return NoTracer()
    try:
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources = importlib.import_module("opentelemetry.sdk.resources")
    except ImportError as error:
        log.warning(
            "no_traces",
            reason=str(error),
            do="install deploy/requirements-tracing.txt, or unset OTEL_EXPORTER_OTLP_ENDPOINT",
        )
        return NoTracer()
    # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say goes first.
    resource = resources.Resource(
        {
            "service.name": SERVICE,
            "service.version": __version__,
            # One of each worker, anew with each start.
            "service.instance.id": str(uuid4()),
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.version": version("opentelemetry-sdk"),
        }
    ).merge(resources.OTELResourceDetector().detect())
    provider = sdk.TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    # A worker is no process that runs what `atexit` keeps.
    Finalize(None, provider.shutdown, exitpriority=_BEFORE_THE_END)
    return OpenTelemetry(provider)


class OpenTelemetry:
    """Begins spans that `provider` exports."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._api = importlib.import_module("opentelemetry.trace")
        self._tracer = provider.get_tracer(SERVICE, __version__)
        self.resource: Mapping[str, object] = provider.resource.attributes
        """What is told of this process with each span."""

    def begin(self, kind: Kind, parent: Trace | None) -> Span:
        """Return a span that begins now."""
        api = self._api
        context = api.set_span_in_context(api.INVALID_SPAN)
        if parent is not None:
            seen = api.SpanContext(
                int(parent.trace_id, 16),
                int(parent.span_id, 16),
                is_remote=True,
                trace_flags=api.TraceFlags(int(parent.sampled)),
            )
            context = api.set_span_in_context(api.NonRecordingSpan(seen))
        span = self._tracer.start_span(kind.value, context, api.SpanKind[kind.name])
        return _Recorded(span, api.Status(api.StatusCode.ERROR))


class _Recorded:
    def __init__(self, span: "Recording", failed: object) -> None:
        self._span = span
        self._failed = failed
        context = span.get_span_context()
        self.trace = Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}", context.trace_flags.sampled)

    def end(self, name: str, attributes: Mapping[str, str | int], problem: str = "") -> None:
        """Say what it was."""
        self._span.update_name(name)
        self._span.set_attributes(attributes)
        if problem:
            self._span.set_attribute("error.type", problem)
            self._span.set_status(self._failed)  # type: ignore[arg-type] # -- a Status, which is imported when needed
        self._span.end()
