"""The answer with a page, made in one place however it was found: status, headers, bytes, numbers and log."""

import time
from collections.abc import Callable
from functools import lru_cache
from math import floor
from typing import TYPE_CHECKING, Final, NamedTuple

from werkzeug.http import http_date

from gateway.api.html import NOSNIFF
from gateway.api.lifecycle import end_span, log_request
from gateway.api.representation import choose, held_tag
from gateway.model import CacheOutcome, ServedPage
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import Span, Work

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PATH: Final = "/campaigns"
MEDIA_TYPE: Final = "application/json"
VARY: Final = ("Vary", "Accept, Accept-Encoding, Authorization, X-API-Key, Prefer")
"""`Prefer` selects no representation. But a cache that passed it over would answer callers that wait for a change."""

NOT_YET: Final = "campaign_gateway.not_yet"
"""Where the WSGI environment tells that 304 is sent to nobody yet: who asks waits for another page."""

UNNOTICEABLE_S: Final = 0.00005
"""What takes less is `0.0` in milliseconds of one decimal place."""

_CONTENT_TYPE: Final = ("Content-Type", MEDIA_TYPE)
_OK: Final = "200 OK"
_NOT_MODIFIED: Final = "304 NOT MODIFIED"


class Exchange(NamedTuple):
    """One request that a page answers: what WSGI says of it, its id, when it began (`time.perf_counter`), and who asks.

    `span` and `work` are what it is traced and accounted by; there is neither for a page at hand that is fresh.
    """

    environ: "WSGIEnvironment"
    request_id: str
    started: float
    client: str
    vdn: int
    span: Span | None = None
    work: Work | None = None


class Answer(NamedTuple):
    """What WSGI sends."""

    status: str
    headers: list[tuple[str, str]]
    body: list[bytes]


class Prepared(NamedTuple):
    """An answer but for what each request has of its own: its id, and the time that it took."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: list[bytes]
    timings: tuple[str, tuple[str, str]]
    note: Callable[[float], None]

    def answer(self, request_id: str, started: float) -> Answer:
        """Return the answer to one request, which began at `started`, and count it."""
        seconds = time.perf_counter() - started
        name, unnoticeable = self.timings
        timing = unnoticeable if seconds < UNNOTICEABLE_S else _server_timing(name, f"{seconds * 1000:.1f}")
        self.note(seconds)
        return Answer(self.status, [*self.headers, ("X-Request-Id", request_id), timing], self.body)


class Answers:
    """Makes answers, counts them, and logs those that somebody waited for, or all where `log_hits` is true."""

    def __init__(self, metrics: Metrics, *, log_hits: bool) -> None:
        self._counter = metrics.pages_answered
        self.log_hits = log_hits

    def prepare(
        self, served: ServedPage, link: str, accept_encoding: str | None, if_none_match: str | None
    ) -> Prepared:
        """Return the answer with `served`, whose `Link` is `link`: 200, or 304 where the caller holds what it has."""
        coding = choose(served.rendered, accept_encoding)
        held = None if if_none_match is None else held_tag(if_none_match, coding)
        headers = [
            ("ETag", held or coding.etag),
            *freshness_headers(
                int(served.age_s),
                floor(served.fresh_for_s),
                int(served.good_if_error_s),
                served.as_of,
                served.forward,
                served.outcome is CacheOutcome.COLLAPSED,
                served.stored,
                served.detail,
            ),
            NOSNIFF,
            VARY,
            ("Link", link),
        ]
        if held is None:
            headers += (_CONTENT_TYPE, ("Content-Length", str(len(coding.body))))
            if coding.content_encoding:
                headers.append(("Content-Encoding", coding.content_encoding))
        note = self._counter(200 if held is None else 304, served.outcome, served.rung, served.tier)
        # A list, which granian sends in one go, unlike any other iterable; with one empty piece for servers that take
        # none for a fault.
        status, body = (_OK, coding.body) if held is None else (_NOT_MODIFIED, b"")
        return Prepared(status, tuple(headers), [body], _TIMINGS[served.outcome], note)

    def answer(self, exchange: Exchange, served: ServedPage, link: str) -> Answer:
        """Return the answer to `exchange` with `served`, counted, and traced and logged where it is to be."""
        environ = exchange.environ
        prepared = self.prepare(served, link, environ.get("HTTP_ACCEPT_ENCODING"), environ.get("HTTP_IF_NONE_MATCH"))
        if NOT_YET in environ and prepared.status == _NOT_MODIFIED:
            return Answer(prepared.status, [*prepared.headers, ("X-Request-Id", exchange.request_id)], prepared.body)
        answer = prepared.answer(exchange.request_id, exchange.started)
        status, method = int(answer.status.partition(" ")[0]), environ["REQUEST_METHOD"]
        if exchange.span is not None:
            end_span(exchange.span, method, PATH, environ.get("wsgi.url_scheme", "http"), PATH, status)
        if served.waited or self.log_hits:
            log_request(
                request_id=exchange.request_id,
                method=method,
                path=PATH,
                status=status,
                seconds=time.perf_counter() - exchange.started,
                client=exchange.client,
                vdn=exchange.vdn,
                outcome=served.outcome,
                rung=served.rung,
                work=exchange.work,
                remote=environ.get("REMOTE_ADDR"),
            )
        return answer


# Hits come many a second, and their pages are of a few ages.
@lru_cache(maxsize=4096)
def freshness_headers(
    age_s: int,
    fresh_for_s: int,
    good_if_error_s: int,
    as_of: int,
    forward: str,
    collapsed: bool,  # noqa: FBT001 -- one of a key of the cache
    stored: bool,  # noqa: FBT001 -- the same
    detail: str,
) -> tuple[tuple[str, str], ...]:
    """Return what tells how old and how good a page is, and how the cache came by it.

    `max-age` is what is left, and there is no `Age`: the page is made here, and caches that pass over `Age` would else
    keep it for twice its time. In `Cache-Status` (RFC 9211) the seconds are those of CC-iSales' answer.
    """
    how = f"fwd={forward}" if forward else "hit"
    status = [f"campaign-gateway; {how}", *(["collapsed"] if collapsed else []), *(["stored"] if stored else [])]
    status += [f"ttl={fresh_for_s}", f"age={age_s}", *([f"detail={detail}"] if detail else [])]
    return (
        ("Cache-Control", f"private, max-age={max(0, fresh_for_s)}, stale-if-error={good_if_error_s}"),
        ("Cache-Status", "; ".join(status)),
        ("Campaigns-As-Of", http_date(as_of)),
    )


def _server_timing(name: str, spent: str) -> tuple[str, str]:
    return "Server-Timing", f"{name};dur={spent}, total;dur={spent}"


_TIMINGS: Final = {outcome: (f"cache-{outcome}", _server_timing(f"cache-{outcome}", "0.0")) for outcome in CacheOutcome}
