"""From what marshmallow says of faulty settings to sentences for who set them. No sentence shows a secret."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from marshmallow import Schema, fields, validate

from gateway.settings.fields import REDACTED, Claims, TimeZone, Vdns
from gateway.settings.sources import Sources

MISSING = "Missing data for required field."
NO_TABLE = "Invalid input type."
NO_LIST = "Not a valid list."
OTHER_TYPE = {
    "Not a valid integer.": "must be a whole number",
    "Not a valid number.": "must be a number",
    "Number too large.": "must be a number",
    "Special numeric values (nan or infinity) are not permitted.": "must be a number",
    "Not a valid boolean.": "must be true or false",
    "Not a valid string.": "must be a text in quotes",
}
SHOWN = 80
SCALARS = (fields.String, fields.Integer, fields.Float, fields.Boolean, TimeZone, Claims)


def fault_sentences(messages: Any, sources: Sources, kind: Any, name: str = "") -> Iterator[str]:
    """Yield one sentence for each message of a marshmallow error: the setting, where it was set, what is wrong.

    `kind` is the schema or field that `messages` are about, `name` what it is called. What `sources` has told of, and
    what is missing while a source is, is passed over.
    """
    if isinstance(messages, list):
        for message in messages:
            if message == MISSING and not sources.incomplete:
                yield f"{name}: is not set, and there is no default"
            elif message != MISSING and name not in sources.told:
                yield f"{sources.called(name)}: {_worded(message, sources, name, kind)}"
        return
    for key, below in messages.items():
        if isinstance(key, int):
            yield from fault_sentences(below, sources, getattr(kind, "inner", None), f"{name}[{key}]")
        elif key == "_schema" and below == [NO_TABLE]:  # so marshmallow calls a table as a whole
            yield from fault_sentences(below, sources, kind, name)
        else:
            schema = kind if isinstance(kind, Schema) else kind.schema
            yield from _sentences_below(schema, key, below, sources, f"{name}.{key}".removeprefix("."))


def _sentences_below(schema: Schema, key: str, messages: Any, sources: Sources, name: str) -> Iterator[str]:
    field = schema.fields.get(key)
    if field is not None:
        yield from fault_sentences(messages, sources, field, name)
        return
    close = difflib.get_close_matches(key, list(schema.fields), n=1)
    hint = f"did you mean `{close[0]}`?" if close else "config/README.md lists them all"
    yield f"{sources.called(name)}: is not a setting; {hint}"


def _worded(message: str, sources: Sources, name: str, kind: Any) -> str:
    section = re.sub(r"\[[0-9]+\]", "", name)
    if message == NO_TABLE and name.endswith("]"):
        return f"must be a table with the settings of one entry; write each as a table below `[[{section}]]`"
    if message == NO_TABLE:
        return f"must be one table; write `[{name}]` and its settings below that"
    if message == NO_LIST and isinstance(kind, fields.List) and isinstance(kind.inner, fields.Nested):
        return f"must be a list of tables; write `[[{section}]]`, in double brackets, above each of them"
    if message == NO_LIST:
        return 'must be a list, in brackets also where it has one entry: ["..."]'
    if message in OTHER_TYPE:
        return OTHER_TYPE[message] + _limits(kind) + given(sources, name, kind)
    fault, before_hint, hint = message.partition("; did you mean")
    return fault[0].lower() + fault[1:].rstrip(".") + given(sources, name, kind) + before_hint + hint


def _limits(kind: fields.Field[Any]) -> str:
    """Return which values a setting takes, to stand behind what kind of value that is."""
    said = ""
    for limit in kind.validators:
        if isinstance(limit, validate.Range):
            inclusive = f" from {limit.min} to {limit.max}"
            said += inclusive if limit.min_inclusive else f" above {limit.min}, {limit.max} at most"
        elif isinstance(limit, validate.OneOf):
            said += f", one of: {limit.choices_text}"
    return said


def given(sources: Sources, name: str, kind: Any) -> str:
    """Return the value that was given for the setting `name`, to end a sentence with.

    Empty, unless it is a single one that no secret belongs into, or a list of numbers.
    """
    if not isinstance(kind, (*SCALARS, Vdns)) or kind.metadata.get("secret"):
        return ""
    value: Any = sources.values
    for step in re.findall(r"[^.\[\]]+", name):
        value = value[int(step)] if isinstance(value, list) else value.get(step) if isinstance(value, dict) else None
    if isinstance(kind, Vdns):
        # A key may have gotten there; nothing that looks like one is shown.
        return f"; it is {value!r:.{SHOWN}}" if re.fullmatch(r"[-*0-9., '\[\]]+", repr(value)) else ""
    if isinstance(value, str) and "-----BEGIN" in value:
        return ""  # a key in PEM, where its file should be
    if isinstance(value, str):
        return f"; it is {_without_credentials(value)!r:.{SHOWN}}"
    if isinstance(value, bool):
        return f"; it is {str(value).lower()}"  # as TOML writes it
    return f"; it is {value!r:.{SHOWN}}" if isinstance(value, int | float) else ""


def _without_credentials(value: str) -> str:
    """Return `value` without what may be user, password or token, should it be a URL (RFC 3986 section 3.2.1)."""
    shown = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", rf"\1{REDACTED}@", value, flags=re.DOTALL)
    return re.sub(r"([?#]).*", rf"\1{REDACTED}", shown, flags=re.DOTALL) if "://" in shown or "@" in shown else shown
