"""The hit path: pages that this process can serve at once are answered here, in front of Flask, at little cost.

A raw query string is answered only after Flask has answered the very same one for a caller with the same default VDN,
and only if everything about the request is usual. All else goes the ordinary way, which teaches this one. Access is
decided for each request, as ever before anything is looked up.
"""

import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from gateway.access.callers import Callers
from gateway.access.clients import Grant
from gateway.api.campaigns import LEARN, MEDIA_TYPE, SCOPE, VARY, Learned, learning_key, page_headers
from gateway.api.cors import Headers
from gateway.api.representation import accepts, choose
from gateway.bounded_lru import BoundedLru
from gateway.model import (
    FRESH,
    STALE_IF_ERROR,
    STALE_WHILE_REVALIDATE,
    CacheOutcome,
    CampaignQuery,
    Representation,
    ServedPage,
)
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.request_id import SANE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ENDPOINT = "campaigns.list_campaigns"
PATH = "/campaigns"
UNNOTICEABLE_S = 0.00005
"""What takes less is `0.0` in milliseconds of one decimal place."""

Peek = Callable[[str, CampaignQuery], ServedPage | None]
"""Returns the page of a key and its query if it can be served at once."""

PeekFresh = Callable[[str], ServedPage | None]
"""The same for fresh pages only."""


KNOWN = "campaign_gateway.known"
"""Where the WSGI environment has what is known of a request that no page at hand answers, or `None`."""


class Known(NamedTuple):
    """Who asks, and what."""

    grant: Grant
    learned: Learned


class _Way(NamedTuple):
    """What is said and counted of a page that was at hand in one way: fresh, or stale."""

    unnoticeable: tuple[str, str]
    count_200: Callable[[float], None]
    count_304: Callable[[float], None]


class HitPath:
    """WSGI middleware that answers `GET /campaigns` from pages at hand and leaves all else to `app`.

    Callers that have a limit get fresh pages only from `peek_fresh`: all else counts, which is for `app` to do.

    What it has learned is bounded by `max_bytes`. `by_origin` is what `cors_headers` returns. Ids of requests are this
    process' random prefix and a count: unique, and much cheaper than random ones.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        callers: Callers,
        peek: Peek,
        peek_fresh: PeekFresh,
        metrics: Metrics,
        max_bytes: int,
        by_origin: Mapping[str, Headers],
    ) -> None:
        self._app = app
        self._by_origin = by_origin
        self._vary = ("Vary", f"{VARY}, Origin" if by_origin else VARY)
        self._callers = callers
        self._peek = peek
        self._peek_fresh = peek_fresh
        self._learned: BoundedLru[str, Learned] = BoundedLru(max_bytes)
        fresh, revalidated, self._failing = (
            _Way(
                _server_timing(outcome, 0.0),
                metrics.hits_counter(ENDPOINT, 200, outcome, rung, "process"),
                metrics.hits_counter(ENDPOINT, 304, outcome, rung, "process"),
            )
            for outcome, rung in (
                (CacheOutcome.HIT, FRESH),
                (CacheOutcome.STALE, STALE_WHILE_REVALIDATE),
                (CacheOutcome.STALE, STALE_IF_ERROR),
            )
        )
        # By the detail of the page, which names a problem in all other cases.
        self._ways = {"": fresh, STALE_WHILE_REVALIDATE: revalidated}
        self._ids: Iterator[str] | None = None

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer as PEP 3333 has it."""
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "GET" or environ.get("SCRIPT_NAME"):
            return self._app(environ, start_response)
        started = time.perf_counter()
        known = self._known(environ)
        hit = None if known is None else self._hit(environ, known, started)
        if hit is None:
            environ[LEARN] = self._learned.put
            environ[KNOWN] = known
            return self._app(environ, start_response)
        served, coding, held, link = hit
        headers = page_headers(served, coding, held, link, self._vary)
        headers.append(("X-Request-Id", self._request_id(environ.get("HTTP_X_REQUEST_ID"))))
        seconds = time.perf_counter() - started
        way = self._ways.get(served.detail, self._failing)
        headers.append(way.unnoticeable if seconds < UNNOTICEABLE_S else _server_timing(served.outcome, seconds))
        if self._by_origin and "HTTP_ORIGIN" in environ:
            headers.extend(self._by_origin.get(environ["HTTP_ORIGIN"], ()))
        if held is None:
            way.count_200(seconds)
            start_response("200 OK", headers)
            return [coding.body]
        way.count_304(seconds)
        start_response("304 NOT MODIFIED", headers)
        return []

    def _known(self, environ: "WSGIEnvironment") -> Known | None:
        """Return what is known of a request of which everything is usual, and whose caller may ask it."""
        grant = self._callers.find(environ.get("HTTP_X_API_KEY"), environ.get("HTTP_AUTHORIZATION"))
        if grant is None or SCOPE not in grant.scopes:
            return None
        learned = self._learned.get(learning_key(grant, environ["QUERY_STRING"]))
        if (
            learned is None
            or learned.query.vdn not in grant.vdns
            or not ((accept := environ.get("HTTP_ACCEPT")) is None or accepts(MEDIA_TYPE, accept))
        ):
            return None
        return Known(grant, learned)

    def _hit(
        self, environ: "WSGIEnvironment", known: Known, now: float
    ) -> tuple[ServedPage, Representation, str | None, str] | None:
        grant, learned = known
        key = learned.key
        served = self._peek_fresh(key) if grant.requests_per_minute else self._peek(key, learned.query)
        if served is None or served.rendered.identity.etag != learned.etag:
            return None
        coding = choose(served.rendered, environ.get("HTTP_ACCEPT_ENCODING"))
        held = environ.get("HTTP_IF_NONE_MATCH")
        if held is not None and held != coding.etag:
            return None
        grant.use.at = now
        return served, coding, held, learned.link

    def _request_id(self, offered: str | None) -> str:
        if offered is not None and SANE.match(offered):
            return offered
        if self._ids is None:
            # Not when it is made: processes that are forked after that would share them.
            self._ids = map(f"{uuid.uuid4().hex[:20]}%012x".__mod__, itertools.count())
        return next(self._ids)


def _server_timing(outcome: CacheOutcome, seconds: float) -> tuple[str, str]:
    spent = f"{seconds * 1000:.1f}"
    return "Server-Timing", f"cache-{outcome};dur={spent}, total;dur={spent}"
