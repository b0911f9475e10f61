"""Schemas held to the very fields that they tell; without the gateway, for programs that do not need it."""

from typing import Any


def close(schema: Any) -> None:
    """Allow no field that is not told in any object of `schema`, a part of a document, which is changed."""
    if isinstance(schema, list):
        for each in schema:
            close(each)
    elif isinstance(schema, dict):
        for each in schema.values():
            close(each)
        if isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
