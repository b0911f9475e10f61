"""`GET /campaigns`: who asks, what they ask for, the page, and the headers that say how good it is."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor

from flask import Blueprint, Response, g, request
from werkzeug.datastructures import LanguageAccept

from gateway.access.callers import Callers
from gateway.access.clients import Grant
from gateway.api.links import link_header
from gateway.api.query import CampaignsParameters, CampaignsQuerySchema, QueryParser, refusal
from gateway.api.query_string import decode
from gateway.api.representation import Representation, accepts, choose, held_tag
from gateway.api.resolution import resolve
from gateway.errors import InvalidParameters, NotAcceptable, ParameterFault
from gateway.model import CacheOutcome, CampaignQuery, Deadline, ServedPage, ServePage
from gateway.settings import Tenant

SCOPE = "campaigns:read"
MEDIA_TYPE = "application/json"
LOCALES = {"zh": "zh_CN", "en": "en_US"}
VARY = "Accept, Accept-Encoding, Authorization, X-API-Key"
PARSER = QueryParser()
LEARNED_BYTES = 400
LEARNED = "campaign_gateway.learned"
VDN_REQUIRED = ParameterFault(
    "vdn", "The parameter is required, because this client may read more or less than one VDN."
)


@dataclass(frozen=True, slots=True)
class Learned:
    """What a raw query string has turned out to mean: the question, its cache key, and the `Link` of its page.

    The `Link` is that of the page with `etag`; another page may have other neighbours.
    """

    query: CampaignQuery
    key: str
    etag: str
    link: str

    def __len__(self) -> int:
        return len(self.key) + len(self.link) + LEARNED_BYTES


def campaigns_blueprint(
    callers: Callers,
    tenants: Mapping[int, Tenant],
    serve: ServePage,
    deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Blueprint:
    """Return the endpoint, which serves the pages of `serve` to those whom `callers` knows.

    What it knows of a good answer it leaves in the WSGI environment for the hit path to learn.
    """
    blueprint = Blueprint("campaigns", __name__)

    @blueprint.get("/campaigns")
    def list_campaigns() -> Response:
        deadline = Deadline.after(deadline_s, clock)
        grant = authenticated(callers, SCOPE)
        if not accepts(MEDIA_TYPE, request.headers.get("Accept")):
            raise NotAcceptable("Campaigns are sent as application/json, which the Accept header excludes.")
        query = query_of(grant, tenants)
        started = clock()
        served = serve(query, deadline)
        g.outcome = served.outcome
        g.timings = {f"cache-{served.outcome}": (clock() - started) * 1000}
        link = link_header(request.path, request.environ.get("QUERY_STRING", ""), served.page)
        learned = Learned(query, served.key, served.rendered.etag, link)
        request.environ[LEARNED] = (learning_key(grant, request.environ.get("QUERY_STRING", "")), learned)
        coding = choose(served.rendered, request.headers.get("Accept-Encoding"))
        held = held_tag(request.headers.get("If-None-Match"), coding.etag)
        response = Response(status=304) if held else Response(coding.body)
        response.headers.clear()
        response.headers.extend(page_headers(served, coding, held, link))
        return response

    return blueprint


def learning_key(grant: Grant, raw_query: str) -> str:
    """Return what decides the meaning of a raw query string: itself, and the VDN that is meant when it names none."""
    return f"{grant.only_vdn} {raw_query}"


def authenticated(callers: Callers, scope: str) -> Grant:
    """Return what the caller of the current request may do; raises Forbidden without `scope`, or as Callers does."""
    grant = callers.authenticate(request.environ.get("HTTP_X_API_KEY"), request.environ.get("HTTP_AUTHORIZATION"))
    g.client = grant.client
    grant.require_scope(scope)
    return grant


def query_of(grant: Grant, tenants: Mapping[int, Tenant]) -> CampaignQuery:
    """Return the complete question of the current request; raises InvalidParameters or Forbidden."""
    parameters = _parameters(grant)
    vdn = parameters.vdn if parameters.vdn is not None else grant.only_vdn
    if vdn is None:
        raise refusal([VDN_REQUIRED])
    grant.require_vdn(vdn)
    g.vdn = vdn
    tenant = tenants[vdn]
    return resolve(parameters, vdn, tenant.time_zone, tenant.cc_id, preferred_locale(request.accept_languages))


def _parameters(grant: Grant) -> CampaignsParameters:
    try:
        parameters: CampaignsParameters = PARSER.parse(CampaignsQuerySchema(), request, location="query")
    except InvalidParameters as error:
        if grant.only_vdn is None and "vdn" not in decode(request.environ.get("QUERY_STRING", "")):
            raise refusal([*error.errors, VDN_REQUIRED]) from error
        raise
    return parameters


def preferred_locale(accepted: LanguageAccept) -> str | None:
    """Return the vendor's locale that `Accept-Language` (RFC 9110, section 12.5.4) prefers, `None` for neither."""
    best = accepted.best_match(list(LOCALES))
    return None if best is None else LOCALES[best]


def page_headers(served: ServedPage, coding: Representation, held: str | None, link: str) -> list[tuple[str, str]]:
    """Return the headers of an answer with `coding` of a page, or, for the tag `held`, of a 304 (RFC 9110, 15.4.5)."""
    headers = [
        ("ETag", held or coding.etag),
        ("Age", str(int(served.age_s))),
        ("Cache-Control", f"private, max-age={max(0, int(served.fresh_for_s))}"),
        ("Cache-Status", cache_status(served)),
        ("Vary", VARY),
        ("Link", link),
    ]
    if held:
        return headers
    if coding.content_encoding:
        headers.append(("Content-Encoding", coding.content_encoding))
    return [("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(coding.body))), *headers]


def cache_status(served: ServedPage) -> str:
    """Return the `Cache-Status` of a page (RFC 9211)."""
    ttl = floor(served.fresh_for_s)
    match served.outcome:
        case CacheOutcome.HIT:
            return f"campaign-gateway; hit; ttl={ttl}"
        case CacheOutcome.STALE:
            return f"campaign-gateway; hit; ttl={ttl}; detail={served.detail}"
        case CacheOutcome.MISS:
            return f"campaign-gateway; fwd=miss; stored; ttl={ttl}"
        case CacheOutcome.COLLAPSED:
            return f"campaign-gateway; fwd=miss; collapsed; ttl={ttl}"
