"""The OpenAPI document."""

import json
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.deadline import deadline_of
from gateway.api.openapi import openapi_document
from gateway.api.query import CampaignsQuerySchema, parse_campaigns_query
from gateway.errors import InvalidParameters, leaves
from tests.support.clock import FakeClock

DOCUMENT = openapi_document()
CAMPAIGNS = DOCUMENT["paths"]["/campaigns"]["get"]
PARAMETERS = {parameter["name"]: parameter for parameter in CAMPAIGNS["parameters"] if "$ref" not in parameter}
SAMPLE = Path(__file__).parents[2] / "vendor" / "campaigns-sample.json"


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every operation with its path."""
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            yield path, operation


def test_the_document_is_valid_openapi() -> None:
    """It is OpenAPI 3.1 by the schema of that version, and JSON without loss."""
    assert DOCUMENT["openapi"] == "3.1.0"
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_every_reference_leads_somewhere() -> None:
    """No reference is left hanging."""
    references = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT))
    assert references
    for reference in references:
        found: Any = DOCUMENT
        for key in reference.split("/"):
            found = found[key]


def test_every_endpoint_is_documented() -> None:
    """All paths are there, each operation under a name of its own."""
    assert list(DOCUMENT["paths"]) == [
        *("/campaigns", "/me", "/campaigns/export", "/campaigns/summary"),
        *("/healthz", "/readyz", "/metrics", "/", "/openapi.json", "/docs", "/console"),
        *("/problems", "/problems/{name}", "/cache", "/cache/explain"),
    ]
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names)


def test_every_parameter_says_what_it_takes() -> None:
    """All parameters of the query are documented with words and limits, and those with a default say so."""
    assert list(PARAMETERS) == list(CampaignsQuerySchema().fields)
    for parameter in PARAMETERS.values():
        assert parameter["description"].endswith(".")
        assert parameter["required"] is False
    assert PARAMETERS["page"]["schema"]["default"] == 1
    assert PARAMETERS["page_size"]["schema"]["default"] == 10
    assert [name for name, parameter in PARAMETERS.items() if "default" in parameter["schema"]] == ["page", "page_size"]


@pytest.mark.parametrize("name", PARAMETERS)
def test_examples_are_taken(name: str) -> None:
    """The example of each parameter is one that works."""
    parse_campaigns_query(f"{name}={PARAMETERS[name]['example']}")


@pytest.mark.parametrize("name", ["name", "begins_from", "ends_to", "status", "device_type"])
@given(data=st.data())
def test_the_schema_of_a_text_allows_what_is_read(name: str, data: st.DataObject) -> None:
    """A text is allowed by the published schema exactly when it can be read."""
    text = data.draw(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=32)
        | st.sampled_from(
            ["running", "preview", "2018-02-29", "2020-02-29", "2018-11-30T00:00:00z", "0000-01-01", "\n"]
        )
    )
    allowed = jsonschema_rs.is_valid({**PARAMETERS[name]["schema"], "components": DOCUMENT["components"]}, text)
    raw_query = f"{name}=" + "".join(f"%{byte:02X}" for byte in text.encode())
    try:
        parse_campaigns_query(raw_query)
    except InvalidParameters:
        read = False
    else:
        read = True
    assert read is allowed


@pytest.mark.parametrize("name", ["vdn", "page", "page_size", "cc_id"])
@given(number=st.integers(-10, 2**31 + 10) | st.integers(0, 120))
def test_the_schema_of_a_number_allows_what_is_read(name: str, number: int) -> None:
    """A number is allowed by the published schema exactly when it can be read."""
    try:
        parse_campaigns_query(f"{name}={number}")
    except InvalidParameters:
        read = False
    else:
        read = True
    assert read is jsonschema_rs.is_valid(PARAMETERS[name]["schema"], number)


def test_the_example_is_the_vendors_sample_as_it_comes_out() -> None:
    """The page of the example holds the campaigns, the paging and the totals of the vendor's own sample."""
    sample = json.loads(SAMPLE.read_bytes())
    statuses, device_types = {1: "draft", 3: "paused"}, {2: "predictive"}
    assert CAMPAIGNS["responses"]["200"]["content"]["application/json"]["examples"]["sample"]["value"] == {
        "data": [
            {
                "id": row["id"],
                "name": row["name"],
                "status": statuses[row["status"]],
                "device_type": device_types[row["deviceType"]],
                "begins_at": f"{row['strBeginTime']}T00:00:00Z",
                "ends_at": f"{row['strEndTime']}T23:59:59Z",
                "caller_number": row["callerNo"],
            }
            for row in sample["data"]
        ],
        "page": {"number": 1, "size": 10, "total_items": 3, "total_pages": 1},
        "totals": {"skill_queue": 3, "ivr": 0},
    }


