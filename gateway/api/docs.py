"""`/openapi.json` and `/docs`, its page for people.

The page is our own, rendered here from the document. Swagger UI from PyPI was the alternative: it needs inline styles,
so a looser Content-Security-Policy than the pages beside it, is 2.5 MB to keep current for one endpoint with nine
parameters, and shows nothing without JavaScript. This page needs JavaScript for nothing but its form, and the form
keeps the key nowhere but in its field.
"""

import functools
import json
import operator
from typing import Any, Final

from flask import Blueprint, Response

from gateway.api.document import HTML, document_response, way_up_here
from gateway.api.html import html_page, prose
from gateway.api.public import json_bytes
from gateway.api.representation import render
from gateway.model import RenderedPage

MAX_AGE_S: Final = 300


def documentation_blueprint(document: dict[str, Any]) -> Blueprint:
    """Return `/openapi.json`, which sends `document`, `/docs`, which shows it, and the files that pages need."""
    blueprint = Blueprint(
        "documentation",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/docs/static",
    )
    openapi_json = render(json_bytes(document))
    operations = _operations(document)

    @blueprint.after_request
    def keep_to_ourselves(response: Response) -> Response:
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        return document_response(openapi_json, "application/json", max_age_s=MAX_AGE_S)

    # It takes 25 ms to make.
    @functools.lru_cache(maxsize=2)
    def page(up: str) -> RenderedPage:
        shown: dict[str, Any] = {
            "document": document,
            "operations": operations,
            "lookup": functools.partial(_lookup, document),
        }
        return render(html_page("docs.html", up=up, **shown, prose=prose, json_text=_json_text))

    @blueprint.get("/docs")
    @blueprint.get("/docs/")
    def docs() -> Response:
        return document_response(page(way_up_here()), HTML, max_age_s=MAX_AGE_S)

    return blueprint


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
    """Return all operations with their method, path and request headers, in the order of the document."""
    operations = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            given = [_whole(document, each) for each in operation["parameters"]]
            headers = [each for each in given if each["in"] == "header"]
            parameters = [each for each in given if each["in"] != "header"]
            shown = {"method": method.upper(), "path": path, "parameters": parameters, "request_headers": headers}
            operations.append({**operation, **shown})
    return operations


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
