"""The fast path: questions that were asked before are answered in front of Flask, at little cost.

Flask reads a raw query string once, for callers with the same default VDN; what it turned out to mean is learned here.
All else about the request has to be usual, or it goes through Flask again, which answers in the same way (`answer`) and
makes the problem of whatever failed. Access is decided for each request, as ever before anything is looked up.
"""

import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from structlog.contextvars import bound_contextvars

from gateway.access.callers import Callers
from gateway.access.clients import Grant
from gateway.api.answer import MEDIA_TYPE, NOT_YET, PATH, Answers, Exchange, Prepared
from gateway.api.cache_control import request_directives
from gateway.api.deadline import deadline_of
from gateway.api.links import link_header
from gateway.api.proxies import behind_proxies
from gateway.api.representation import accepts
from gateway.api.resolution import preferred_locale
from gateway.bounded_lru import BoundedLru
from gateway.errors import GatewayError
from gateway.model import CampaignQuery, Deadline, RequestDirectives, ServedPage
from gateway.telemetry.request_id import SANE
from gateway.telemetry.tracing import Kind, Tracer, Work, trace_of, under_way

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SCOPE: Final = "campaigns:read"
NEVER: Final = float("-inf")
LEARNED_BYTES: Final = 400
MADE_BYTES: Final = 2000
AGAIN_S: Final = 0.1
"""An answer is kept ready where the same was asked so short a time ago: to keep one costs more than to make it."""
LONGEST_ASKED: Final = 500
"""Characters of headers; no answer is kept ready for a request with longer ones."""
LEARN: Final = "campaign_gateway.learn"
"""Where the WSGI environment has the function that takes what a query string has turned out to mean."""
COUNTED: Final = "campaign_gateway.counted"
"""Where it tells that this request has been counted against its client's limit already."""
FAILED: Final = "campaign_gateway.failed"
"""Where it has how answering ended that Flask is to make a problem of."""
_KNOWN: Final = "campaign_gateway.known"


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """An answer kept ready for who asks with the same `Accept-Encoding` and `If-None-Match`.

    It is good while the cache has that `version`, and until that second.
    """

    prepared: Prepared
    asked: tuple[str | None, str | None]
    version: int
    until: float

    def __len__(self) -> int:
        # The body may be there for longer than its page, which is counted elsewhere.
        return MADE_BYTES + len(self.prepared.body[0])


@dataclass(slots=True, eq=False)
class Learned:
    """What a raw query string has turned out to mean: the question, its cache key, and the `Link` of its page.

    The `Link` is that of the page with `etag`; another page may have other neighbours. Both are empty before there is
    a page. It was asked last at `asked_at`.
    """

    query: CampaignQuery
    key: str
    etag: str = ""
    link: str = ""
    asked_at: float = NEVER

    def __len__(self) -> int:
        return len(self.key) + len(self.link) + LEARNED_BYTES


class Version(Protocol):
    """What changes with the pages that are held."""

    @property
    def number(self) -> int:
        """Grows with every change."""
        ...


class Pages(Protocol):
    """The page cache, as it is asked here."""

    @property
    def version(self) -> Version:
        """Tells when a page that was peeked at may be another one."""
        ...

    def peek(self, key: str) -> tuple[ServedPage, float] | None:
        """Return the page of a key if it is at hand and fresh beyond doubt, and until which second."""
        ...

    def serve(self, query: CampaignQuery, deadline: Deadline, directives: RequestDirectives) -> ServedPage:
        """Return the page that answers a query; raises one leaf of `gateway.errors`."""
        ...


