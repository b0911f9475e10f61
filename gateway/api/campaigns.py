"""`GET /campaigns`: who asks, what they ask for, and the page."""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, request

from gateway.access.callers import Callers
from gateway.access.clients import Grant
from gateway.access.limits import Quota
from gateway.api.answer import MEDIA_TYPE, PATH, Answers, Exchange
from gateway.api.cache_control import request_directives
from gateway.api.deadline import HEADER, deadline_of
from gateway.api.fair_semaphore import ARRIVED
from gateway.api.fast_path import FAILED, LEARN, SCOPE, Learned, learning_key
from gateway.api.links import link_header
from gateway.api.preconditions import require_match
from gateway.api.query import CampaignsParameters, CampaignsQuerySchema, QueryParser
from gateway.api.rate_limit import count, tell_quotas
from gateway.api.representation import accepts, choose
from gateway.api.resolution import preferred_locale, resolve
from gateway.errors import CallerError, NotAcceptable
from gateway.model import CampaignQuery, RequestDirectives, ServedPage, ServePage
from gateway.settings import Tenant

PARSER = QueryParser()


def campaigns_blueprint(
    callers: Callers,
    tenants: Mapping[int, Tenant],
    key: Callable[[CampaignQuery], str],
    take: Callable[[str, int], Quota],
    fresh: Callable[[CampaignQuery, RequestDirectives], ServedPage | None],
    serve: ServePage,
    answers: Answers,
    deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Blueprint:
    """Return the endpoint, which serves the pages of `serve`, cached under `key`, to those whom `callers` knows.

    It tells the fast path what a query string means as soon as it knows, and the rest when there is a page. For clients
    that have a limit, `take` counts each request that no page of `fresh` answers, before anything is done about it.
    """
    blueprint = Blueprint("campaigns", __name__)
    tell_quotas(blueprint)

    @blueprint.get(PATH)
    def list_campaigns() -> Response:
        deadline = deadline_of(request.headers.get(HEADER), deadline_s, request.environ[ARRIVED], clock)
        grant = authenticated(callers, SCOPE)
        try:
            if not accepts(MEDIA_TYPE, request.headers.get("Accept")):
                raise NotAcceptable("Campaigns are sent as application/json, which the Accept header excludes.")
            query = query_of(grant, tenants)
        except CallerError:
            count(grant, take)
            raise
        if FAILED in request.environ:
            # Under no name here, which would hold on to it, as its traceback does to this call.
            raise request.environ.pop(FAILED)
        raw_query = request.environ.get("QUERY_STRING", "")
        learn, meaning = request.environ.get(LEARN, _forget), learning_key(grant, raw_query)
        learn(meaning, Learned(query, key(query)))
        directives = request_directives(request.headers.get("Cache-Control"))
        served = fresh(query, directives) if grant.requests_per_minute else None
        if served is None:
            count(grant, take)
            served = serve(query, deadline, directives)
        require_match(choose(served.rendered, request.headers.get("Accept-Encoding")).etag)
        link = link_header(raw_query, served.paging)
        learn(meaning, Learned(query, served.key, served.rendered.identity.etag, link))
        return answered(answers, grant.client, query.vdn, served, link)

    return blueprint


def answered(answers: Answers, client: str, vdn: int, served: ServedPage, link: str) -> Response:
    """Return the answer to the current request with `served`, which `answers` makes, counts and logs."""
    exchange = Exchange(request.environ, g.request_id, g.started, client, vdn, g.span, g.work)
    status, headers, body = answers.answer(exchange, served, link)
    g.answered = True
    response = Response(body, status)
    response.headers.clear()
    response.headers.extend(headers)
    return response


def _forget(*_: object) -> None:
    """Learn nothing, where there is no fast path."""


def authenticated(callers: Callers, scope: str) -> Grant:
    """Return what the current caller may do; raises Forbidden without `scope` or any VDN, or as Callers does."""
    grant = identified(callers)
    grant.require_scope(scope)
    grant.require_some_vdn()
    return grant


def identified(callers: Callers) -> Grant:
    """Return what the current caller may do, be it nothing; raises as Callers does."""
    grant = callers.authenticate(request.environ.get("HTTP_X_API_KEY"), request.environ.get("HTTP_AUTHORIZATION"))
    g.client = grant.client
    grant.use.at = g.started
    return grant


def query_of(
    grant: Grant, tenants: Mapping[int, Tenant], kind: type[CampaignsQuerySchema] = CampaignsQuerySchema
) -> CampaignQuery:
    """Return the complete question of the current request, by a schema of this kind.

    Raises InvalidParameters or Forbidden.
    """
    schema = schema_of(kind, tuple((vdn, tenants[vdn].time_zone) for vdn in grant.vdns))
    return question(PARSER.parse(schema, request, location="query"), grant, tenants)


def question(parameters: CampaignsParameters, grant: Grant, tenants: Mapping[int, Tenant]) -> CampaignQuery:
    """Return what `parameters` ask; raises InvalidParameters, or Forbidden for a VDN that is not the caller's."""
    # The schema lets a query name no VDN only where there is but one.
    vdn = next(iter(grant.vdns)) if parameters.vdn is None else parameters.vdn
    grant.require_vdn(vdn)
    g.vdn = vdn
    tenant = tenants[vdn]
    locale = preferred_locale(request.headers.get("Accept-Language"))
    return resolve(parameters, vdn, tenant.time_zone, tenant.cc_id, locale)


# To make a schema takes longer than to load a query with it.
@lru_cache(maxsize=256)
def schema_of(kind: type[CampaignsQuerySchema], zones: tuple[tuple[int, ZoneInfo], ...]) -> CampaignsQuerySchema:
    """Return the schema of this kind for a caller that may read VDNs in such time zones."""
    return kind(dict(zones))
