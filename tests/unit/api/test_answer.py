"""The answer with a page: what its headers say, as the contract has it, and what is noted of it."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import floor
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_dict_header

from gateway.api.answer import Answer, Answers, Exchange
from gateway.api.public import page_body
from gateway.api.representation import render
from gateway.errors import UpstreamError, leaves
from gateway.model import CacheOutcome, ServedPage
from gateway.telemetry.log import configure_logging
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import Trace, Work
from tests.support import cache_status
from tests.support.campaigns import page_of

SMALL, LARGE = page_of(1), page_of(*range(1, 11))
LINK = '<?page=1>; rel="first"'
AS_OF = int(datetime(2026, 11, 27, 8, 49, 37, tzinfo=UTC).timestamp())
FOUND: dict[str, Any] = {
    "outcome": CacheOutcome.HIT,
    "tier": "process",
    "rung": "fresh",
    "age_s": 8.9,
    "fresh_for_s": 6.1,
    "good_if_error_s": 3600.0,
    "detail": "",
    "forward": "",
    "stored": False,
    "waited": False,
}
FETCHED = {**FOUND, "tier": "", "rung": "", "age_s": 0.0, "fresh_for_s": 15.0, "waited": True}


def served(said: dict[str, Any], page: Any = LARGE) -> ServedPage:
    """Return a page that the cache hands out like that."""
    rendered = render(page_body(page))
    return ServedPage("key", rendered=rendered, as_of=AS_OF, paging=page.paging, load=lambda: page, **said)


def answer(
    page: ServedPage,
    asked: Mapping[str, str] = MappingProxyType({}),
    metrics: Metrics | None = None,
    *,
    log_hits: bool = False,
    started: float = 0.0,
) -> Answer:
    """Return the answer to a request with these headers, as WSGI names them."""
    environ = {
        "REQUEST_METHOD": "GET",
        "REMOTE_ADDR": "192.0.2.7",
        **{f"HTTP_{name}": value for name, value in asked.items()},
    }
    work = Work(Trace("1" * 32, "2" * 16), calls=1, upstream_s=0.25) if page.waited else None
    exchange = Exchange(environ, "request-1", started or time.perf_counter(), "web", 1, None, work)
    return Answers(metrics or Metrics(), log_hits=log_hits).answer(exchange, page, LINK)


def headers_of(made: Answer) -> dict[str, str]:
    """Return the headers, each of which is there once."""
    headers = dict(made.headers)
    assert len(headers) == len(made.headers)
    return headers


def test_a_hit_has_these_headers_and_no_others() -> None:
    """The contract names them; there is no `Age`, which half of all caches pass over and the others count twice."""
    page = served(FOUND)
    made = answer(page)
    headers = headers_of(made)
    timing = headers.pop("Server-Timing")
    assert timing.startswith("cache-hit;dur=")
    assert headers == {
        "ETag": page.rendered.identity.etag,
        "Cache-Control": "private, max-age=6, stale-if-error=3600",
        "Cache-Status": "campaign-gateway; hit; ttl=6; age=8",
        "Campaigns-As-Of": "Fri, 27 Nov 2026 08:49:37 GMT",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept, Accept-Encoding, Authorization, X-API-Key, Prefer",
        "Link": LINK,
        "X-Request-Id": "request-1",
        "Content-Type": "application/json",
        "Content-Length": str(len(page.rendered.identity.body)),
    }
    assert (made.status, b"".join(made.body)) == ("200 OK", page.rendered.identity.body)


@pytest.mark.parametrize(
    ("said", "status", "control"),
    [
        ({}, "hit; ttl=6; age=8", "max-age=6, stale-if-error=3600"),
        ({"fresh_for_s": 0.9}, "hit; ttl=0; age=8", "max-age=0, stale-if-error=3600"),
        (
            {"age_s": 18.2, "fresh_for_s": -3.2, "good_if_error_s": 3596.8, "detail": "stale-while-revalidate"},
            "hit; ttl=-4; age=18; detail=stale-while-revalidate",
            "max-age=0, stale-if-error=3596",
        ),
        (
            {"age_s": 90.0, "fresh_for_s": -75.0, "good_if_error_s": 3525.0, "detail": "stale-if-slow"},
            "hit; ttl=-75; age=90; detail=stale-if-slow",
            "max-age=0, stale-if-error=3525",
        ),
        (
            {"age_s": 3614.0, "fresh_for_s": -3599.0, "good_if_error_s": 0.9, "detail": "upstream-timeout"},
            "hit; ttl=-3599; age=3614; detail=upstream-timeout",
            "max-age=0, stale-if-error=0",
        ),
        (
            {**FETCHED, "outcome": CacheOutcome.MISS, "forward": "miss", "stored": True},
            "fwd=miss; stored; ttl=15; age=0",
            "max-age=15, stale-if-error=3600",
        ),
        (
            {**FETCHED, "outcome": CacheOutcome.MISS, "forward": "stale"},
            "fwd=stale; ttl=15; age=0",
            "max-age=15, stale-if-error=3600",
        ),
        (
            {**FETCHED, "outcome": CacheOutcome.MISS, "forward": "request", "stored": True},
            "fwd=request; stored; ttl=15; age=0",
            "max-age=15, stale-if-error=3600",
        ),
        (
            {**FETCHED, "outcome": CacheOutcome.COLLAPSED, "forward": "stale"},
            "fwd=stale; collapsed; ttl=15; age=0",
            "max-age=15, stale-if-error=3600",
        ),
    ],
)
def test_how_old_and_how_good_a_page_is(said: dict[str, Any], status: str, control: str) -> None:
    """Seconds left in `max-age`, never below 0; RFC 9211 tells how the cache came by it, and RFC 5861 for how long."""
    headers = headers_of(answer(served({**FOUND, **said})))
    assert headers["Cache-Status"] == f"campaign-gateway; {status}"
    assert headers["Cache-Control"] == f"private, {control}"


def test_who_holds_the_page_gets_its_validators_and_no_body() -> None:
    """Of a 304 all is there that a cache is to renew (RFC 9110, section 15.4.5), and nothing of the content."""
    page = served(FOUND)
    etag = page.rendered.identity.etag
    made = answer(page, {"IF_NONE_MATCH": f'"other", W/{etag}'})
    headers = headers_of(made)
    assert (made.status, b"".join(made.body)) == ("304 NOT MODIFIED", b"")
    # One piece, though it is empty: hypercorn takes an iterable of none for a fault.
    assert list(made.body) == [b""]
    assert headers.keys() == headers_of(answer(page)).keys() - {"Content-Type", "Content-Length"}
    assert (headers["ETag"], headers["Campaigns-As-Of"]) == (etag, "Fri, 27 Nov 2026 08:49:37 GMT")
    assert headers["Cache-Status"] == "campaign-gateway; hit; ttl=6; age=8"


def test_gzip_is_said_and_has_a_tag_of_its_own() -> None:
    """The tag of what is sent is sent, and the length is that of the bytes."""
    page = served(FOUND)
    assert page.rendered.packed is not None
    made = answer(page, {"ACCEPT_ENCODING": "gzip"})
    headers = headers_of(made)
    assert (headers["Content-Encoding"], headers["ETag"]) == ("gzip", f'"gzip.{page.rendered.identity.etag[1:]}')
    assert made.body == [page.rendered.packed.body]
    assert headers["Content-Length"] == str(len(page.rendered.packed.body))
    held = headers_of(answer(page, {"ACCEPT_ENCODING": "gzip", "IF_NONE_MATCH": headers["ETag"]}))
    assert held["ETag"] == headers["ETag"]
    assert "Content-Encoding" not in held
    assert "Content-Encoding" not in headers_of(answer(served(FOUND, SMALL), {"ACCEPT_ENCODING": "gzip"}))


DETAILS = [
    "",
    "stale-while-revalidate",
    "stale-if-error",
    "stale-if-slow",
    *(leaf.name for leaf in leaves(UpstreamError)),
]
SECONDS = st.floats(0, 604_800)
PAGES = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(CacheOutcome),
        "tier": st.sampled_from(["", "process", "shared"]),
        "rung": st.sampled_from(["", "fresh", "stale-while-revalidate", "stale-if-error"]),
        "age_s": SECONDS,
        "fresh_for_s": st.floats(-604_800, 86_400),
        "good_if_error_s": SECONDS,
        "detail": st.sampled_from(DETAILS),
        "forward": st.sampled_from(["", "miss", "stale", "request"]),
        "stored": st.booleans(),
        "waited": st.booleans(),
    }
)


@given(said=PAGES, asked=st.sampled_from([{}, {"IF_NONE_MATCH": "*"}, {"ACCEPT_ENCODING": "gzip"}]))
def test_any_page_has_headers_that_every_reader_can_read(said: dict[str, Any], asked: dict[str, str]) -> None:
    """Cache-Status is a structured field (RFC 9651) with what RFC 9211 has; the date and seconds are RFC 9110's."""
    headers = headers_of(answer(served(said), asked))
    expected = {"ttl": floor(said["fresh_for_s"]), "age": int(said["age_s"])}
    expected |= {"fwd": said["forward"]} if said["forward"] else {"hit": True}
    expected |= {"collapsed": True} if said["outcome"] is CacheOutcome.COLLAPSED else {}
    expected |= {"stored": True} if said["stored"] else {}
    expected |= {"detail": said["detail"]} if said["detail"] else {}
    assert cache_status.read(headers["Cache-Status"]) == expected
    assert parse_dict_header(headers["Cache-Control"]) == {
        "private": None,
        "max-age": str(max(0, floor(said["fresh_for_s"]))),
        "stale-if-error": str(int(said["good_if_error_s"])),
    }
    assert parsedate_to_datetime(headers["Campaigns-As-Of"]).timestamp() == AS_OF
    assert headers["Campaigns-As-Of"].endswith(" GMT")
    assert "Age" not in headers
    assert all(value.isascii() and value.isprintable() for value in headers.values())