class FastPath:
    """WSGI middleware that answers `GET /campaigns` where it knows what is asked, and leaves all else to `app`.

    Requests of clients that have a limit are counted by `app`, but for those that a fresh page answers. What it has
    learned is bounded by `max_bytes`, and the answers that it keeps ready by `most_ready_bytes`: apart, because one of
    them is made again in no time, and what was forgotten goes through Flask. `hops` is how many proxies stand in
    front. Ids of requests are this process' random prefix and a count: unique, and much cheaper than random ones.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        callers: Callers,
        pages: Pages,
        answers: Answers,
        tracer: Tracer,
        *,
        max_bytes: int,
        most_ready_bytes: int,
        hops: int,
        deadline_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._callers = callers
        self._peek = pages.peek
        self._version = pages.version
        self._serve = pages.serve
        self._answer = answers.answer
        self._prepare = answers.prepare
        self._log_hits = answers.log_hits
        self._tracer = tracer
        self._deadline_s = deadline_s
        self._clock = clock
        self._learned: BoundedLru[str, Learned] = BoundedLru(max_bytes)
        self._ready: BoundedLru[Learned, Made] = BoundedLru(most_ready_bytes)
        self._not_at_hand = behind_proxies(self._served, hops)
        self._ids: Iterator[str] | None = None

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer as PEP 3333 has it."""
        known = None
        # `If-Match` is rare, and may have to be answered with a problem.
        if environ.get("PATH_INFO") == PATH and environ["REQUEST_METHOD"] == "GET" and "HTTP_IF_MATCH" not in environ:
            started = time.perf_counter()
            known = self._known(environ)
            if known is not None and "HTTP_CACHE_CONTROL" not in environ and NOT_YET not in environ:
                prepared = self._prepared(environ, known[1])
                if prepared is not None:
                    known[0].use.at = started
                    status, headers, body = prepared.answer(self._request_id(environ), started)
                    start_response(status, headers)
                    return body
        environ[_KNOWN] = known
        environ[LEARN] = self._learned.put
        return self._not_at_hand(environ, start_response)

    def meaning(self, environ: "WSGIEnvironment") -> Learned | None:
        """Return what a request asks for, of one that may ask that; `None` where that is not known at once."""
        known = self._known(environ)
        return None if known is None else known[1]

    def _known(self, environ: "WSGIEnvironment") -> tuple[Grant, Learned] | None:
        """Return who asks, and what, of a request of which everything is usual; `None` where it may not, or is not."""
        grant = self._callers.find(environ.get("HTTP_X_API_KEY"), environ.get("HTTP_AUTHORIZATION"))
        if grant is None or SCOPE not in grant.scopes:
            return None
        learned = self._learned.get(learning_key(grant, environ.get("QUERY_STRING", "")))
        if learned is None or learned.query.vdn not in grant.vdns:
            return None
        accept: str | None = environ.get("HTTP_ACCEPT")
        return (grant, learned) if accept is None or accepts(MEDIA_TYPE, accept) else None

    def _prepared(self, environ: "WSGIEnvironment", learned: Learned) -> Prepared | None:
        """Return the answer that a page at hand gives, `None` for none; keep it ready where it is asked for often."""
        encoding, condition = environ.get("HTTP_ACCEPT_ENCODING"), environ.get("HTTP_IF_NONE_MATCH")
        made, now, version = self._ready.get(learned), self._clock(), self._version.number
        if made is not None and made.version == version and made.until > now and made.asked == (encoding, condition):
            return made.prepared
        peeked = None if self._log_hits else self._peek(learned.key)
        if peeked is None or peeked[0].rendered.identity.etag != learned.etag:
            return None
        served, until = peeked
        prepared = self._prepare(served, learned.link, encoding, condition)
        if now - learned.asked_at < AGAIN_S and len(encoding or "") + len(condition or "") < LONGEST_ASKED:
            # It is the same until its age, or what is left of its freshness, is another second.
            steady_s = min(1 - served.age_s % 1, served.fresh_for_s % 1)
            until = min(until, now + steady_s)
            self._ready.put(learned, Made(prepared, (encoding, condition), version, until))
        learned.asked_at = now
        return prepared

    def _served(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer with a page that takes more than a look, or leave it to `app`."""
        known: tuple[Grant, Learned] | None = environ.pop(_KNOWN)
        if known is None or known[0].requests_per_minute:
            return self._app(environ, start_response)
        grant, learned = known
        started, now = time.perf_counter(), self._clock()
        grant.use.at = started
        deadline = deadline_of(environ.get("HTTP_X_REQUEST_TIMEOUT_MS"), self._deadline_s, now, self._clock)
        directives = request_directives(environ.get("HTTP_CACHE_CONTROL"))
        span = self._tracer.begin(Kind.SERVER, trace_of(environ.get("HTTP_TRACEPARENT")))
        work = Work(span.trace)
        # Whatever is logged meanwhile has it, and so has Flask's answer to a failure.
        request_id = environ["HTTP_X_REQUEST_ID"] = self._request_id(environ)
        query, locale = learned.query, preferred_locale(environ.get("HTTP_ACCEPT_LANGUAGE"))
        if query.locale != locale:
            query = replace(query, locale=locale)
        served = None
        with under_way(work), bound_contextvars(request_id=request_id, trace_id=span.trace.trace_id):
            try:
                served = self._serve(query, deadline, directives)
            except Exception as failure:  # noqa: BLE001 -- Flask makes an answer of it, and says where a bug is
                environ[FAILED] = failure.again() if isinstance(failure, GatewayError) else failure
        if served is None:
            # It begins another span; of this one, which is not ended, nobody hears.
            return self._app(environ, start_response)
        exchange = Exchange(environ, request_id, started, grant.client, learned.query.vdn, span, work)
        status, headers, body = self._answer(exchange, served, self._link(environ, grant, learned, served))
        start_response(status, headers)
        return body

    def _link(self, environ: "WSGIEnvironment", grant: Grant, learned: Learned, served: ServedPage) -> str:
        """Return the `Link` of the page; whoever comes next with the same query string need not make it again."""
        etag, raw_query = served.rendered.identity.etag, environ.get("QUERY_STRING", "")
        if etag == learned.etag:
            return learned.link
        link = link_header(raw_query, served.paging)
        self._learned.put(learning_key(grant, raw_query), Learned(learned.query, served.key, etag, link))
        return link

    def _request_id(self, environ: "WSGIEnvironment") -> str:
        offered: str | None = environ.get("HTTP_X_REQUEST_ID")
        if offered is not None and SANE.match(offered):
            return offered
        if self._ids is None:
            # Not when it is made: processes that are forked after that would share them.
            self._ids = map(f"{uuid.uuid4().hex[:20]}%012x".__mod__, itertools.count())
        return next(self._ids)


def learning_key(grant: Grant, raw_query: str) -> str:
    """Return what decides the meaning of a raw query string: itself, and the VDN that is meant when it names none."""
    return f"{grant.only_vdn} {raw_query}"
