"""The OpenAPI 3.1 document, made from the schemas that read queries and write answers.

It is read by programs before people: generators make clients of it, in languages with narrow numbers and closed
enumerations. So every type has one form, numbers have formats, enumerations have names, and answers are open.
"""

from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from gateway import __version__
from gateway.api import openapi_operations as operations
from gateway.api.export import EXPORT_PATH
from gateway.api.openapi_headers import HEADERS, REQUEST_HEADERS
from gateway.api.openapi_schemas import ENUMERATIONS, SCHEMAS
from gateway.api.public import CallerSchema, CampaignPageSchema, ExplanationSchema, ProblemSchema, PurgeSchema
from gateway.api.public_summary import SummarySchema
from gateway.api.summary import SUMMARY_PATH

_DESCRIPTION: Final = """\
The outbound campaigns of Huawei CC-iSales, one page at a time, over a cache.

- **Credentials** are an API key in the header `X-API-Key` or, where the operators have named an identity provider, one
  of its tokens in `Authorization: Bearer ...` (RFC 6750). One of the two, and never in the URL.
- **Parameters** are read strictly: one that is unknown, repeated, empty without need, malformed or out of range gives
  400, as do `begins_from` after `ends_to` and more than 50 parameters. The answer lists all faults at once, of 50
  parameters at most.
- **Times** are RFC 3339. Answers are in UTC; questions may have any offset.
- **Errors** are problem details (RFC 9457). Their `type` is a page that explains them, relative to the URL that was
  asked for; its last segment is the name of the kind. `/problems` lists all.
- **Coding**: a body of 1 KiB or more comes in gzip to those whose `Accept-Encoding` asks for it. Let the HTTP client
  send that header by itself, so that it unpacks the answer too.
- **Accept-Language** that prefers Chinese (`zh`) gets the words of problems, and the pages for people, in Chinese;
  names and members stay. It changes no page of campaigns. `?lang=en` and `?lang=zh-CN` choose the language of a page.
- **HEAD** works wherever GET does. **OPTIONS** works everywhere, without credentials: 204, and `Allow` lists the
  methods of the path.
- **Accept** has to allow the media type of the answer where an operation lists a 406. Problems are always sent as
  `application/problem+json`. An `Accept`, `Accept-Encoding` or `Accept-Language` of more than 1,000 characters counts
  as absent.
- **Limits**: a client may have one on requests for pages, counts and exports in any minute. What is answered by a fresh
  page, fresh counts or an export that is kept does not count and is answered even over the limit (`Cache-Status` is a
  `hit` without `detail` then); all else counts, refused queries too. Answers that count have `RateLimit`
  and `RateLimit-Policy`; over the limit there is 429 with `Retry-After`.
- **X-Request-Id** comes back with every answer but that of a preflight and the 503 of `/readyz`, and is in the logs.
- **Caching**: `Cache-Control` of requests to `/campaigns` says how old a page may be, and that of answers for how long
  it is good. `Cache-Status` and `Campaigns-As-Of` tell how old it is.
- **Waiting for changes**: `Prefer: wait=N` beside `If-None-Match` on `/campaigns` (RFC 7240).
- **Browsers**: pages of the origins that the operators have listed may read campaigns, this document and all problems,
  with credentials in the headers above. Cookies are never looked at. Preflights are answered with 204.
- **Generated clients**: answers may have more fields one day, and enumerations of answers more words, in a later
  version of this document. openapi-generator makes clients that go on then with
  `disallowAdditionalPropertiesIfNotPresent=false,enumUnknownDefaultCase=true`; for Go add `enumClassPrefix=true`, or
  the code does not compile; for Java `openApiNullable=false` spares a library. Clients for Python refuse a new word
  whatever is set. Have it read this document from its address, because the server is told relative to that.
"""
_INFO: Final = {
    "summary": "The outbound campaigns of Huawei CC-iSales",
    "description": _DESCRIPTION,
    "contact": {"name": "The operators of this gateway: tell them the request id"},
}
_SERVERS: Final = ({"url": ".", "description": "Where this document is, under whatever prefix that may be."},)
"""Relative to the document's own address (OpenAPI 3.1, 4.8.5): right under any prefix, whatever headers come."""

_TAGS: Final = (
    {"name": operations.CAMPAIGNS, "description": "The outbound campaigns, and who may read which."},
    {"name": operations.DOCUMENTATION, "description": "This API, and what can go wrong."},
    {"name": operations.CACHE, "description": "The pages that are kept, for those who run the gateway."},
    {"name": operations.OPERATIONS, "description": "How the gateway is, for those who run it."},
)
"""In the order of `/docs`: what is for callers comes before what is for operators."""


def openapi_document() -> dict[str, Any]:
    """Return the document as JSON data."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(
        "Campaign Gateway",
        __version__,
        "3.1.0",
        plugins=[plugin],
        info=_INFO,
        servers=list(_SERVERS),
        tags=list(_TAGS),
    )
    converter = plugin.converter
    assert converter is not None  # noqa: S101 -- the plugin has one as soon as it is in a document
    converter.add_attribute_function(_named)  # type: ignore[no-untyped-call]  # -- apispec tells no types here
    converter.add_parameter_attribute_function(_example)
    for name, schema in {**ENUMERATIONS, **SCHEMAS}.items():
        spec.components.schema(name, schema)
    for answer in (
        CampaignPageSchema(),
        CallerSchema(),
        ProblemSchema(),
        PurgeSchema(),
        ExplanationSchema(),
        SummarySchema(),
    ):
        spec.components.schema(_name(answer), schema=answer)
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
    spec.path("/campaigns", operations={"get": operations.list_campaigns()})
    spec.path("/me", operations={"get": operations.get_me()})
    spec.path(EXPORT_PATH, operations={"get": operations.export_campaigns()})
    spec.path(SUMMARY_PATH, operations={"get": operations.count_campaigns()})
    for path, operation in {**operations.health_operations(), **operations.documentation_operations()}.items():
        spec.path(path, operations={"get": operation})
    spec.path("/cache", operations={"delete": operations.purge_cache()})
    spec.path("/cache/explain", operations={"get": operations.explain_query()})
    document: dict[str, Any] = spec.to_dict()
    return document


def _name(schema: Schema | type[Schema]) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")


def _named(_converter: Any, _field: "fields.Field[Any]", ret: dict[str, Any]) -> dict[str, Any]:
    """Refer to the enumeration of a field by its name; what is left beside the reference are words."""
    name = ret.pop("x-name", None)
    if name is None:
        return {}
    assert ret.pop("enum") == ENUMERATIONS[name]["enum"], name  # noqa: S101 -- the two are made of the same words
    del ret["type"]
    return {"$ref": f"#/components/schemas/{name}"}


def _example(_converter: Any, _field: "fields.Field[Any]", ret: dict[str, Any]) -> dict[str, Any]:
    """Tell the example of a parameter beside its schema, where tools look for it."""
    return {"example": ret["schema"].pop("example")}
