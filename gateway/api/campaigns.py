"""`GET /campaigns`: who asks, what they ask for, the page, and the headers that say how good it is."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import floor
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from gateway.access.callers import Callers
from gateway.access.clients import Grant
from gateway.access.limits import Quota
from gateway.api.deadline import HEADER, deadline_of
from gateway.api.html import NOSNIFF
from gateway.api.links import link_header
from gateway.api.query import CampaignsParameters, CampaignsQuerySchema, QueryParser
from gateway.api.rate_limit import tell_quotas
from gateway.api.representation import accepts, choose, held_tag, hint
from gateway.api.resolution import resolve
from gateway.api.turns import ARRIVED
from gateway.errors import CallerError, GatewayError, NotAcceptable
from gateway.model import CacheOutcome, CampaignQuery, Representation, ServedPage, ServePage
from gateway.settings import Tenant

SCOPE = "campaigns:read"
MEDIA_TYPE = "application/json"
LOCALES = {"zh": "zh_CN", "en": "en_US"}
VARY = "Accept, Accept-Encoding, Authorization, X-API-Key"
_CONTENT_TYPE = ("Content-Type", MEDIA_TYPE)
_VARY = ("Vary", VARY)
_HOW = {
    CacheOutcome.HIT: "hit",
    CacheOutcome.STALE: "hit",
    CacheOutcome.MISS: "fwd=miss",
    CacheOutcome.COLLAPSED: "fwd=miss; collapsed",
}
_FETCHED_AND_STORED = "fwd=miss; stored"
PARSER = QueryParser()
LEARNED_BYTES = 400
LEARN = "campaign_gateway.learn"
"""Where the WSGI environment has the function that takes what a query string has turned out to mean."""
FAILED = "campaign_gateway.failed"
"""Where it has how the fetch ended that the request has waited for already."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What a raw query string has turned out to mean: the question, its cache key, and the `Link` of its page.

    The `Link` is that of the page with `etag`; another page may have other neighbours. Both are empty before there is
    a page.
    """

    query: CampaignQuery
    key: str
    etag: str = ""
    link: str = ""

    def __len__(self) -> int:
        return len(self.key) + len(self.link) + LEARNED_BYTES


def campaigns_blueprint(
    callers: Callers,
    tenants: Mapping[int, Tenant],
    key: Callable[[CampaignQuery], str],
    take: Callable[[str, int], Quota],
    fresh: Callable[[CampaignQuery], ServedPage | None],
    serve: ServePage,
    deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Blueprint:
    """Return the endpoint, which serves the pages of `serve`, cached under `key`, to those whom `callers` knows.

    It tells the hit path what a query string means as soon as it knows, and the rest when there is a page. For clients
    that have a limit, `take` counts each request that no page of `fresh` answers, before anything is done about it.
    """
    blueprint = Blueprint("campaigns", __name__)
    tell_quotas(blueprint)

    def count(grant: Grant) -> None:
        """Count the current request, which no fresh page answers; raises RateLimited."""
        if grant.requests_per_minute:
            g.quota = take(grant.client, grant.requests_per_minute)
            g.quota.require()

    @blueprint.get("/campaigns")
    def list_campaigns() -> Response:
        deadline = deadline_of(request.headers.get(HEADER), deadline_s, request.environ[ARRIVED], clock)
        grant = authenticated(callers, SCOPE)
        try:
            if not accepts(MEDIA_TYPE, request.headers.get("Accept")):
                raise NotAcceptable("Campaigns are sent as application/json, which the Accept header excludes.")
            query = query_of(grant, tenants)
        except CallerError:
            count(grant)
            raise
        failure: GatewayError | None = request.environ.pop(FAILED, None)
        if failure is not None:
            raise failure.again()
        raw_query = request.environ.get("QUERY_STRING", "")
        learn, meaning = request.environ.get(LEARN, _forget), learning_key(grant, raw_query)
        learn(meaning, Learned(query, key(query)))
        started = clock()
        served = fresh(query) if grant.requests_per_minute else None
        if served is None:
            count(grant)
            served = serve(query, deadline)
        g.outcome, g.rung = served.outcome, served.rung
        g.timings = {f"cache-{served.outcome}": (clock() - started) * 1000}
        link = link_header(request.path, raw_query, served.paging)
        learn(meaning, Learned(query, served.key, served.rendered.identity.etag, link))
        coding = choose(served.rendered, request.headers.get("Accept-Encoding"))
        held = held_tag(request.headers.get("If-None-Match"), coding.etag)
        response = Response(status=304) if held else Response(coding.body)
        response.headers.clear()
        response.headers.extend(page_headers(served, coding, held, link))
        return response

    return blueprint


def _forget(*_: object) -> None:
    """Learn nothing, where there is no hit path."""


def learning_key(grant: Grant, raw_query: str) -> str:
    """Return what decides the meaning of a raw query string: itself, and the VDN that is meant when it names none."""
    return f"{grant.only_vdn} {raw_query}"


def authenticated(callers: Callers, scope: str) -> Grant:
    """Return what the current caller may do; raises Forbidden without `scope` or any VDN, or as Callers does."""
    grant = callers.authenticate(request.environ.get("HTTP_X_API_KEY"), request.environ.get("HTTP_AUTHORIZATION"))
    g.client = grant.client
    grant.use.at = g.started
    grant.require_scope(scope)
    grant.require_some_vdn()
    return grant


def query_of(grant: Grant, tenants: Mapping[int, Tenant]) -> CampaignQuery:
    """Return the complete question of the current request; raises InvalidParameters or Forbidden."""
    schema = _schema(tuple((vdn, tenants[vdn].time_zone) for vdn in grant.vdns))
    parameters: CampaignsParameters = PARSER.parse(schema, request, location="query")
    # The schema lets a query name no VDN only where there is but one.
    vdn = next(iter(grant.vdns)) if parameters.vdn is None else parameters.vdn
    grant.require_vdn(vdn)
    g.vdn = vdn
    tenant = tenants[vdn]
    return resolve(
        parameters, vdn, tenant.time_zone, tenant.cc_id, preferred_locale(hint(request.headers.get("Accept-Language")))
    )


# To make a schema takes longer than to load a query with it.
@lru_cache(maxsize=256)
def _schema(zones: tuple[tuple[int, ZoneInfo], ...]) -> CampaignsQuerySchema:
    """Return the schema for a caller that may read VDNs in such time zones."""
    return CampaignsQuerySchema(dict(zones))


@lru_cache(maxsize=256)
def preferred_locale(accept_language: str | None) -> str | None:
    """Return the vendor's locale that `Accept-Language` (RFC 9110, section 12.5.4) prefers, `None` for neither."""
    best = parse_accept_header(accept_language, LanguageAccept).best_match(list(LOCALES))
    return None if best is None else LOCALES[best]


