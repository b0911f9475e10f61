"""`GET /campaigns/summary`: how many campaigns there are, by status and by device type."""

import time
from collections.abc import Callable, Mapping
from math import floor
from typing import Final

from flask import Blueprint, Response, request

from gateway.access.callers import Callers
from gateway.access.limits import Quota
from gateway.api.answer import MEDIA_TYPE, VARY, freshness_headers
from gateway.api.cache_control import request_directives
from gateway.api.campaigns import authenticated, query_of
from gateway.api.deadline import HEADER, deadline_of
from gateway.api.document import negotiated
from gateway.api.fair_semaphore import ARRIVED
from gateway.api.fast_path import SCOPE
from gateway.api.public import json_bytes
from gateway.api.public_summary import SummarySchema
from gateway.api.query import SummaryQuerySchema
from gateway.api.rate_limit import count, tell_quotas
from gateway.api.representation import accepts, render
from gateway.errors import CallerError, NotAcceptable
from gateway.model import CacheOutcome, CampaignQuery, Deadline, RequestDirectives, ServedPage
from gateway.results.counts import Parts, counts_of
from gateway.settings import Tenant

SUMMARY_PATH: Final = "/campaigns/summary"


_SUMMARY: Final = SummarySchema()


def summary_blueprint(
    callers: Callers,
    tenants: Mapping[int, Tenant],
    take: Callable[[str, int], Quota],
    at_hand: Callable[[CampaignQuery, RequestDirectives], Parts | None],
    gather: Callable[[CampaignQuery, Deadline, RequestDirectives], Parts],
    deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Blueprint:
    """Return the endpoint, which counts what the pages of `gather` tell, for those whom `callers` knows.

    For clients that have a limit, `take` counts each request that the pages of `at_hand` do not answer: as one.
    """
    blueprint = Blueprint("summary", __name__)
    tell_quotas(blueprint)

    @blueprint.get(SUMMARY_PATH)
    def count_campaigns() -> Response:
        deadline = deadline_of(request.headers.get(HEADER), deadline_s, request.environ.get(ARRIVED, clock()), clock)
        grant = authenticated(callers, SCOPE)
        try:
            if not accepts(MEDIA_TYPE, request.headers.get("Accept")):
                raise NotAcceptable("Counts are sent as application/json, which the Accept header excludes.")
            query = query_of(grant, tenants, SummaryQuerySchema)
        except CallerError:
            count(grant, take)
            raise
        directives = request_directives(request.headers.get("Cache-Control"))
        served = at_hand(query, directives) if grant.requests_per_minute else None
        if served is None:
            count(grant, take)
            served = gather(query, deadline, directives)
        return summary_response(served)

    return blueprint


def summary_response(served: Parts) -> Response:
    """Return the answer to the current request with the counts of `served`: 200, or 304 for who holds it."""
    body = json_bytes(_SUMMARY.dump(counts_of([page.page for page in served])))
    response = negotiated(render(body), MEDIA_TYPE)
    response.headers.extend([*summary_freshness(served), VARY])
    return response


def summary_freshness(served: Parts) -> tuple[tuple[str, str], ...]:
    """Return the freshness headers of counts: as old as the oldest page, as good as the one that is good for least."""
    oldest = max(served, key=lambda page: page.age_s)
    forwarded = [page for page in served if page.forward]
    return freshness_headers(
        int(oldest.age_s),
        floor(min(page.fresh_for_s for page in served)),
        int(min(page.good_if_error_s for page in served)),
        oldest.as_of,
        next((page.forward for page in forwarded), ""),
        bool(forwarded) and all(page.outcome is CacheOutcome.COLLAPSED for page in forwarded),
        _all_stored(forwarded),
        next((page.detail for page in served if page.detail), ""),
    )


def _all_stored(forwarded: list[ServedPage]) -> bool:
    return bool(forwarded) and all(page.stored for page in forwarded)
