"""The operations of the OpenAPI document: what each takes, and all that it may answer."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.api.export import EXPORT_PATH, ExportQuerySchema
from gateway.api.export_forms import ExportFormat
from gateway.api.html import SECURITY_HEADERS
from gateway.api.openapi_responses import example_page, headers, own_headers, problem_responses
from gateway.api.problems import PROBLEM_MEDIA_TYPE
from gateway.api.query import CampaignsQuerySchema, PurgeQuerySchema, SummaryQuerySchema
from gateway.api.summary import SUMMARY_PATH
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
_LANGUAGE: Final = {
    "in": "query",
    "name": "lang",
    "required": False,
    "description": "The language of the page, `en` or `zh-CN`, for a link that has to be in one. Left out, or another: "
    "what `Accept-Language` prefers.",
    "schema": {"type": "string"},
    "example": "en",
}
_OF_DOCUMENTS: Final = {"Cross-Origin-Resource-Policy"}
"""What every answer to a document has, a problem too."""
_KEPT: Final = ("Cache-Control", "ETag", "Vary")


def list_campaigns() -> dict[str, Any]:
    """Return `GET /campaigns`."""
    of_page = ("Cache-Control", "Cache-Status", "Campaigns-As-Of", "ETag", "Link", "Preference-Applied", "Vary")
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
        "seconds past its freshness, and none with 0. All else in it is passed over. However many ask, a page is "
        "fetched at most once in a second, or in the time that the operators have set; who asks for a newer one sooner "
        "gets the one of that fetch. "
        "`Prefer: wait=N` beside `If-None-Match` waits for a change (RFC 7240): the answer comes as soon as the page's "
        "tag is another one, else 304 after N seconds, with `Preference-Applied: wait=N`. Meanwhile the page is kept "
        "fresh, by one call to CC-iSales for all who wait, and `Cache-Control` of the request does not count. While "
        "CC-iSales fails it is the same page. At a reload and at the end of a process the answer comes early. Where "
        "the preference is not applied, for want of "
        "`If-None-Match` or because too many wait already, the answer comes at once and without `Preference-Applied`: "
        "wait by yourself before you ask again. Give your HTTP client more time than N, and ask past its cache "
        '(`cache: "no-store"` in browsers, where else a second tab waits for the first).',
        page,
        not_modified=headers(*of_page),
        errors={*leaves(CallerError), *leaves(UpstreamError)} - {NotFound},
        parameters=[{"in": "query", "schema": CampaignsQuerySchema()}],
        accepts=("Accept-Language", "If-None-Match", "Prefer", "X-Request-Timeout-Ms"),
        security=_CREDENTIALS,
    )
    return _counted(operation)


def count_campaigns() -> dict[str, Any]:
    """Return `GET /campaigns/summary`."""
    of_counts = ("Cache-Control", "Cache-Status", "Campaigns-As-Of", "ETag", "Vary")
    operation = _operation(
        "countCampaigns",
        CAMPAIGNS,
        SUMMARY_PATH,
        "Count campaigns",
        "How many campaigns of one VDN there are, by status and by device type. Each count is kept for itself and may "
        "be some seconds older than another; the headers are those of the oldest. `Cache-Control` of the request "
        "counts as for `/campaigns`, for each count.",
        _answer("The counts.", _json("Summary"), *of_counts, "Content-Encoding"),
        not_modified=headers(*of_counts),
        errors={*leaves(CallerError), *leaves(UpstreamError)} - {NotFound},
        parameters=[{"in": "query", "schema": SummaryQuerySchema()}],
        accepts=("Accept-Language", "If-None-Match", "X-Request-Timeout-Ms"),
        security=_CREDENTIALS,
    )
    return _counted(operation)


def get_me() -> dict[str, Any]:
    """Return `GET /me`."""
    return _operation(
        "getMe",
        CAMPAIGNS,
        "/me",
        "Tell what the credentials may do",
        "Whose they are, and which VDNs they may read. Any good credentials will do, with any scopes or none. It "
        "counts against no limit, and no page is looked up for it.",
        _answer("Whose the credentials are, and what they may do.", _json("Caller"), "Cache-Control"),
        errors=[Unauthenticated],
        security=_CREDENTIALS,
    )


def export_campaigns() -> dict[str, Any]:
    """Return `GET /campaigns/export`."""
    of_result = ("Cache-Control", "Cache-Status", "Campaigns-As-Of", "Content-Disposition", "ETag", "Vary")
    of_file = (*of_result, "Accept-Ranges", "Content-Length", "Repr-Digest", "X-Left-Out-Count", "X-Total-Count")
    # Bytes come first: of a string openapi-generator makes clients that read NDJSON as one value of JSON (Java), or do
    # not read it at all (Python). CSV is a string, because openapi-python-client has all that is `text/*` as text.
    files = {each.media_type: {"schema": {"type": "string", "format": "binary"}} for each in ExportFormat}
    del files[ExportFormat.CSV.media_type]["schema"]["format"]
    file = _answer("The file, whole.", files, *of_file, "Content-Encoding")
    part = _answer("The part of the file that `Range` asks for.", files, *of_file, "Content-Encoding", "Content-Range")
    beyond = _problem("No byte of the file is in the range; `Content-Range` tells how many it has.", "Content-Range")
    operation = _operation(
        "exportCampaigns",
        CAMPAIGNS,
        EXPORT_PATH,
        "Download all campaigns",
        "All outbound campaigns of one VDN that the filters leave, as one file: NDJSON, a campaign a line in the shape "
        "of `data`; CSV (RFC 4180, UTF-8, with a header); or a workbook in which every cell is a text, so that long "
        "ids and leading zeros stay. No id comes twice, and a campaign that was there all the time is never missing. "
        "The file is read whole before its first byte is sent, which takes a while: be as patient. Compare its length, "
        "rows or digest with the headers before you call it whole. A result is kept for a minute, for `HEAD`, `Range` "
        "with `If-Range` (parts of the file without gzip), other forms and who asks for the same; `Cache-Control: "
        "no-cache` has it read anew. One at a time is read for a client, and two for a process: else 503 with "
        "`Retry-After`. A result with more rows than are allowed is 400.",
        file,
        not_modified=headers(*of_result),
        others={"206": part, "416": beyond},
        errors={*leaves(CallerError), *leaves(UpstreamError)} - {NotFound},
        parameters=[{"in": "query", "schema": ExportQuerySchema()}],
        accepts=("Accept-Language", "If-None-Match", "If-Range", "Range", "X-Request-Timeout-Ms"),
        security=_CREDENTIALS,
    )
    return _counted(operation)


def purge_cache() -> dict[str, Any]:
    """Return `DELETE /cache`."""
    return _operation(
        "purgeCache",
        CACHE,
        "/cache",
        "End the freshness of pages",
        "Pages become stale in this process and, where the cache is shared, in all that share it: the next caller of "
        "each waits for a new one, and gets the old one where CC-iSales fails or is slow. With `hard=true` they are "
        "forgotten, and a fetch that is under way does not bring one back. The others hear of it at once, or within "
        "half a second where Redis refuses to pass news on. Where the shared cache cannot be reached, this process "
        "does its part all the same, and the answer is 500 (`internal-error`) with `Retry-After`: purge again then. "
        "Needs the scope `cache:purge`.",
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
    in_words: dict[str, Any] = {
        "not_modified": headers(*of_a_page),
        "accepts": ("Accept-Language", "If-None-Match"),
    }

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
            _answer("A page for people.", only_html, *of_a_page, "Content-Encoding", "Content-Language"),
            parameters=[_LANGUAGE],
            **in_words,
        ),
        "/console": _operation(
            "readConsole",
            DOCUMENTATION,
            "/console",
            "A page for people who look after campaigns",
            "It asks the operations above with the credentials that its user gives it, and shows what they answer.",
            _answer("A page for people.", only_html, *of_a_page, "Content-Encoding", "Content-Language"),
            **in_words,
        ),
        "/problems": _operation(
            "listProblems",
            DOCUMENTATION,
            "/problems",
            "All kinds of problems",
            "Every kind of problem with its meaning and its remedy.",
            explanation("ProblemList"),
            errors=[NotAcceptable],
            parameters=[_LANGUAGE],
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
            parameters=[_PROBLEM_NAME, _LANGUAGE],
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
        changed = "The representation has changed: it is not the one that `If-Match` names."
        responses["412"] = _problem(changed, *not_modified.keys() & _OF_DOCUMENTS)
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "description": description,
        "parameters": [*parameters, *accepts, "X-Request-Id"],
        "responses": {**responses, **others, **problem_responses(path, errors)},
        "security": list(security),
    }


def _counted(operation: dict[str, Any]) -> dict[str, Any]:
    """Return an operation whose requests count against the limit of a client."""
    for status, response in operation["responses"].items():
        # Callers that nobody knows have no limit, and other methods do not count.
        if status not in {"401", "405"}:
            response["headers"].update(headers("RateLimit", "RateLimit-Policy"))
    return operation


def _answer(description: str, content: dict[str, Any], *header_names: str) -> dict[str, Any]:
    return {"description": description, "headers": headers(*header_names), "content": content}


def _problem(description: str, *header_names: str) -> dict[str, Any]:
    """Return an answer with a problem of which the status says all."""
    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return _answer(description, content, "Cache-Control", "Content-Language", "Vary", *header_names)


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
