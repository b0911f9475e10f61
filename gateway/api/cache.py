"""The page cache for operators: `DELETE /cache` forgets pages, `GET /cache/explain` tells what is kept for a query."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from gateway.access.callers import Callers
from gateway.api.campaigns import MEDIA_TYPE, authenticated, query_of
from gateway.api.public import ExplanationSchema, PurgeSchema, json_bytes
from gateway.api.query import PurgeQuerySchema, QueryParser
from gateway.errors import GatewayError
from gateway.model import CampaignQuery
from gateway.settings import Tenant

PURGE_SCOPE = "cache:purge"
EXPLAIN_SCOPE = "diagnostics:read"
PARSER = QueryParser()


def cache_blueprint(
    callers: Callers,
    tenants: Mapping[int, Tenant],
    purge: Callable[[int | None], int],
    explain: Callable[[CampaignQuery], object],
) -> Blueprint:
    """Return the endpoints. `purge` forgets the pages of a VDN and counts them, `explain` tells of one query.

    A caller that may purge does so for the VDNs that it may read, as everywhere. `purge` raises a leaf of
    `gateway.errors` where others may have kept pages; this process has forgotten by then.
    """
    blueprint = Blueprint("cache", __name__)

    @blueprint.delete("/cache")
    def purge_cache() -> Response:
        grant = authenticated(callers, PURGE_SCOPE)
        asked: dict[str, int] = PARSER.parse(PurgeQuerySchema(), request, location="query")
        vdns = sorted(grant.vdns)
        if "vdn" in asked:
            grant.require_vdn(asked["vdn"])
            vdns = [asked["vdn"]]
        return _json(PurgeSchema().dump({"purged": _purge_each(purge, vdns), "vdns": vdns}))

    @blueprint.get("/cache/explain")
    def explain_query() -> Response:
        grant = authenticated(callers, EXPLAIN_SCOPE)
        return _json(ExplanationSchema().dump(explain(query_of(grant, tenants))))

    return blueprint


def _purge_each(purge: Callable[[int | None], int], vdns: Iterable[int]) -> int:
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


def _json(document: Any) -> Response:
    return Response(json_bytes(document), mimetype=MEDIA_TYPE, headers={"Cache-Control": "no-store"})
