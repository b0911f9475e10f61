"""The OpenAPI document as programs read it: generators of clients, linters, and what finds the server in it."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import jsonschema_rs
import pytest
from marshmallow import ValidationError

from gateway.api.openapi import openapi_document
from gateway.isales.schemas import WholeNumber

DOCUMENT = openapi_document()
SCHEMAS = DOCUMENT["components"]["schemas"]
FILTERS = {"CampaignStatusFilter", "DeviceTypeFilter", "ExportFormat", "CsvDialect"}
OPEN = {"/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/console", "/problems", "/problems/{name}"}


def operations() -> Iterator[dict[str, Any]]:
    """Yield every operation."""
    for item in DOCUMENT["paths"].values():
        yield from item.values()


def schemas(part: Any = DOCUMENT, where: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of the document, and those within, with where it is."""
    if isinstance(part, list):
        for index, each in enumerate(part):
            yield from schemas(each, f"{where}/{index}")
    elif isinstance(part, dict):
        for key, each in part.items():
            if key in {"example", "examples", "value"}:
                continue
            there = f"{where}/{key}"
            of_many = key == "properties" or there == "#/components/schemas"
            for name, schema in each.items() if of_many else [("", each)]:
                if isinstance(schema, dict) and (of_many or key in {"schema", "items", "additionalProperties"}):
                    yield f"{there}/{name}", schema
            yield from schemas(each, there)


EVERY = dict(schemas())


def test_the_schemas_are_found() -> None:
    """What the tests below go through is all there is."""
    assert len(EVERY) > 150
    assert "#/components/schemas/Campaign/properties/id" in EVERY
    assert "#/paths//campaigns/get/parameters/4/schema/" in EVERY
    assert "#/components/schemas/Readiness/properties/dependencies/additionalProperties/" in EVERY


@pytest.mark.parametrize("where", EVERY)
def test_every_schema_is_one_type(where: str) -> None:
    """Alternatives make types that do not compile; the only one is null, which all generators know."""
    schema = EVERY[where]
    assert not {"anyOf", "oneOf", "allOf", "not", "const", "nullable"} & schema.keys()
    if "$ref" in schema:
        assert schema.keys() <= {"$ref", "description", "examples"}
        return
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert len(set(types) - {"null"}) == 1


@pytest.mark.parametrize("where", [where for where, schema in EVERY.items() if "integer" in schema.get("type", ())])
def test_whole_numbers_have_room(where: str) -> None:
    """Each has a least and a greatest value, and the format whose numbers are at least as wide."""
    schema = EVERY[where]
    assert schema["minimum"] >= 0
    assert schema["format"] == ("int32" if schema["maximum"] < 2**31 else "int64")


def test_ids_and_counts_go_as_far_as_those_of_cc_isales() -> None:
    """The greatest number that is read from CC-iSales is the greatest that is told, and 2^53 is spoken of."""
    read = WholeNumber()
    told = [EVERY[f"#/components/schemas/{field}"] for field in ("Campaign/properties/id", "Totals/properties/ivr")]
    for schema in told:
        assert read.deserialize(schema["maximum"]) == schema["maximum"]
        with pytest.raises(ValidationError, match="whole number"):
            read.deserialize(schema["maximum"] + 1)
    assert "2^53" in told[0]["description"]


@pytest.mark.parametrize("where", [where for where, schema in EVERY.items() if "number" in schema.get("type", ())])
def test_other_numbers_are_of_64_bits(where: str) -> None:
    """A `number` without a format is a float of 32 bits in Go."""
    assert EVERY[where]["format"] == "double"


def test_enumerations_have_names() -> None:
    """An enumeration stands in one place under its name; generators call others `Status1`."""
    unnamed = [where for where, schema in EVERY.items() if "enum" in schema and not is_component(where)]
    # Of headers no generator makes a type.
    assert [where for where in unnamed if "/headers/" not in where] == []


def is_component(where: str) -> bool:
    """Return whether a schema is one that has a name."""
    return re.fullmatch("#/components/schemas/[A-Za-z]+", where) is not None


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name not in FILTERS and "enum" in SCHEMAS[name]])
def test_enumerations_of_answers_say_that_they_grow(name: str) -> None:
    """Whoever builds on one is told what to do with a word that is new; one that never grows says so."""
    assert re.search("may come: take|^Always", SCHEMAS[name]["description"])


