"""The operations of the OpenAPI document: what each takes, and all that it may answer."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.api.html import SECURITY_HEADERS
from gateway.api.openapi_responses import example_page, headers, own_headers, problem_responses
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

CAMPAIGNS: Final = "Campaigns"
CACHE: Final = "Cache"
OPERATIONS: Final = "Operations"
DOCUMENTATION: Final = "Documentation"

_CREDENTIALS: Final[tuple[dict[str, list[str]], ...]] = ({"ApiKey": []}, {"Bearer": []})
_PROBLEM_NAME: Final = {
    "in": "path",
    "name": "name",
    "required": True,
    "description": "The last part of a problem's `type`.",
    "schema": {"$ref": "#/components/schemas/ProblemName"},
    "example": NotFound.name,
}
_KEPT: Final = ("Cache-Control", "ETag", "Vary")


def list_campaigns() -> dict[str, Any]:
    """Return `GET /campaigns`."""
    of_page = ("Cache-Control", "Cache-Status", "Campaigns-As-Of", "ETag", "Link", "Vary")
    page = _answer("One page of campaigns.", _json("CampaignPage"), *of_page, "Content-Encoding")
    page["content"]["application/json"]["examples"] = {
        "sample": {"summary": "Three campaigns", "value": example_page()},
    }
    operation = _operation(
        "listCampaigns",
        CAMPAIGNS,
        "/campaigns",
        "List campaigns",
        "One page of the outbound campaigns of one VDN, in CC-iSales' order. Filters narrow the list together. "
        "`begins_from` after `ends_to` gives 400 (`invalid-parameters`), although each is valid by itself. What the "
        "cache may answer with is the caller's to say in `Cache-Control` of the request (RFC 9111, section 5.2.1): "
        "`max-age=N`, no page older than N seconds; `no-cache`, a page that is fetched from now on; `only-if-cached`, "
        "a page at hand, however old, else 504 (`not-cached`); `stale-if-error=N`, in trouble no page older than N "
        "seconds past its freshness, and none with 0. All else in it is passed over. No page is fetched more often "
        "than `cache.min_refresh_s` allows; who asks for a newer one sooner gets the one of that fetch.",
        page,
        not_modified=headers(*of_page),
        errors={*leaves(CallerError), *leaves(UpstreamError)} - {NotFound},
        parameters=[{"in": "query", "schema": CampaignsQuerySchema()}],
        accepts=("Accept-Language", "If-None-Match", "X-Request-Timeout-Ms"),
        security=_CREDENTIALS,
    )
    for status, response in operation["responses"].items():
        # Callers that nobody knows have no limit, and other methods do not count.
        if status not in {"401", "405"}:
            response["headers"].update(headers("RateLimit", "RateLimit-Policy"))
    return operation


def purge_cache() -> dict[str, Any]:
    """Return `DELETE /cache`."""
    return _operation(
        "purgeCache",
        CACHE,
        "/cache",
        "End the freshness of pages",
        "Pages become stale in this process and, where the cache is shared, in all that share it: the next caller of "
        "each waits for a new one, and gets the old one where CC-iSales fails or is slow. With `hard=true` they are "
        "forgotten, and a fetch that is under way does not bring one back. Where the shared cache cannot be reached, "
        "this process does its part all the same, and the answer is 500 (`internal-error`) with `Retry-After`: purge "
        "again then. Needs the scope `cache:purge`.",
        _answer("The pages are stale, or forgotten.", _json("Purge"), "Cache-Control"),
        errors=[InvalidParameters, Unauthenticated, Forbidden],
        parameters=[{"in": "query", "schema": PurgeQuerySchema()}],
        security=_CREDENTIALS,
    )


def explain_query() -> dict[str, Any]:
    """Return `GET /cache/explain`."""
    return _operation(
        "explainQuery",
        CACHE,
        "/cache/explain",
        "Tell what is kept for a query",
        "Takes the parameters of `/campaigns` and tells what is kept for them, without asking CC-iSales. Needs the "
        "scope `diagnostics:read`.",
        _answer("What is kept.", _json("Explanation"), "Cache-Control"),
        errors=[InvalidParameters, Unauthenticated, Forbidden],
        parameters=[{"in": "query", "schema": CampaignsQuerySchema()}],
        security=_CREDENTIALS,
    )


def health_operations() -> dict[str, dict[str, Any]]:
    """Return the GET operations that tell how the gateway is, by path."""
    # Told in front of the app, so that it waits for no other request; there are no ids there.
    draining = {
        "description": "This process is about to end.",
        "headers": own_headers("Cache-Control", "X-Content-Type-Options"),
        "content": _json("Draining"),
    }
    return {
        "/healthz": _operation(
            "checkHealth",
            OPERATIONS,
            "/healthz",
            "Whether the process is up",
            "Answers as long as the process does.",
            _answer("The process is up.", _json("Health"), "Cache-Control"),
        ),
        "/readyz": _operation(
            "checkReadiness",
            OPERATIONS,
            "/readyz",
            "Whether traffic may come, and how the dependencies are",
            "A dependency that fails does not keep traffic away: pages that are at hand are still served. CC-iSales is "
            "not called for this; what is told of it is how the latest fetches ended.",
            _answer("Traffic may come.", _json("Readiness"), "Cache-Control"),
            others={"503": draining},
        ),
        "/metrics": _operation(
            "getMetrics",
            OPERATIONS,
            "/metrics",
            "The numbers, for Prometheus",
            "All numbers of this process and of its server's other workers, in Prometheus' text format, or as "
            "OpenMetrics 1.0 where `Accept` likes that better, in gzip where that is asked for.",
            _answer(
                "The numbers.",
                {
                    "text/plain": {"schema": {"type": "string"}},
                    "application/openmetrics-text": {"schema": {"type": "string"}},
                },
                "Cache-Control",
                "Content-Encoding",
                "Vary",
            ),
        ),
    }


def documentation_operations() -> dict[str, dict[str, Any]]:
    """Return the GET operations that tell of the API, by path."""
    of_this = (*_KEPT, "Cross-Origin-Resource-Policy")
    of_a_page = (*_KEPT, *SECURITY_HEADERS)
    # Without a schema: told that a page is a string, openapi-generator's client for Java reads it as one of JSON.
    only_html: dict[str, Any] = {"text/html": {}}
    # With one: beside JSON, what has no type would take the type of that away in TypeScript.
    html = {"text/html": {"schema": {"type": "string"}}}
    this: dict[str, Any] = {"not_modified": headers(*of_this), "accepts": ("If-None-Match",)}
    page: dict[str, Any] = {"not_modified": headers(*of_a_page), "accepts": ("If-None-Match",)}
    in_words: dict[str, Any] = {**page, "accepts": ("Accept-Language", "If-None-Match")}

    def explanation(schema: str) -> dict[str, Any]:
        # JSON comes first because programs take the first; a generated client does not know what to do with a page.
        words = "The same as a page for people where `Accept` names `text/html`."
        return _answer(words, {**_json(schema), **html}, *of_a_page, "Content-Encoding", "Content-Language")

    to_people = {
        "description": "A browser, which names `text/html`, is sent to the page for people.",
        "headers": headers("Cache-Control", "Location", "Vary"),
    }
    return {
        "/": _operation(
            "listPlaces",
            DOCUMENTATION,
            "/",
            "Where things are",
            "Each place by what it is, as a relative reference.",
            _answer("Where things are.", _json("Places"), *_KEPT),
            not_modified=headers(*_KEPT),
            accepts=("If-None-Match",),
            others={"302": to_people},
        ),
        "/openapi.json": _operation(
            "getApiDocument",
            DOCUMENTATION,
            "/openapi.json",
            "This document",
            "The API as OpenAPI 3.1.",
            _answer("This document.", _json("ApiDocument"), *of_this, "Content-Encoding"),
            **this,
        ),
        "/docs": _operation(
            "readDocs",
            DOCUMENTATION,
            "/docs",
            "This document, to read and to try",
            "A page for people, made of this document.",
            _answer("A page for people.", only_html, *of_a_page, "Content-Encoding"),
            **page,
        ),
        "/problems": _operation(
            "listProblems",
            DOCUMENTATION,
            "/problems",
            "All kinds of problems",
            "Every kind of problem with its meaning and its remedy.",
            explanation("ProblemList"),
            errors=[NotAcceptable],
            **in_words,
        ),
        "/problems/{name}": _operation(
            "explainProblem",
            DOCUMENTATION,
            f"/problems/{NotFound.name}",
            "What one kind of problem means, and what to do",
            "What the `type` of a problem leads to.",
            explanation("ProblemDescription"),
            errors=[NotFound, NotAcceptable],
            parameters=[_PROBLEM_NAME],
            **in_words,
        ),
    }


def _operation(
    name: str,
    tag: str,
    path: str,
    summary: str,
    description: str,
    answer: dict[str, Any],
    *,
    not_modified: dict[str, Any] | None = None,
    others: Mapping[str, Any] = MappingProxyType({}),
    errors: Iterable[type[GatewayError]] = (),
    parameters: Iterable[dict[str, Any]] = (),
    accepts: Iterable[str] = (),
    security: Iterable[dict[str, list[str]]] = (),
) -> dict[str, Any]:
    """Return an operation. `name` is a verb, as what code generators make of it; `path` is one that may be asked for.

    Without `security` it is open, which the document has to say: left out, it would mean nothing.
    """
    responses = {"200": answer}
    if not_modified is not None:
        responses["304"] = {"description": "The caller holds this already (`If-None-Match`).", "headers": not_modified}
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "parameters": [*parameters, *accepts, "X-Request-Id"],
        "responses": {**responses, **others, **problem_responses(path, errors)},
        "security": list(security),
    }


def _answer(description: str, content: dict[str, Any], *header_names: str) -> dict[str, Any]:
    return {"description": description, "headers": headers(*header_names), "content": content}


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
