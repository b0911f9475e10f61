"""The page cache for operators: `DELETE /cache` makes pages stale, `GET /cache/explain` tells what is kept."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

from flask import Blueprint, Response, request

from gateway.access.callers import Callers
from gateway.api.campaigns import authenticated, query_of
from gateway.api.document import unkept_json
from gateway.api.public import ExplanationSchema, PurgeSchema
from gateway.api.query import PurgeQuerySchema, QueryParser
from gateway.errors import GatewayError
from gateway.model import CampaignQuery
from gateway.settings import Tenant

PURGE_SCOPE = "cache:purge"
EXPLAIN_SCOPE = "diagnostics:read"
PARSER = QueryParser()


class Purge(Protocol):
    """Ends the freshness of pages."""

    def __call__(self, vdn: int | None, *, hard: bool) -> int:
        """Make the pages of a VDN, or of all, stale, or have them forgotten if it is `hard`; return their number."""
        ...


def cache_blueprint(
    callers: Callers,
    tenants: Mapping[int, Tenant],
    purge: Purge,
    others_hear: Callable[[], str],
    explain: Callable[[CampaignQuery], object],
) -> Blueprint:
    """Return the endpoints. `others_hear` tells how other processes hear of a purge, `explain` tells of one query.

    A caller that may purge does so for the VDNs that it may read, as everywhere. `purge` raises a leaf of
    `gateway.errors` where others may not have heard; this process has done its part by then.
    """
    blueprint = Blueprint("cache", __name__)

    @blueprint.delete("/cache")
    def purge_cache() -> Response:
        grant = authenticated(callers, PURGE_SCOPE)
        asked: dict[str, Any] = PARSER.parse(PurgeQuerySchema(), request, location="query")
        vdns = sorted(grant.vdns)
        if "vdn" in asked:
            grant.require_vdn(asked["vdn"])
            vdns = [asked["vdn"]]
        purged = _purge_each(partial(purge, hard=asked.get("hard", False)), vdns)
        return unkept_json(PurgeSchema().dump({"purged": purged, "vdns": vdns, "others_hear": others_hear()}))

    @blueprint.get("/cache/explain")
    def explain_query() -> Response:
        grant = authenticated(callers, EXPLAIN_SCOPE)
        return unkept_json(ExplanationSchema().dump(explain(query_of(grant, tenants))))

    return blueprint


def _purge_each(purge: Callable[[int], int], vdns: Iterable[int]) -> int:
    """Return how many pages went; raises the last failure, once all of `vdns` have been tried."""
    purged, failure = 0, None
    for vdn in vdns:
        try:
            purged += purge(vdn)
        except GatewayError as error:
            failure = error
    if failure is not None:
        raise failure
    return purged
