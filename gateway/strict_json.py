"""JSON that others sent, read strictly: what two readers could understand differently is refused."""

import json
from collections.abc import Callable
from typing import Any, NoReturn


def strict_json(document: bytes, parse_float: Callable[[str], Any] = float) -> Any:
    """Return what the JSON in `document` says (RFC 8259), read as UTF-8 whatever it looks like.

    Stricter than `json`: no BOM, no NaN or Infinity, no key twice in one object. `ValueError` for that, and for
    nesting or integers beyond what Python reads; it holds on to nothing of the document. `parse_float` makes the
    values of numbers that are written with a point or an exponent.
    """
    try:
        return json.loads(document.decode(), object_pairs_hook=_unique, parse_float=parse_float, parse_constant=_refuse)
    except (ValueError, RecursionError):
        # Not raised here, where it would hold on to json's error and in that to the whole document.
        pass
    raise ValueError("not JSON as it must be")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("a key comes twice")
    return unique


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
