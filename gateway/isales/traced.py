"""Each call to CC-iSales is a span of the trace that it is made for, and tells it on.

What spans say follows OpenTelemetry's semantic conventions for HTTP clients; what is our own has a name space.
"""

from collections.abc import Callable
from dataclasses import replace

from gateway.errors import GatewayError, InternalError
from gateway.isales.endpoint import Endpoint
from gateway.isales.request import CAMPAIGNS_PATH, METHOD, Answered, VendorRequest
from gateway.isales.send import Send, VendorAnswer
from gateway.model import Deadline
from gateway.telemetry.tracing import UNDER_WAY, VDN, Kind, Tracer

REDACTED = "REDACTED"
"""In the place of a query's values: they may name people."""


def traced(send: Send, tracer: Tracer, endpoint: Endpoint, clock: Callable[[], float]) -> Send:
    """Return `send`, which asks at `endpoint`, with a `traceparent` for each call.

    It is counted and timed for whoever it is made for.
    """

    def send_traced(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        work = UNDER_WAY.get()
        span = tracer.begin(Kind.CLIENT, work.trace if work else None)
        began, problem, answered = clock(), "", Answered()
        try:
            return send(replace(request, traceparent=span.trace.traceparent, answered=answered), deadline)
        except GatewayError as error:
            problem = error.name
            raise
        except BaseException:
            problem = InternalError.name
            raise
        finally:
            if work:
                work.calls += 1
                work.upstream_s += clock() - began
            span.end(f"{METHOD} {CAMPAIGNS_PATH}", _attributes(request, endpoint, answered), problem)

    return send_traced


def _attributes(request: VendorRequest, endpoint: Endpoint, answered: Answered) -> dict[str, str | int]:
    query = "&".join(f"{name}={REDACTED}" for name, _ in request.params)
    told: dict[str, str | int] = {
        "http.request.method": METHOD,
        "server.address": endpoint.host,
        "server.port": endpoint.port,
        "url.full": endpoint.url(endpoint.prefix + request.path, query),
        "url.template": CAMPAIGNS_PATH,
        VDN: request.tenant.vdn,
    }
    if answered.status is not None:
        told["http.response.status_code"] = answered.status
    if request.resends:
        told["http.request.resend_count"] = request.resends
    return told