def test_the_time_that_it_took_is_told() -> None:
    """In milliseconds, of the cache and of all."""
    timing = headers_of(answer(served(FOUND), started=time.perf_counter() - 1.0))["Server-Timing"]
    of_cache, of_all = timing.split(", ")
    assert of_cache.startswith("cache-hit;dur=")
    assert float(of_all.removeprefix("total;dur=")) >= 1000.0


def test_each_answer_is_counted_once_where_it_belongs() -> None:
    """By status, and by how the cache came by the page."""
    metrics = Metrics()
    answer(served(FOUND), metrics=metrics)
    answer(served(FOUND), {"IF_NONE_MATCH": "*"}, metrics)
    answer(served({**FETCHED, "outcome": CacheOutcome.COLLAPSED, "forward": "miss"}), metrics=metrics)
    text = metrics.exposition(None)[0].decode().splitlines()
    for line in (
        'campaign_gateway_requests_total{endpoint="campaigns.list_campaigns",problem="",status="200"} 2.0',
        'campaign_gateway_requests_total{endpoint="campaigns.list_campaigns",problem="",status="304"} 1.0',
        'campaign_gateway_cache_lookups_total{outcome="hit",rung="fresh",tier="process"} 2.0',
        'campaign_gateway_cache_lookups_total{outcome="collapsed",rung="",tier=""} 1.0',
    ):
        assert line in text


