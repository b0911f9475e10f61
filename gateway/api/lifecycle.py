"""What every request gets, whatever it asks for: an id, a time, one log line, and a place in the numbers."""

import time
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, request

from gateway.api.query_string import shown
from gateway.errors import GatewayError
from gateway.model import CacheOutcome
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.request_id import request_id

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
LONGEST_DETAIL = 500
log = structlog.get_logger("gateway.api")


def register_lifecycle(app: Flask, metrics: Metrics, *, log_hits: bool) -> None:
    """Give every request of `app` its `X-Request-Id`, `Server-Timing`, log line and numbers.

    Views leave what they know in `flask.g`: `client`, `vdn`, `outcome` (a `CacheOutcome`), `problem` (a
    `GatewayError`) and `timings` (milliseconds by name). A fresh hit has a log line only with `log_hits`.
    """

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request_id(request.headers.get("X-Request-Id"))
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        outcome: CacheOutcome | None = g.get("outcome")
        problem: GatewayError | None = g.get("problem")
        timings = {**g.get("timings", {}), "total": seconds * 1000}
        response.headers["X-Request-Id"] = g.request_id
        response.headers["Server-Timing"] = ", ".join(f"{name};dur={spent:.1f}" for name, spent in timings.items())
        metrics.request(request.endpoint or "none", response.status_code, problem.name if problem else "", seconds)
        if log_hits or outcome is not CacheOutcome.HIT:
            log_request(
                request_id=g.request_id,
                method=request.method,
                path=request.path,
                status=response.status_code,
                seconds=seconds,
                client=g.get("client"),
                vdn=g.get("vdn"),
                outcome=outcome,
                problem=problem,
                remote=request.remote_addr,
            )
        return response

    @app.teardown_request
    def forget(_: BaseException | None) -> None:
        structlog.contextvars.unbind_contextvars("request_id")


def log_request(
    *,
    request_id: str,
    method: str,
    path: str,
    status: int,
    seconds: float,
    client: str | None,
    vdn: int | None,
    outcome: CacheOutcome | None,
    problem: GatewayError | None = None,
    remote: str | None,
) -> None:
    """Write the line of one request. `outcome` is how the cache came by its page, `None` where there is none."""
    said = {
        "method": method,
        "path": path,
        "status": status,
        "duration_ms": round(seconds * 1000, 1),
        "client": client,
        "vdn": vdn,
        "cache": outcome,
        **(_told(problem) if problem else {}),
        "remote": remote,
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
