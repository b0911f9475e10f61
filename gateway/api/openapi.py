"""The OpenAPI 3.1 document, made from the schemas that read queries and write answers."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from gateway import __version__
from gateway.api.html import SECURITY_HEADERS
from gateway.api.openapi_responses import (
    HEADERS,
    REQUEST_HEADERS,
    example_page,
    headers,
    own_headers,
    problem_responses,
)
from gateway.api.public import CampaignPageSchema, ExplanationSchema, ProblemSchema, PurgeSchema
from gateway.api.query import CampaignsQuerySchema, PurgeQuerySchema
from gateway.errors import (
    CallerError,
    Forbidden,
    GatewayError,
    InvalidParameters,
    NotAcceptable,
    NotFound,
    Unauthenticated,
    UpstreamError,
    leaves,
)

_DESCRIPTION: Final = """\
The outbound campaigns of Huawei CC-iSales, one page at a time, over a cache.

- **Credentials** are an API key in the header `X-API-Key` or, where the operators have named an identity provider, one
  of its tokens in `Authorization: Bearer ...` (RFC 6750). One of the two, and never in the URL.
- **Parameters** are read strictly: one that is unknown, repeated, empty without need, malformed or out of range gives
  400, as do `begins_from` after `ends_to` and more than 50 parameters. The answer lists all faults at once, of 50
  parameters at most.
- **Times** are RFC 3339. Answers are in UTC; questions may have any offset.
- **Errors** are problem details (RFC 9457). Their `type` is a page that explains them; `/problems` lists all.
- **HEAD** works wherever GET does. **OPTIONS** works everywhere, without credentials: 204, and `Allow` lists the
  methods of the path.
- **Accept** has to allow the media type of the answer where there is a 406 below. Problems are always sent as
  `application/problem+json`. An `Accept`, `Accept-Encoding` or `Accept-Language` of more than 1,000 characters counts
  as absent.
- **Limits**: a client may have one on requests to `/campaigns` in any minute. What a fresh page answers does not count
  and is answered even over the limit (`Cache-Status` has a `ttl` of 0 or more then); all else counts, refused queries
  too. Answers that count have `RateLimit` and `RateLimit-Policy`; over the limit there is 429 with `Retry-After`.
- **X-Request-Id** comes back with every answer but that of a preflight and the 503 of `/readyz`, and is in the logs.
- **Browsers**: pages of the origins in `http.cors_origins` may read campaigns, this document and all problems, with
  credentials in the headers above. Cookies are never looked at. Preflights are answered with 204.
