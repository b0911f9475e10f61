"""`/openapi.json` and `/docs`, its page for people.

The page is our own, rendered here from the document. Swagger UI from PyPI was the alternative: it needs inline styles,
so a looser Content-Security-Policy than the pages beside it, is 2.5 MB to keep current, speaks no Chinese, and shows
nothing without JavaScript. This page needs JavaScript for nothing but its form, its search and its buttons to copy, and
the form keeps the key nowhere but in its field.
"""

import functools
import json
import operator
from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response

from gateway.api.document import HTML, chosen_language, document_response, language_here, way_up_here
from gateway.api.document_language import in_language
from gateway.api.html import html_page, prose
from gateway.api.language import Language
from gateway.api.openapi_operations import CACHE, OPERATIONS
from gateway.api.public import json_bytes
from gateway.api.representation import render
from gateway.api.samples import samples
from gateway.model import RenderedPage

MAX_AGE_S: Final = 300
OF_OPERATORS: Final = {CACHE, OPERATIONS}
"""The tags of operations that are for those who run the gateway; all others are for callers, who come first."""
CSV: Final = "text/csv"


def documentation_blueprint(make_document: Callable[[], dict[str, Any]]) -> Blueprint:
    """Return `/openapi.json`, which sends a document, `/docs`, which shows it, and the files that pages need.

    The document is made when somebody first asks, once in a process however often the settings are reloaded.
    """
    blueprint = Blueprint(
        "documentation",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/docs/static",
    )

    @blueprint.after_request
    def keep_to_ourselves(response: Response) -> Response:
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        return document_response(_openapi_json(make_document), "application/json", max_age_s=MAX_AGE_S)

    @blueprint.get("/docs")
    @blueprint.get("/docs/")
    def docs() -> Response:
        language = language_here()
        rendered = _page(make_document, way_up_here(), language, chosen_language())
        response = document_response(rendered, HTML, max_age_s=MAX_AGE_S, vary="Accept-Language")
        response.headers["Content-Language"] = str(language)
        return response

    return blueprint


@functools.lru_cache(maxsize=1)
def _document(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return make()


@functools.lru_cache(maxsize=1)
def _openapi_json(make: Callable[[], dict[str, Any]]) -> RenderedPage:
    return render(json_bytes(_document(make)))


# It takes 50 ms to make.
@functools.lru_cache(maxsize=2 * 2 * len(Language))
def _page(make: Callable[[], dict[str, Any]], up: str, language: Language, chosen: Language | None) -> RenderedPage:
    return render(html_page("docs.html", up=up, language=language, chosen=chosen, **shown(_document(make), language)))


def shown(document: dict[str, Any], language: Language) -> dict[str, Any]:
    """Return what the template makes the page of: the document in `language`, and its operations by whom they are for.

    The introduction of the document is its first paragraph, and all behind that are the rules.
    """
    told = in_language(document, language)
    introduction, _, rules = told["info"]["description"].partition("\n\n")
    all_of_them = _operations(told)
    groups = {
        "callers": [each for each in all_of_them if not OF_OPERATORS.intersection(each["tags"])],
        "operators": [each for each in all_of_them if OF_OPERATORS.intersection(each["tags"])],
    }
    first = groups["callers"][0]
    return {
        "document": told,
        "introduction": introduction,
        "rules": rules,
        "groups": groups,
        "first": first,
        "first_call": samples(first["method"], first["path"], [], with_key=True)[0].text,
        "has_csv": any(
            CSV in answer.get("content", ()) for each in all_of_them for answer in each["responses"].values()
        ),
        "lookup": functools.partial(_lookup, told),
        "prose": prose,
        "json_text": _json_text,
    }


def _whole(document: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter with its schema, where `document` refers to one or the other."""
    found = _lookup(document, parameter) if "$ref" in parameter else parameter
    schema = found["schema"]
    return {**found, "schema": _lookup(document, schema) if "$ref" in schema else schema}


def _lookup(document: dict[str, Any], reference: dict[str, str]) -> Any:
    """Return the part of `document` that `{"$ref": "#/..."}` refers to."""
    keys = reference["$ref"].removeprefix("#/").split("/")
    return functools.reduce(operator.getitem, keys, document)


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all operations with method, path, request headers and samples, in the order of the document's tags."""
    operations = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            given = [_whole(document, each) for each in operation["parameters"]]
            headers = [each for each in given if each["in"] == "header"]
            parameters = [each for each in given if each["in"] != "header"]
            programs = samples(method.upper(), path, parameters, with_key=bool(operation["security"]))
            told = {"method": method.upper(), "path": path, "parameters": parameters, "request_headers": headers}
            operations.append({**operation, **told, "samples": programs})
    order = [tag["name"] for tag in document["tags"]]
    return sorted(operations, key=lambda each: order.index(each["tags"][0]))


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
