"""`GET /me`: what the credentials of a request may do, for pages and programs that were given nothing but them."""

from collections.abc import Mapping

from flask import Blueprint, Response

from gateway.access.callers import Callers
from gateway.access.clients import Grant
from gateway.api.campaigns import identified
from gateway.api.document import unkept_json
from gateway.api.public import CallerSchema, Credential
from gateway.settings import Tenant

PATH = "/me"


def me_blueprint(callers: Callers, tenants: Mapping[int, Tenant]) -> Blueprint:
    """Return the endpoint. It takes any good credentials, also those that may do nothing, and counts against no limit.

    Whose it is depends on the credentials alone, so nobody is to keep the answer (`no-store`).
    """
    blueprint = Blueprint("me", __name__)

    @blueprint.get(PATH)
    def get_me() -> Response:
        return unkept_json(CallerSchema().dump(_rights(identified(callers), tenants)))

    return blueprint


def _rights(grant: Grant, tenants: Mapping[int, Tenant]) -> Mapping[str, object]:
    return {
        "client": grant.client,
        "credential": Credential.TOKEN if grant.bearer else Credential.API_KEY,
        "vdns": [
            {"vdn": vdn, "name": tenants[vdn].name, "time_zone": tenants[vdn].time_zone.key}
            for vdn in sorted(grant.vdns)
        ],
        "scopes": sorted(grant.scopes),
        "requests_per_minute": grant.requests_per_minute or None,
    }
