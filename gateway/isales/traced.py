"""Each call to CC-iSales is a span of the trace that it is made for, and tells it on."""

from collections.abc import Callable
from dataclasses import replace

from gateway.errors import GatewayError, InternalError
from gateway.isales.request import CAMPAIGNS_PATH, METHOD, VendorRequest
from gateway.isales.send import Send, VendorAnswer
from gateway.model import Deadline
from gateway.telemetry.tracing import UNDER_WAY, Kind, Tracer


def traced(send: Send, tracer: Tracer, clock: Callable[[], float]) -> Send:
    """Return `send` with a `traceparent` for each call, which is counted and timed for whoever it is made for."""

    def send_traced(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        work = UNDER_WAY.get()
        span = tracer.begin(Kind.CLIENT, work.trace if work else None)
        began, problem = clock(), ""
        try:
            return send(replace(request, traceparent=span.trace.traceparent), deadline)
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
            span.end(f"{METHOD} {CAMPAIGNS_PATH}", {"http.request.method": METHOD, "vdn": request.tenant.vdn}, problem)

    return send_traced
