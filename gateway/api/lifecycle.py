"""What every request gets, whatever it asks for: an id, a time, one log line, and a place in the numbers."""

import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from flask import Flask, Response, g, request
from werkzeug.wsgi import ClosingIterator

from gateway.api.html import NOSNIFF
from gateway.api.proxies import without_mapping
from gateway.api.query_string import shown
from gateway.errors import GatewayError
from gateway.model import CacheOutcome
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.request_id import request_id
from gateway.telemetry.tracing import UNDER_WAY, Kind, NoTracer, Span, Tracer, Work, trace_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

UNTRACED = NoTracer()
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
KNOWN_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Methods that may name a span: anybody can make up others (OpenTelemetry's conventions for HTTP)."""

LONGEST_DETAIL = 500
log = structlog.get_logger("gateway.api")


class OnePieceAtLeast(Response):
    """An answer whose body, where it is empty, is one empty piece: hypercorn takes none at all for a failure."""

    def get_app_iter(self, environ: "WSGIEnvironment") -> Iterable[bytes]:
        """Return the body for WSGI."""
        pieces = super().get_app_iter(environ)
        status = self.status_code
        empty = environ["REQUEST_METHOD"] == "HEAD" or status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
        return ClosingIterator([b""], self.close) if empty else pieces


def register_lifecycle(app: Flask, metrics: Metrics, tracer: Tracer) -> None:
    """Give every request of `app` its `X-Request-Id`, `Server-Timing`, log line and numbers.

    No answer is ever to be taken for something else than it says that it is (`nosniff`, Fetch standard, section 3.6).

    Views leave what they know in `flask.g`: `client`, `vdn` and `problem` (a `GatewayError`). Those that are `answered`
    with a page have all this from `api/answer`.
    """
    app.response_class = OnePieceAtLeast

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request_id(request.headers.get("X-Request-Id"))
        # Probes come every few seconds and are nobody's trace.
        g.span = (UNTRACED if request.path in PROBES else tracer).begin(
            Kind.SERVER, trace_of(request.headers.get("traceparent"))
        )
        g.work = Work(g.span.trace)
        UNDER_WAY.set(g.work)
        structlog.contextvars.bind_contextvars(request_id=g.request_id, trace_id=g.span.trace.trace_id)

    @app.after_request
    def end(response: Response) -> Response:
        if g.get("answered"):
            return response
        seconds = time.perf_counter() - g.started
        problem: GatewayError | None = g.get("problem")
        response.headers.setdefault(*NOSNIFF)
        response.headers["X-Request-Id"] = g.request_id
        response.headers["Server-Timing"] = f"total;dur={seconds * 1000:.1f}"
        metrics.request(request.endpoint or "none", response.status_code, problem.name if problem else "", seconds)
        route = request.url_rule.rule if request.url_rule else ""
        end_span(
            g.span,
            request.method,
            request.path,
            request.environ["wsgi.url_scheme"],
            route,
            response.status_code,
            problem,
        )
        log_request(
            request_id=g.request_id,
            method=request.method,
            path=request.path,
            status=response.status_code,
            seconds=seconds,
            client=g.get("client"),
            vdn=g.get("vdn"),
            work=g.work,
            problem=problem,
            remote=request.remote_addr,
        )
        return response

    @app.teardown_request
    def forget(_: BaseException | None) -> None:
        UNDER_WAY.set(None)
        structlog.contextvars.unbind_contextvars("request_id", "trace_id")


def end_span(
    span: Span, method: str, path: str, scheme: str, route: str, status: int, problem: GatewayError | None = None
) -> None:
    """End the span of a request; `route` is empty where there is none. What it says is OpenTelemetry's convention."""
    known = method in KNOWN_METHODS
    attributes: dict[str, str | int] = {
        "http.request.method": method if known else "_OTHER",
        "http.response.status_code": status,
        "url.path": path,
        "url.scheme": scheme,
    }
    if not known:
        attributes["http.request.method_original"] = shown(method)
    if route:
        attributes["http.route"] = route
    failed = problem is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR
    span.end(f"{method if known else 'HTTP'} {route}".strip(), attributes, problem.name if failed and problem else "")


def log_request(
    *,
    request_id: str,
    method: str,
    path: str,
    status: int,
    seconds: float,
    client: str | None,
    vdn: int | None,
    rung: str = "",
    outcome: CacheOutcome | None = None,
    work: Work | None,
    problem: GatewayError | None = None,
    remote: str | None,
) -> None:
    """Write the line of one request: who, what, how it was answered, and what of CC-iSales that took.

    `outcome` is how the cache came by its page, `None` where there is none.
    """
    said = {
        "method": method,
        "path": path,
        "status": status,
        "duration_ms": round(seconds * 1000, 1),
        "client": client,
        "vdn": vdn,
        "cache": outcome,
        "rung": rung or None,
        **(work.told() if work else {}),
        **(_told(problem) if problem else {}),
        "remote": without_mapping(remote),
    }
    # Probes come every few seconds and say nothing new.
    say = log.debug if path in PROBES and status < HTTPStatus.BAD_REQUEST else log.info
    say("request", request_id=request_id, **{name: value for name, value in said.items() if value is not None})


def _told(problem: GatewayError) -> dict[str, str | None]:
    """Return what the log says of `problem`; of those that the caller cannot mend also what happened this time."""
    code = problem.upstream.code if problem.upstream else None
    return {
        "problem": problem.name,
        "detail": shown(problem.detail, LONGEST_DETAIL) if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR else None,
        "result_code": None if code is None else shown(code, LONGEST_DETAIL),
    }