def test_examples_of_answers_fit_their_schemas() -> None:
    """Every example of an answer is allowed by the schema beside it, and its references are references."""
    checked = 0
    for _, operation in operations():
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                for example in content.get("examples", {}).values():
                    schema = {**content["schema"], "components": DOCUMENT["components"]}
                    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(example["value"])
                    checked += 1
    assert checked > 20


def test_campaigns_document_every_problem() -> None:
    """All leaves of the error tree but the one that cannot happen there are examples under their status."""
    documented = {
        name: (int(status), example["value"])
        for status, response in CAMPAIGNS["responses"].items()
        for name, example in response.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
    }
    assert {name: status for name, (status, _) in documented.items()} == {
        error.name: error.status for error in leaves() if error.name != "not-found"
    }
    assert all(value["type"] == f"problems/{name}" for name, (_, value) in documented.items())
    faults = documented["invalid-parameters"][1]["errors"]
    assert [fault["parameter"] for fault in faults] == ["page_size", "stauts"]


def test_every_endpoint_documents_wrong_methods_and_bugs() -> None:
    """405 with Allow and 500 are possible everywhere, and every answer but one carries the request id."""
    for _, operation in operations():
        assert "Allow" in operation["responses"]["405"]["headers"]
        assert "500" in operation["responses"]
    without = [
        (path, status)
        for path, operation in operations()
        for status, response in operation["responses"].items()
        if "X-Request-Id" not in response["headers"]
    ]
    # A process that is about to end tells so in front of the app, where there are no ids.
    assert without == [("/readyz", "503")]


def test_headers_of_a_page() -> None:
    """The headers of 200 and 304, of waiting and of credentials are documented."""
    responses = CAMPAIGNS["responses"]
    page = {"Cache-Control", "Cache-Status", "Campaigns-As-Of", "ETag", "Link", "Server-Timing", "Vary"}
    page |= {"Preference-Applied", "X-Content-Type-Options", "X-Request-Id"}
    limits = {"RateLimit", "RateLimit-Policy"}
    assert set(responses["304"]["headers"]) == page | limits
    assert set(responses["200"]["headers"]) == page | limits | {"Content-Encoding"}
    assert {status for status in responses if not limits <= set(responses[status]["headers"])} == {"401", "405"}
    assert "WWW-Authenticate" in responses["401"]["headers"]
    assert "Retry-After" in responses["429"]["headers"]
    assert "Retry-After" in responses["503"]["headers"]


def test_examples_of_cache_headers_are_of_one_page() -> None:
    """They agree: what is left of freshness is told twice, no `Age` is told beside it, and links are queries only."""
    headers = {name: header["example"] for name, header in DOCUMENT["components"]["headers"].items()}
    left = re.fullmatch(r"private, max-age=(\d+), stale-if-error=\d+", headers["Cache-Control"])
    status = re.fullmatch(r"campaign-gateway; hit; ttl=(\d+); age=\d+", headers["Cache-Status"])
    assert left is not None
    assert status is not None
    assert left[1] == status[1]
    assert "Age" not in headers
    assert parsedate_to_datetime(headers["Campaigns-As-Of"]).tzinfo is not None
    assert re.findall("<(.)", headers["Link"]) == ["?", "?"]


def test_what_a_caller_may_ask_of_the_cache_is_in_words() -> None:
    """`Cache-Control` is no parameter, because HTTP clients set it by themselves; its directives are told."""
    assert "Cache-Control" not in {header["name"] for header in DOCUMENT["components"]["parameters"].values()}
    for directive in ("max-age=N", "no-cache", "only-if-cached", "stale-if-error=N", "not-cached"):
        assert f"`{directive}`" in CAMPAIGNS["description"]


