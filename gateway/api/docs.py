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

import flask
from flask import Blueprint, Response

from gateway.api.html import html_page, prose
from gateway.api.public import json_bytes
from gateway.api.representation import held_tag, represent

_CACHE_CONTROL: Final = "public, max-age=300"


def documentation_blueprint(document: dict[str, Any]) -> Blueprint:
    """Return `/openapi.json`, which sends `document`, `/docs`, which shows it, and the files that pages need."""
    blueprint = Blueprint(
        "documentation",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/docs/static",
    )
    body = json_bytes(document)
    operations = _operations(document)

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        representation = represent(body, flask.request.headers.get("Accept-Encoding"))
        held = held_tag(flask.request.headers.get("If-None-Match"), representation.etag)
        response = Response(representation.body, mimetype="application/json")
        if held:
            response = Response(status=304)
            del response.headers["Content-Type"]
        elif representation.content_encoding:
            response.headers["Content-Encoding"] = representation.content_encoding
        response.headers["ETag"] = held or representation.etag
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = _CACHE_CONTROL
        return response

    @blueprint.get("/docs")
    def docs() -> Response:
        response = html_page(
            "docs.html",
            document=document,
            operations=operations,
            lookup=functools.partial(_lookup, document),
            prose=prose,
            json_text=_json_text,
        )
        response.headers["Cache-Control"] = _CACHE_CONTROL
        return response

    return blueprint


def _lookup(document: dict[str, Any], reference: dict[str, str]) -> Any:
    """Return the part of `document` that `{"$ref": "#/..."}` refers to."""
    keys = reference["$ref"].removeprefix("#/").split("/")
    return functools.reduce(operator.getitem, keys, document)


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all operations with their method, path and request headers, in the order of the document."""
    operations = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            given = [_lookup(document, each) if "$ref" in each else each for each in operation["parameters"]]
            headers = [each for each in given if each["in"] == "header"]
            parameters = [each for each in given if each["in"] != "header"]
            shown = {"method": method.upper(), "path": path, "parameters": parameters, "request_headers": headers}
            operations.append({**operation, **shown})
    return operations


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
