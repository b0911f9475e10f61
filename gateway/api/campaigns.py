"""`GET /campaigns`: who asks, what they ask for, the page, and the headers that say how good it is."""

import time
from collections.abc import Callable, Mapping

from flask import Blueprint, Response, g, request
from werkzeug.datastructures import LanguageAccept

from gateway.access.clients import ClientDirectory, Grant
from gateway.api.links import link_header
from gateway.api.public import page_body
from gateway.api.query import CampaignsParameters, CampaignsQuerySchema, QueryParser, refusal
from gateway.api.query_string import decode
from gateway.api.representation import accepts, held_tag, represent
from gateway.api.resolution import resolve
from gateway.errors import InvalidParameters, NotAcceptable, ParameterFault
from gateway.model import CacheOutcome, CampaignQuery, Deadline, ServedPage, ServePage
from gateway.settings import Tenant

SCOPE = "campaigns:read"
LOCALES = {"zh": "zh_CN", "en": "en_US"}
VARY = "Accept, Accept-Encoding, Authorization, X-API-Key"
PARSER = QueryParser()
VDN_REQUIRED = ParameterFault(
    "vdn", "The parameter is required, because this client may read more or less than one VDN."
)


def campaigns_blueprint(
    clients: ClientDirectory,
    tenants: Mapping[int, Tenant],
    serve: ServePage,
    deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Blueprint:
    """Return the endpoint, which serves the pages of `serve` to those whom `clients` knows."""
    blueprint = Blueprint("campaigns", __name__)

    @blueprint.get("/campaigns")
    def list_campaigns() -> Response:
        deadline = Deadline.after(deadline_s, clock)
        grant = clients.authenticate(_api_key())
        g.client = grant.client
        grant.require_scope(SCOPE)
        if not accepts("application/json", request.headers.get("Accept")):
            raise NotAcceptable("Campaigns are sent as application/json, which the Accept header excludes.")
        query = _query(grant, tenants)
        started = clock()
        served = serve(query, deadline)
        g.outcome = served.outcome
        g.timings = {f"cache-{served.outcome}": (clock() - started) * 1000}
        return _response(served)

    return blueprint


def _api_key() -> bytes | None:
    key = request.headers.get("X-API-Key")
    # WSGI hands header bytes over as Latin-1 characters.
    return None if key is None else key.encode("latin-1")


def _query(grant: Grant, tenants: Mapping[int, Tenant]) -> CampaignQuery:
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


def _response(served: ServedPage) -> Response:
    representation = represent(page_body(served.page), request.headers.get("Accept-Encoding"))
    held = held_tag(request.headers.get("If-None-Match"), representation.etag)
    response = Response(status=304) if held else Response(representation.body)
    headers = response.headers
    headers["Content-Type"] = "application/json"
    headers["ETag"] = held or representation.etag
    headers["Age"] = str(int(served.age_s))
    headers["Cache-Control"] = f"private, max-age={max(0, int(served.fresh_for_s))}"
    headers["Cache-Status"] = cache_status(served)
    headers["Vary"] = VARY
    headers["Link"] = link_header(request.path, request.environ.get("QUERY_STRING", ""), served.page)
    if held:
        del headers["Content-Type"]
    elif representation.content_encoding:
        headers["Content-Encoding"] = representation.content_encoding
    return response


def cache_status(served: ServedPage) -> str:
    """Return the `Cache-Status` of a page (RFC 9211)."""
    if served.outcome is CacheOutcome.HIT:
        return f"campaign-gateway; hit; ttl={int(served.fresh_for_s)}"
    collapsed = "; collapsed" if served.outcome is CacheOutcome.COLLAPSED else "; stored"
    return f"campaign-gateway; fwd=miss{collapsed}; ttl={int(served.fresh_for_s)}"
