"""From what marshmallow says of faulty settings to sentences for who set them."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from marshmallow import Schema, fields

from gateway.settings.sources import Sources

MISSING = "Missing data for required field."


def fault_sentences(messages: Any, sources: Sources, kind: Any, name: str = "") -> Iterator[str]:
    """Yield one sentence for each message of a marshmallow error: the setting, where it was set, what is wrong."""
    if isinstance(messages, list):
        for message in messages:
            origin = "" if message == MISSING else _origin(sources, name)
            yield f"{name}{origin}: {_worded(message, name, kind)}{_given(sources, name, kind)}"
        return
    for key, below in messages.items():
        if isinstance(key, int):
            yield from fault_sentences(below, sources, kind, f"{name}[{key}]")
        else:
            place = _Place(kind if isinstance(kind, Schema) else _schema_of(kind), key)
            yield from fault_sentences(below, sources, place, f"{name}.{key}".removeprefix("."))


class _Place:
    """A name in a section: the field, if there is one, and its neighbours, for suggestions."""

    def __init__(self, schema: Schema | None, key: str) -> None:
        self.neighbours = list(schema.fields) if schema else []
        self.field = schema.fields.get(key) if schema else None


def _schema_of(kind: Any) -> Schema | None:
    field = kind.field if isinstance(kind, _Place) else None
    inner = field.inner if isinstance(field, fields.List) else field
    return inner.schema if isinstance(inner, fields.Nested) else None


def _worded(message: str, name: str, kind: Any) -> str:
    if message == MISSING:
        return "is not set, and there is no default"
    if message == "Unknown field.":
        close = difflib.get_close_matches(name.rpartition(".")[2], kind.neighbours, n=1)
        return "is not a setting" + (f"; did you mean `{close[0]}`?" if close else "; config/README.md lists them all")
    return message[0].lower() + message[1:].rstrip(".")


def _given(sources: Sources, name: str, kind: Any) -> str:
    """Return the value that was given, where it is no secret: what is unknown may be a misspelt secret."""
    field = kind.field if isinstance(kind, _Place) else None
    if field is None or field.metadata.get("secret"):
        return ""
    value: Any = sources.values
    for step in re.findall(r"[^.\[\]]+", name):
        value = value[int(step)] if isinstance(value, list) else value.get(step) if isinstance(value, dict) else None
    return f"; it is {value!r:.80}" if isinstance(value, str | int | float | list) else ""


def _origin(sources: Sources, name: str) -> str:
    known = [origin for origin in sources.origins if name == origin or name.startswith((f"{origin}.", f"{origin}["))]
    return f" (from {sources.origins[max(known, key=len)]})" if known else ""