@pytest.mark.parametrize(
    ("said", "log_hits", "logged"),
    [
        (FOUND, False, False),
        (FOUND, True, True),
        ({**FOUND, "outcome": CacheOutcome.STALE, "rung": "stale-while-revalidate"}, False, False),
        ({**FOUND, "outcome": CacheOutcome.STALE, "rung": "stale-if-error", "waited": True}, False, True),
        ({**FETCHED, "outcome": CacheOutcome.MISS, "forward": "miss"}, False, True),
    ],
)
def test_what_somebody_waited_for_has_a_log_line(
    capsys: pytest.CaptureFixture[str], said: dict[str, Any], *, log_hits: bool, logged: bool
) -> None:
    """Pages at hand have one with `log.hits` only, fresh or stale; it says who asked and how it was answered."""
    configure_logging("info", "json")
    answer(served(said), log_hits=log_hits)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == logged
    for line in lines:
        expected = {"method": "GET", "path": "/campaigns", "status": 200, "client": "web", "vdn": 1}
        expected |= {"cache": said["outcome"], "remote": "192.0.2.7", "request_id": "request-1"}
        expected |= {"rung": said["rung"]} if said["rung"] else {}
        expected |= {"trace_id": "1" * 32, "upstream_calls": 1, "upstream_ms": 250.0} if said["waited"] else {}
        assert {name: line[name] for name in expected} == expected
