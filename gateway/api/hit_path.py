"""The hit path: pages that this process can serve at once are answered here, in front of Flask, at little cost.

A raw query string is answered only after Flask has answered the very same one for a caller with the same default VDN,
and only if everything about the request is usual. All else goes the ordinary way, which teaches this one. Access is
decided for each request, as ever before anything is looked up.
"""

import itertools
import time
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gateway.access.callers import Callers
from gateway.api.campaigns import LEARNED, MEDIA_TYPE, SCOPE, Learned, learning_key, page_headers
from gateway.api.representation import accepts, choose
from gateway.bounded_lru import BoundedLru
from gateway.model import CampaignQuery, ServedPage
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.request_id import SANE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ENDPOINT = "campaigns.list_campaigns"
PATH = "/campaigns"

Peek = Callable[[str, CampaignQuery], ServedPage | None]
"""Returns the page of a key and its query if it can be served at once."""


class HitPath:
    """WSGI middleware that answers `GET /campaigns` from pages at hand and leaves all else to `app`.

    What it has learned is bounded by `max_bytes`. Ids of requests are this process' random prefix and a count: unique,
    and much cheaper than random ones.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        callers: Callers,
        peek: Peek,
        metrics: Metrics,
        max_bytes: int,
    ) -> None:
        self._app = app
        self._callers = callers
        self._peek = peek
        self._learned: BoundedLru[str, Learned] = BoundedLru(max_bytes)
        self._count_200 = metrics.requests_counter(ENDPOINT, 200)
        self._count_304 = metrics.requests_counter(ENDPOINT, 304)
        self._numbers = itertools.count()
        self._prefix = ""

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer as PEP 3333 has it."""
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "GET" or environ.get("SCRIPT_NAME"):
            return self._app(environ, start_response)
        started = time.perf_counter()
        hit = self._hit(environ)
        if hit is None:
            answer = self._app(environ, start_response)
            learned: tuple[str, Learned] | None = environ.pop(LEARNED, None)
            if learned is not None:
                self._learned.put(*learned)
            return answer
        served, status, headers, body = hit
        seconds = time.perf_counter() - started
        spent = f"{seconds * 1000:.1f}"
        headers.append(("X-Request-Id", self._request_id(environ.get("HTTP_X_REQUEST_ID"))))
        headers.append(("Server-Timing", f"cache-{served.outcome};dur={spent}, total;dur={spent}"))
        (self._count_304 if body is None else self._count_200)(seconds)
        start_response(status, headers)
        return [] if body is None else [body]

    def _hit(self, environ: "WSGIEnvironment") -> tuple[ServedPage, str, list[tuple[str, str]], bytes | None] | None:
        grant = self._callers.find(environ.get("HTTP_X_API_KEY"), environ.get("HTTP_AUTHORIZATION"))
        if grant is None or SCOPE not in grant.scopes:
            return None
        learned = self._learned.get(learning_key(grant, environ["QUERY_STRING"]))
        if (
            learned is None
            or learned.query.vdn not in grant.vdns
            or not accepts(MEDIA_TYPE, environ.get("HTTP_ACCEPT"))
        ):
            return None
        served = self._peek(learned.key, learned.query)
        if served is None or served.rendered.etag != learned.etag:
            return None
        coding = choose(served.rendered, environ.get("HTTP_ACCEPT_ENCODING"))
        held = environ.get("HTTP_IF_NONE_MATCH")
        if held is None:
            return served, "200 OK", page_headers(served, coding, None, learned.link), coding.body
        if held == coding.etag:
            return served, "304 NOT MODIFIED", page_headers(served, coding, held, learned.link), None
        return None

    def _request_id(self, offered: str | None) -> str:
        if offered is not None and SANE.match(offered):
            return offered
        if not self._prefix:
            # Not when it is made: processes that are forked after that would share it.
            self._prefix = uuid.uuid4().hex[:20]
        return f"{self._prefix}{next(self._numbers):012x}"