"""
_CREDENTIALS: Final[tuple[dict[str, list[str]], ...]] = ({"ApiKey": []}, {"Bearer": []})
_HEALTH: Final = {
    "type": "object",
    "description": "The process is up.",
    "required": ["status"],
    "properties": {"status": {"type": "string", "enum": ["ok"], "description": "Always `ok`: it answers."}},
}
_DEPENDENCY: Final = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "string", "description": "`ok`, `failing`, `unknown` or `off`."},
        "release": {"type": "string", "description": "Of `time_zones`: which release of the IANA database is used."},
    },
}
_READINESS: Final = {
    "type": "object",
    "description": "Whether traffic may come, and how the dependencies are.",
    "required": ["status", "dependencies"],
    "properties": {
        "status": {
            "type": "string",
            "enum": ["ready", "degraded"],
            "description": "`degraded` when a dependency fails. Traffic may come all the same.",
        },
        "dependencies": {
            "type": "object",
            "description": "One entry for each dependency.",
            "additionalProperties": _DEPENDENCY,
        },
    },
}
_PROBLEM_NAME: Final = {
    "in": "path",
    "name": "name",
    "required": True,
    "description": "The last part of a problem's `type`.",
    "schema": {"type": "string", "enum": [error.name for error in leaves()]},
}


def openapi_document() -> dict[str, Any]:
    """Return the document as JSON data."""
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: type(schema).__name__.removesuffix("Schema"))
    spec = APISpec("Campaign Gateway", __version__, "3.1.0", info={"description": _DESCRIPTION}, plugins=[plugin])
    spec.components.schema("CampaignPage", schema=CampaignPageSchema())
    spec.components.schema("Problem", schema=ProblemSchema())
    spec.components.schema("Purge", schema=PurgeSchema())
    spec.components.schema("Explanation", schema=ExplanationSchema())
    spec.components.schema("Health", _HEALTH)
    spec.components.schema("Readiness", _READINESS)
    for name, header in HEADERS.items():
        spec.components.header(name, header)
    for name, header in REQUEST_HEADERS.items():
        spec.components.parameter(name, "header", {"name": name, **header})
    spec.components.security_scheme(
        "ApiKey", {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The key of one client."}
    )
    spec.components.security_scheme(
        "Bearer",
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of the company's identity provider (RFC 9068), if one is set up.",
        },
    )
    spec.path("/campaigns", operations={"get": _campaigns()})
    for path, operation in _open_operations().items():
        spec.path(path, operations={"get": operation})
    spec.path("/cache", operations={"delete": _purge()})
    spec.path("/cache/explain", operations={"get": _explain()})
    document: dict[str, Any] = spec.to_dict()
    return document


def _campaigns() -> dict[str, Any]:
    of_page = ("Age", "Cache-Control", "Cache-Status", "ETag", "Link", "Vary")
    page = _answer("One page of campaigns.", {"application/json": _json("CampaignPage")}, *of_page, "Content-Encoding")
    page["content"]["application/json"]["examples"] = {
        "sample": {"summary": "Three campaigns", "value": example_page()},
    }
    operation = _operation(
        "/campaigns",
        "List campaigns",
        page,
        not_modified=headers(*of_page),
        errors={*leaves(CallerError), *leaves(UpstreamError)} - {NotFound},
        parameters=[{"in": "query", "schema": CampaignsQuerySchema()}],
        accepts=("Accept-Encoding", "Accept-Language", "If-None-Match", "X-Request-Timeout-Ms"),
    )
    operation["description"] = (
        "One page of the outbound campaigns of one VDN, in CC-iSales' order. Filters narrow the list together. "
        "`begins_from` after `ends_to` gives 400 (`invalid-parameters`), although each is valid by itself."
    )
    for status, response in operation["responses"].items():
        # Callers that nobody knows have no limit, and other methods do not count.
        if status not in {"401", "405"}:
            response["headers"].update(headers("RateLimit", "RateLimit-Policy"))
    operation["security"] = list(_CREDENTIALS)
    return operation


def _purge() -> dict[str, Any]:
    operation = _operation(
        "/cache",
        "Forget pages",
        _answer("The pages are forgotten.", {"application/json": _json("Purge")}, "Cache-Control"),
        errors=[InvalidParameters, Unauthenticated, Forbidden],
        parameters=[{"in": "query", "schema": PurgeQuerySchema()}],
    )
    operation["description"] = (
        "Pages are forgotten in this process and, where the cache is shared, in all that share it; a fetch that is "
        "under way does not bring one back. Where the shared cache cannot be reached, this process "
        "forgets all the same, and the answer is 500 (`internal-error`) with `Retry-After`: purge again then. Needs "
        "the scope `cache:purge`."
    )
    operation["security"] = list(_CREDENTIALS)
    return operation


def _explain() -> dict[str, Any]:
    operation = _operation(
        "/cache/explain",
        "Tell what is kept for a query",
        _answer("What is kept.", {"application/json": _json("Explanation")}, "Cache-Control"),
        errors=[InvalidParameters, Unauthenticated, Forbidden],
        parameters=[{"in": "query", "schema": CampaignsQuerySchema()}],
    )
    operation["description"] = (
        "Takes the parameters of `/campaigns` and tells what is kept for them, without asking CC-iSales. Needs the "
        "scope `diagnostics:read`."
    )
    operation["security"] = list(_CREDENTIALS)
    return operation


def _open_operations() -> dict[str, dict[str, Any]]:
    """Return the GET operations that need no credentials, by path."""
    health = _answer("The process is up.", {"application/json": _json("Health")}, "Cache-Control")
    readiness = _answer("Traffic may come.", {"application/json": _json("Readiness")}, "Cache-Control")
    ending = {"type": "object", "properties": {"status": {"type": "string", "enum": ["draining"]}}}
    # Told in front of the app, so that it waits for no other request; there are no ids there.
    draining = {
        "description": "This process is about to end.",
        "headers": own_headers("Cache-Control", "X-Content-Type-Options"),
        "content": {"application/json": {"schema": ending}},
    }
    metrics = _answer("The numbers.", {"text/plain": {"schema": {"type": "string"}}}, "Cache-Control")
    kept = ("Cache-Control", "ETag", "Vary")
    of_this = (*kept, "Cross-Origin-Resource-Policy")
    json_object = {"application/json": {"schema": {"type": "object"}}}
    document = _answer("This document.", json_object, *of_this, "Content-Encoding")
    html = {"text/html": {"schema": {"type": "string"}}}
    of_a_page = (*kept, *SECURITY_HEADERS)
    docs = _answer("A page for people.", html, *of_a_page, "Content-Encoding")
    explanation = _answer(
        "A page for people, or the same as JSON for those who prefer it.",
        {**html, **json_object},
        *of_a_page,
        "Content-Encoding",
    )
    comparing = ("Accept-Encoding", "If-None-Match")
    this: dict[str, Any] = {"not_modified": headers(*of_this), "accepts": comparing}
    page: dict[str, Any] = {"not_modified": headers(*of_a_page), "accepts": comparing}
    return {
        "/healthz": _operation("/healthz", "Whether the process is up", health),
        "/readyz": _operation(
            "/readyz", "Whether traffic may come, and how the dependencies are", readiness, others={"503": draining}
        ),
        "/metrics": _operation("/metrics", "The numbers, for Prometheus", metrics),
        "/openapi.json": _operation("/openapi.json", "This document", document, **this),
        "/docs": _operation("/docs", "This document, to read and to try", docs, **page),
        "/problems": _operation("/problems", "All kinds of problems", explanation, errors=[NotAcceptable], **page),
        "/problems/{name}": _operation(
            "/problems/{name}",
            "What one kind of problem means, and what to do",
            explanation,
            errors=[NotFound, NotAcceptable],
            parameters=[_PROBLEM_NAME],
            **page,
        ),
    }


def _operation(
    path: str,
    summary: str,
    answer: dict[str, Any],
    *,
    not_modified: dict[str, Any] | None = None,
    others: Mapping[str, Any] = MappingProxyType({}),
    errors: Iterable[type[GatewayError]] = (),
    parameters: Iterable[dict[str, Any]] = (),
    accepts: Iterable[str] = (),
) -> dict[str, Any]:
    responses = {"200": answer}
    if not_modified is not None:
        responses["304"] = {"description": "The caller holds this already (`If-None-Match`).", "headers": not_modified}
    return {
        "operationId": re.sub("[^a-z]+", "_", path).strip("_"),
        "summary": summary,
        "parameters": [*parameters, *accepts, "X-Request-Id"],
        "responses": {**responses, **others, **problem_responses(path, errors)},
    }


def _answer(description: str, content: dict[str, Any], *header_names: str) -> dict[str, Any]:
    return {"description": description, "headers": headers(*header_names), "content": content}


def _json(schema: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{schema}"}}
