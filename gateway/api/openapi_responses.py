"""The answers that the OpenAPI document tells of: their headers, problems and examples."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from gateway.api.openapi_headers import HEADERS
from gateway.api.problems import PROBLEM_MEDIA_TYPE, problem_body
from gateway.api.public import page_body
from gateway.api.query import parse_campaigns_query
from gateway.errors import (
    Forbidden,
    GatewayError,
    InternalError,
    InvalidParameters,
    MethodNotAllowed,
    RateLimited,
    Unauthenticated,
    UpstreamFailed,
    UpstreamForbidden,
    UpstreamOverloaded,
    UpstreamRejectedParameters,
    UpstreamResult,
)
from gateway.model import Campaign, CampaignPage, CampaignStatus, DeviceType

_ALSO: Final[Mapping[type[GatewayError], str]] = {
    Forbidden: "WWW-Authenticate",
    InternalError: "Retry-After",
    MethodNotAllowed: "Allow",
    RateLimited: "Retry-After",
    Unauthenticated: "WWW-Authenticate",
    UpstreamForbidden: "Retry-After",
    UpstreamOverloaded: "Retry-After",
}
_OF_EVERY_ANSWER: Final = ("Server-Timing", "X-Content-Type-Options", "X-Request-Id")
_OF_EVERY_ENDPOINT: Final = (MethodNotAllowed, InternalError)
_DAY: Final = (datetime(2018, 11, 30, tzinfo=UTC), datetime(2018, 11, 30, 23, 59, 59, tzinfo=UTC))
_EXAMPLE_PAGE: Final = CampaignPage(
    campaigns=(
        Campaign(3, "666", CampaignStatus.DRAFT, DeviceType.PREDICTIVE, *_DAY, "10080"),
        Campaign(4, "666333696", CampaignStatus.DRAFT, DeviceType.PREDICTIVE, *_DAY, "10080"),
        Campaign(
            id=2,
            name="SAAS_JST",
            status=CampaignStatus.PAUSED,
            device_type=DeviceType.PREDICTIVE,
            begins_at=datetime(2018, 11, 29, tzinfo=UTC),
            ends_at=datetime(2018, 12, 8, 23, 59, 59, tzinfo=UTC),
            caller_number="10080",
        ),
    ),
    number=1,
    size=10,
    total_items=3,
    skill_queue_total=3,
    ivr_total=0,
)


def headers(*names: str) -> dict[str, Any]:
    """Return the headers of one answer by reference to the document's components, with those that all have."""
    return own_headers(*{*names, *_OF_EVERY_ANSWER})


def own_headers(*names: str) -> dict[str, Any]:
    """Return the headers of one answer by reference, where it has none but these."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in sorted(names)}


def example_page() -> Any:
    """Return the page of the vendor's own sample as callers get it, as JSON data."""
    return json.loads(page_body(_EXAMPLE_PAGE))


def problem_responses(path: str, errors: Iterable[type[GatewayError]]) -> dict[str, Any]:
    """Return the answers by status for `errors` and those that every endpoint has, an example for each problem."""
    responses: dict[str, Any] = {}
    kinds: set[type[GatewayError]] = {*errors, *_OF_EVERY_ENDPOINT}
    for error in sorted(kinds, key=lambda kind: (kind.status, kind.name)):
        response = responses.setdefault(
            str(error.status),
            {
                "description": "",
                "headers": headers("Cache-Control", "Content-Language", "Vary"),
                "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
            },
        )
        # Relative to the document and to `/docs`, like `servers`.
        response["description"] += f"{error.title}: [{error.name}](problems/{error.name}). "
        if error in _ALSO:
            response["headers"].update(headers(_ALSO[error]))
        response["content"][PROBLEM_MEDIA_TYPE]["examples"][error.name] = {
            "summary": error.title,
            "value": json.loads(problem_body(_example(error), path, HEADERS["X-Request-Id"]["example"])),
        }
    for response in responses.values():
        response["description"] = response["description"].strip()
    return responses


def _example(error: type[GatewayError]) -> GatewayError:
    if error is InvalidParameters:
        try:
            parse_campaigns_query("page_size=101&stauts=running")
        except InvalidParameters as refusal:
            return refusal
    upstream: dict[type[GatewayError], UpstreamResult] = {
        UpstreamRejectedParameters: UpstreamResult("02000002", "The parameter contains illegal characters."),
        UpstreamFailed: UpstreamResult("0200006", "Database error."),
    }
    return error(error.meaning, upstream=upstream.get(error))