def test_answers_are_open_and_questions_are_closed() -> None:
    """No answer forbids fields that it has not today (RFC 9457, section 3.2), and no question takes any word."""
    assert [where for where, schema in EVERY.items() if schema.get("additionalProperties") is False] == []
    for name in FILTERS:
        assert "Nothing else is taken" in SCHEMAS[name]["description"]


def test_patterns_are_read_alike_by_all_engines() -> None:
    r"""Only `\x` and an escaped point are used: `\u` is unknown to the engines of Go, PHP and Rust."""
    patterns = [schema["pattern"] for schema in EVERY.values() if "pattern" in schema]
    assert patterns
    for pattern in patterns:
        assert set(re.findall(r"\\.", pattern)) <= {r"\x", r"\."}
        assert not re.search(r"\(\?[^:]|[*+?}][+?]", pattern)


def test_operations_are_verbs_of_a_known_group() -> None:
    """Generators make functions of them, and files of the groups."""
    groups = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    verbs = {"list", "count", "export", "purge", "explain", "check", "get", "read"}
    for operation in operations():
        verb = re.match("[a-z]+", operation["operationId"])
        assert verb is not None
        assert verb[0] in verbs
        assert re.fullmatch("[a-z]+([A-Z][a-z]+)+", operation["operationId"])
        assert len(operation["tags"]) == 1
        assert operation["description"].endswith(".")
        assert groups.pop(operation["tags"][0], "used")
    assert groups == {}


def test_every_operation_says_whether_it_is_open() -> None:
    """Without `security` of its own nothing is said, and nothing is not `open`."""
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            assert operation["security"] == ([] if path in OPEN else [{"ApiKey": []}, {"Bearer": []}])


@pytest.mark.parametrize(
    ("document", "campaigns"),
    [
        ("https://gateway.example/openapi.json", "https://gateway.example/campaigns"),
        ("https://gateway.example/api/openapi.json", "https://gateway.example/api/campaigns"),
        ("http://127.0.0.1:8080/a/b/openapi.json", "http://127.0.0.1:8080/a/b/campaigns"),
    ],
)
def test_the_server_is_where_the_document_is(document: str, campaigns: str) -> None:
    """It is a reference relative to the document (OpenAPI 3.1, 4.8.5), and paths continue it."""
    (server,) = DOCUMENT["servers"]
    assert urljoin(document, server["url"]).rstrip("/") + "/campaigns" == campaigns
    assert not server["url"].endswith("/")


def test_parameters_have_an_example_beside_their_schema() -> None:
    """That is where tools look for one; it is allowed by the schema."""
    parameters = [*DOCUMENT["components"]["parameters"].values()]
    parameters += [each for operation in operations() for each in operation["parameters"] if "$ref" not in each]
    assert len(parameters) > 20
    for parameter in parameters:
        assert not {"example", "examples"} & parameter["schema"].keys()
        schema = {**parameter["schema"], "components": DOCUMENT["components"]}
        jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(parameter["example"])


def test_no_parameter_is_a_matter_of_http_clients() -> None:
    """Go's client does not unpack an answer in gzip when it was told to ask for it; others set these by themselves."""
    names = {parameter["name"].lower() for parameter in DOCUMENT["components"]["parameters"].values()}
    assert not names & {"accept", "accept-encoding", "authorization", "content-type", "host", "x-api-key"}
    assert "**Coding**" in DOCUMENT["info"]["description"]


def test_programs_find_json_first() -> None:
    """Where there is a page too, what a generated client asks for is what it can read."""
    for operation in operations():
        content = operation["responses"]["200"]["content"]
        # A file is in one of its forms, none of which is JSON, and so are numbers.
        if len(content) > 1 and operation["operationId"] not in {"exportCampaigns", "getMetrics"}:
            assert next(iter(content)) == "application/json"
            assert "$ref" in content["application/json"]["schema"]


def test_programs_get_files_as_bytes() -> None:
    """The first form, whose type openapi-generator takes for all of them; CSV is text, as it is for others."""
    content = DOCUMENT["paths"]["/campaigns/export"]["get"]["responses"]["200"]["content"]
    assert content["text/csv"]["schema"] == {"type": "string"}
    assert next(iter(content.values()))["schema"] == {"type": "string", "format": "binary"}


def test_flags_that_generators_need_are_told() -> None:
    """Those without which clients do not compile or refuse what is new; the tests of clients use them."""
    for flag in (
        "disallowAdditionalPropertiesIfNotPresent=false",
        "enumUnknownDefaultCase=true",
        "enumClassPrefix=true",
        "openApiNullable=false",
    ):
        assert flag in DOCUMENT["info"]["description"]
