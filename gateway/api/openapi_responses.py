"""The parts of answers that the OpenAPI document describes: headers, problems and examples."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from gateway.api.deadline import MOST_MS
from gateway.api.html import SECURITY_HEADERS
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

HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "Age": {
        "description": "Seconds since CC-iSales gave this page (RFC 9111).",
        "schema": {"type": "integer", "minimum": 0},
        "example": 4,
    },
    "Allow": {
        "description": "The methods that this path takes.",
        "schema": {"type": "string"},
        "example": "GET, HEAD, OPTIONS",
    },
    "Cache-Control": {
        "description": "How long the answer may be kept, and by whom. Problems are not to be kept.",
        "schema": {"type": "string"},
        "example": "private, max-age=11",
    },
    "Cache-Status": {
        "description": "Where the page came from (RFC 9211); the gateway's cache is named `campaign-gateway`. A page "
        "that is served stale has a `ttl` below 0 and a `detail`: `stale-while-revalidate` while it is being "
        "refreshed, or the problem that keeps CC-iSales from giving a newer one.",
        "schema": {"type": "string"},
        "example": "campaign-gateway; hit; ttl=11",
    },
    "Content-Encoding": {
        "description": "`gzip` when the caller accepts it and the body is long enough; else absent.",
        "schema": {"type": "string", "enum": ["gzip"]},
        "example": "gzip",
    },
    "Content-Security-Policy": {
        "description": "On pages for people: nothing from elsewhere, no inline script, no frame around them.",
        "schema": {"type": "string"},
        "example": SECURITY_HEADERS["Content-Security-Policy"],
    },
    "Cross-Origin-Resource-Policy": {
        "description": "Pages of other origins cannot embed this answer.",
        "schema": {"type": "string", "enum": ["same-origin"]},
        "example": "same-origin",
    },
    "ETag": {
        "description": "A strong validator: equal for equal bytes. Send it back in `If-None-Match`.",
        "schema": {"type": "string"},
        "example": '"0f343b0931126a20f133d67c2b018a3b"',
    },
    "Link": {
        "description": "Relative references to the `first`, `prev`, `next` and `last` page with the same parameters "
        "(RFC 8288). `last` is absent when the total is not known, or beyond what `page` may be.",
        "schema": {"type": "string"},
        "example": '</campaigns?vdn=1&page=1>; rel="first", </campaigns?vdn=1&page=2>; rel="next"',
    },
    "RateLimit": {
        "description": "What a client has left that has a limit (draft-ietf-httpapi-ratelimit-headers-11): `r` more "
        "requests within the next `t` seconds. On all answers that count, problems too; on none from a fresh page.",
        "schema": {"type": "string"},
        "example": '"default";r=59;t=60',
    },
    "RateLimit-Policy": {
        "description": "The limit: `q` requests in any `w` seconds. It stands where `RateLimit` does.",
        "schema": {"type": "string"},
        "example": '"default";q=60;w=60',
    },
    "Referrer-Policy": {
        "description": "On pages for people: links from them tell nobody where they were followed.",
        "schema": {"type": "string", "enum": ["no-referrer"]},
        "example": "no-referrer",
    },
    "Retry-After": {
        "description": "Seconds after which another try makes sense.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 5,
    },
    "Server-Timing": {
        "description": "Where the time went, in milliseconds.",
        "schema": {"type": "string"},
        "example": "cache-hit;dur=0.2, total;dur=0.9",
    },
    "Vary": {
        "description": "The request headers that the answer depends on.",
        "schema": {"type": "string"},
        "example": "Accept, Accept-Encoding, Authorization, X-API-Key",
    },
    "WWW-Authenticate": {
        "description": "How to send credentials: a field for API keys, and one for bearer tokens where they are taken, "
        "which says what is wrong with the token that came (RFC 6750). With 403 only where a token lacks a scope.",
        "schema": {"type": "string"},
        "example": 'ApiKey realm="campaign-gateway", header="X-API-Key"',
    },
    "X-Content-Type-Options": {
        "description": "Browsers are not to guess another media type than `Content-Type`.",
        "schema": {"type": "string", "enum": ["nosniff"]},
        "example": "nosniff",
    },
    "X-Frame-Options": {
        "description": "On pages for people: for browsers that do not know `frame-ancestors`.",
        "schema": {"type": "string", "enum": ["DENY"]},
        "example": "DENY",
    },
    "X-Request-Id": {
        "description": "The caller's `X-Request-Id` if it was a sane one, else a new one. It is in the logs.",
        "schema": {"type": "string"},
        "example": "5f0c6a1e9d3b4f6f8f0f3c2f7a1d9b10",
    },
}

REQUEST_HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "Accept-Encoding": {
        "description": "The content codings that the caller takes; `gzip` is used where it is worth it.",
        "schema": {"type": "string", "examples": ["gzip"]},
    },
    "Accept-Language": {
        "description": "The language of what CC-iSales says in problems: `zh-CN` or `en-US`. Left out: the one set for "
        "the VDN.",
        "schema": {"type": "string", "examples": ["en-US"]},
    },
    "If-None-Match": {
        "description": "The `ETag` of an answer that the caller holds. While it is what would be sent, the answer is "
        "304 without a body. Each content coding has an `ETag` of its own.",
        "schema": {"type": "string", "examples": ['"0f343b0931126a20f133d67c2b018a3b"']},
    },
    "X-Request-Id": {
        "description": "An id under which the caller finds the request again; kept if it is 1 to 128 of the characters "
        "`A-Z a-z 0-9 . _ ~ + / = @ : -`, else replaced by a new one.",
        "schema": {"type": "string", "examples": ["5f0c6a1e9d3b4f6f8f0f3c2f7a1d9b10"]},
    },
    "X-Request-Timeout-Ms": {
        "description": "Whole milliseconds that the caller is going to wait, where that is less than the gateway would "
        "(`isales.deadline_s`). A short one gives 504 where no page is at hand. Any other value is ignored.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST_MS, "examples": [2000]},
    },
}
"""Request headers that are no credentials. OpenAPI 3.1 has `Accept` described by the media types of the answers."""

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
                "headers": headers("Cache-Control"),
                "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
            },
        )
        response["description"] += f"{error.title}: [{error.name}](/problems/{error.name}). "
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
