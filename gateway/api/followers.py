"""Callers of a page that another caller has fetched wait for it here, in front of Flask, and take turns after that.

A page that many want at once is then with the last of them soon after it is with the first.
"""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gateway.api.campaigns import FAILED, LEARN, Learned, learning_key, page_headers
from gateway.api.deadline import deadline_of
from gateway.api.hit_path import ENDPOINT, KNOWN, PATH, Known
from gateway.api.lifecycle import end_span, log_request
from gateway.api.links import link_header
from gateway.api.representation import choose, held_tag
from gateway.errors import GatewayError
from gateway.model import CacheOutcome, CampaignQuery, Deadline, ServedPage
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.request_id import request_id
from gateway.telemetry.tracing import Kind, Span, Tracer, Work, trace_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Join = Callable[[str, CampaignQuery, Deadline], ServedPage | None]
"""Returns the page of a key and its query that somebody is fetching, or `None`; raises how the fetch failed."""


class Followers:
    """WSGI middleware behind the hit path: answers with pages that are on their way and leaves all else to `app`.

    A fetch that fails is told to `app`, which makes the problem of it.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        join: Join,
        metrics: Metrics,
        tracer: Tracer,
        deadline_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._join = join
        self._metrics = metrics
        self._tracer = tracer
        self._deadline_s = deadline_s
        self._clock = clock

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer as PEP 3333 has it."""
        known: Known | None = environ.pop(KNOWN, None)
        if known is None or known.grant.requests_per_minute:
            # Requests of clients that have a limit are counted there.
            return self._app(environ, start_response)
        started = time.perf_counter()
        offered = environ.get("HTTP_X_REQUEST_TIMEOUT_MS")
        deadline = deadline_of(offered, self._deadline_s, self._clock(), self._clock)
        span = self._tracer.begin(Kind.SERVER, trace_of(environ.get("HTTP_TRACEPARENT")))
        try:
            served = self._join(known.learned.key, known.learned.query, deadline)
        except GatewayError as failure:
            environ[FAILED] = failure.again()
            served = None
        if served is None:
            # Whoever answers begins another span; of this one, which is not ended, nobody hears.
            return self._app(environ, start_response)
        return self._answer(environ, start_response, known, served, started, span)

    def _answer(
        self,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        known: Known,
        served: ServedPage,
        started: float,
        span: Span,
    ) -> Iterable[bytes]:
        grant, learned = known
        grant.use.at = started
        coding = choose(served.rendered, environ.get("HTTP_ACCEPT_ENCODING"))
        held = held_tag(environ.get("HTTP_IF_NONE_MATCH"), coding.etag)
        headers = page_headers(served, coding, held, _link(environ, known, served))
        identifier = request_id(environ.get("HTTP_X_REQUEST_ID"))
        seconds = time.perf_counter() - started
        spent = f"{seconds * 1000:.1f}"
        headers.append(("X-Request-Id", identifier))
        headers.append(("Server-Timing", f"cache-{served.outcome};dur={spent}, total;dur={spent}"))
        status = 304 if held else 200
        self._metrics.request(ENDPOINT, status, "", seconds)
        end_span(span, "GET", PATH, status)
        if served.outcome is not CacheOutcome.HIT:
            log_request(
                request_id=identifier,
                method="GET",
                path=PATH,
                status=status,
                seconds=seconds,
                client=grant.client,
                vdn=learned.query.vdn,
                outcome=served.outcome,
                rung=served.rung,
                work=Work(span.trace),
                remote=environ.get("REMOTE_ADDR"),
            )
        start_response("304 NOT MODIFIED" if held else "200 OK", headers)
        return [] if held else [coding.body]


def _link(environ: "WSGIEnvironment", known: Known, served: ServedPage) -> str:
    """Return the `Link` of the page; whoever comes next with the same query string need not make it again."""
    grant, learned = known
    etag, raw_query = served.rendered.identity.etag, environ["QUERY_STRING"]
    if etag == learned.etag:
        return learned.link
    link = link_header(PATH, raw_query, served.paging)
    environ[LEARN](learning_key(grant, raw_query), Learned(learned.query, served.key, etag, link))
    return link
