"""The API document as we hold ourselves to it: stricter than callers may be, for whom answers are open."""

from functools import lru_cache
from typing import Any

import jsonschema_rs

from gateway.api.openapi import openapi_document
from tests.support.closed_schemas import close


def require(name: str, value: Any) -> None:
    """Fail unless `value` is what the document tells of the schema `name`: all of it and no more, formats too."""
    _strict(name).validate(value)


@lru_cache
def _strict(name: str) -> jsonschema_rs.Draft202012Validator:
    schemas = openapi_document()["components"]["schemas"]
    close(schemas)
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