def test_what_a_wait_is_and_is_not_is_in_words() -> None:
    """Where it is not applied, that the HTTP client has to be as patient, and that caches are to be passed."""
    for words in ("Prefer: wait=N", "If-None-Match", "Preference-Applied", 'cache: "no-store"'):
        assert f"`{words}`" in CAMPAIGNS["description"]


def request_headers(operation: dict[str, Any]) -> set[str]:
    """Return the names of the request headers of an operation, credentials aside."""
    references = [parameter["$ref"] for parameter in operation["parameters"] if "$ref" in parameter]
    named = [DOCUMENT["components"]["parameters"][reference.rpartition("/")[2]] for reference in references]
    assert all(header["in"] == "header" and header["description"].endswith(".") for header in named)
    return {header["name"] for header in named}


def test_request_headers_are_documented_where_they_count() -> None:
    """Every operation takes a request id; condition and language stand where they change the answer."""
    by_path = {path: request_headers(operation) for path, operation in operations()}
    of_a_document = {"If-None-Match", "X-Request-Id"}
    of_a_file = {"Accept-Language", "If-Range", "Range", "X-Request-Timeout-Ms"}
    assert by_path.pop("/campaigns") == of_a_document | {"Accept-Language", "Prefer", "X-Request-Timeout-Ms"}
    assert by_path.pop("/campaigns/export") == of_a_document | of_a_file
    assert by_path.pop("/campaigns/summary") == of_a_document | {"Accept-Language", "X-Request-Timeout-Ms"}
    for path in ("/docs", "/console", "/problems", "/problems/{name}"):
        assert by_path.pop(path) == of_a_document | {"Accept-Language"}
    for path in ("/", "/openapi.json"):
        assert by_path.pop(path) == of_a_document
    assert all(names == {"X-Request-Id"} for names in by_path.values())


def test_the_timeout_has_the_limits_of_the_code() -> None:
    """The least and the most that the document allows shorten a deadline, what is beyond them does not."""
    timeout = DOCUMENT["components"]["parameters"]["X-Request-Timeout-Ms"]
    least, most = timeout["schema"]["minimum"], timeout["schema"]["maximum"]
    clock = FakeClock()
    taken = {
        value: deadline_of(str(value), 1e9, clock(), clock).shortened for value in (least, most, timeout["example"])
    }
    assert all(taken.values()), taken
    assert not any(deadline_of(str(value), 1e9, clock(), clock).shortened for value in (least - 1, most + 1))


def test_what_no_schema_can_say_is_in_words() -> None:
    """That two times may contradict each other, the limit of parameters, and OPTIONS."""
    assert "`begins_from` after `ends_to` gives 400" in CAMPAIGNS["description"]
    assert "`begins_from`" in PARAMETERS["ends_to"]["description"]
    assert "400" in PARAMETERS["ends_to"]["description"]
    assert "more than 50 parameters" in DOCUMENT["info"]["description"]
    assert "**OPTIONS**" in DOCUMENT["info"]["description"]


def test_totals_promise_no_more_than_the_vendor_says() -> None:
    """CC-iSales does not say whether its counts follow the filters, so neither does the document."""
    totals = json.dumps(DOCUMENT["components"]["schemas"]["Totals"])
    assert "curSkillQueueCount" in totals
    assert "curIvrCount" in totals
    assert "filter" not in totals


def test_credentials_are_told() -> None:
    """The key is documented as a header, the token as a bearer token."""
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert schemes["ApiKey"]["name"] == "X-API-Key"
    assert (schemes["Bearer"]["scheme"], schemes["Bearer"]["bearerFormat"]) == ("bearer", "JWT")


def test_words_promise_no_more_than_is_known() -> None:
    """What `running` and `completed` do not mean stands in the document."""
    words = DOCUMENT["components"]["schemas"]["Campaign"]["properties"]["status"]["description"]
    assert "does not say that calls are being made" in words
    assert "not final" in words
