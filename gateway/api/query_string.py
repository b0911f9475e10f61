"""Strict reading of a raw query string: nothing is guessed, dropped or merged.

The framework's own reading keeps the first of repeated parameters, turns broken escapes into literal text and bytes
that are not UTF-8 into replacement characters. Each of these would answer a question that the caller did not ask.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.escaping import escaped

MAX_PARAMETERS: Final = 50
MAX_SHOWN: Final = 40

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Malformed:
    """Stands for a value that could not be read; `message` is the sentence for the caller.

    `whole` says that the parameter as such could not be read, so that nothing more can be said of its name.
    """

    message: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Unread(Malformed):
    """Stands for the first parameter too many and all that follow it, none of which was read."""


Parameters = Mapping[str, str | Malformed]
"""What a query string says: the value of each name, in the order written."""


def decode(raw_query: str) -> Parameters:
    """Return the parameters of `raw_query` in the order written, decoded as an HTML form (WHATWG URL, section 5.1).

    `raw_query` is WSGI's `QUERY_STRING`: bytes as latin-1 characters. `&` alone separates, `+` is a space, escapes
    and raw bytes are UTF-8. A parameter that is repeated, has no name, or has a broken escape or broken UTF-8 in its
    name or value is `Malformed`. The first `MAX_PARAMETERS` are read, the next one is `Unread`. Never raises.
    """
    segments = [segment for segment in _as_bytes(raw_query).split(b"&") if segment]
    parameters: dict[str, str | Malformed] = {}
    for segment in segments[:MAX_PARAMETERS]:
        raw_name, _, raw_value = segment.partition(b"=")
        name, fault = _read(raw_name)
        if name in parameters:
            parameters[name] = Malformed("The parameter is repeated. Send it once.")
        elif fault is not None:
            parameters[name] = Malformed(f"The name {fault}", whole=True)
        elif not name:
            parameters[name] = Malformed("A value stands without a name. Write name=value.", whole=True)
        else:
            value, fault = _read(raw_value)
            parameters[name] = value if fault is None else Malformed(f"The value {fault}")
    if len(segments) > MAX_PARAMETERS:
        name, _ = _read(segments[MAX_PARAMETERS].partition(b"=")[0])
        message = (
            f"The query has {len(segments)} parameters, {MAX_PARAMETERS} are allowed; this one and those after it were "
            "not read. Send each parameter once."
        )
        parameters[name] = Unread(message, whole=True)
    return parameters


def shown(text: str, longest: int = MAX_SHOWN) -> str:
    """Return `text` for an error message: cut to `longest` characters, unprintable characters escaped."""
    return escaped(text if len(text) <= longest else f"{text[:longest]}…")


def _as_bytes(raw_query: str) -> bytes:
    try:
        return raw_query.encode("latin-1")
    except UnicodeEncodeError:
        # Not from WSGI. Surrogates pass here so that they are found below, as the broken UTF-8 that they are.
        return raw_query.encode("utf-8", "surrogatepass")


def _read(raw: bytes) -> tuple[str, str | None]:
    """Return the decoded text and `None`, or the raw text and what is wrong with it."""
    as_written = raw.decode("ascii", "backslashreplace")
    if _BROKEN_ESCAPE.search(raw):
        return as_written, f'"{shown(as_written)}" has a % without two hex digits after it. Write a % itself as %25.'
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode(), None
    except UnicodeDecodeError:
        return as_written, f'"{shown(as_written)}" is not UTF-8. Percent-encode UTF-8 bytes, such as %C3%A9 for é.'