def page_headers(
    served: ServedPage, coding: Representation, held: str | None, link: str, vary: tuple[str, str] = _VARY
) -> list[tuple[str, str]]:
    """Return the headers of an answer with `coding` of a page, or, for the tag `held`, of a 304 (RFC 9110, 15.4.5)."""
    body, etag, content_encoding = coding
    how = _HOW[served.outcome]
    if served.outcome is CacheOutcome.MISS and served.stored:
        how = _FETCHED_AND_STORED
    fresh_for_s = floor(served.fresh_for_s)
    freshness = _freshness_headers(int(served.age_s), fresh_for_s, how, served.detail)
    if held:
        return [("ETag", held), *freshness, NOSNIFF, vary, ("Link", link)]
    length = ("Content-Length", str(len(body)))
    headers = [_CONTENT_TYPE, length, ("ETag", etag), *freshness, NOSNIFF, vary, ("Link", link)]
    if content_encoding:
        headers.append(("Content-Encoding", content_encoding))
    return headers


# Hits come many a second, and their pages are of a few ages.
@lru_cache(maxsize=4096)
def _freshness_headers(age_s: int, fresh_for_s: int, how: str, detail: str) -> tuple[tuple[str, str], ...]:
    """Return `Age`, `Cache-Control` and `Cache-Status` (RFC 9211) of a page that the cache came by in the way `how`."""
    return (
        ("Age", str(age_s)),
        ("Cache-Control", f"private, max-age={max(0, fresh_for_s)}"),
        ("Cache-Status", f"campaign-gateway; {how}; ttl={fresh_for_s}" + (f"; detail={detail}" if detail else "")),
    )
