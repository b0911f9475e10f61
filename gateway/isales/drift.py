"""Drift: where an answer departs from the vendor's interface description. Counted always, said once."""

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import structlog

from gateway.isales.text import printable
from gateway.telemetry.upstream_numbers import UpstreamNumbers

SAID_AT_MOST: Final = 100
"""Different kinds and fields that one process logs: names of fields come from outside and must not fill memory."""

NAME_CHARACTERS: Final = 40
SAMPLE_CHARACTERS: Final = 32
BIGGEST_SHOWN: Final = 1000
NOTHING: Final = "nothing"
"""What is told of a field that is not there."""

_TYPES: Final = MappingProxyType(
    {type(None): "null", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
)
_NUMBER: Final = re.compile(r"\d{3,}")
"""What may be somebody's number where the name of a field should be."""


class DriftKind(StrEnum):
    """What departs, and how it is counted."""

    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_CODE = "unknown_code"
    ODD_TIME = "odd_time"
    UNREADABLE_TIME = "unreadable_time"
    ODD_TYPE = "odd_type"
    ROW_LEFT_OUT = "row_left_out"
    NOT_AS_ASKED = "not_as_asked"
    WRONG_TOTAL = "wrong_total"


_OF_NOBODY: Final = (DriftKind.UNKNOWN_CODE, DriftKind.NOT_AS_ASKED, DriftKind.WRONG_TOTAL)
"""Numbers that belong to no person."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One departure: its kind, the vendor's name of the field, and the `shape` of what was there, or a small number."""

    kind: DriftKind
    field: str
    sample: str

    @classmethod
    def seen(cls, kind: DriftKind, field: str, value: object) -> "Drift":
        """Return the drift for a `value` of JSON at `field`, both as they came."""
        name = _NUMBER.sub(_digits_hidden, printable(field, NAME_CHARACTERS))
        is_small = kind in _OF_NOBODY and isinstance(value, int) and abs(value) < BIGGEST_SHOWN
        return cls(kind, name, str(value) if is_small else shape(value))


def shape(value: object) -> str:
    """Return what a value of JSON looks like without what it says: numbers and names may be people's.

    Of a string's first characters each digit is `9` and each letter `a`, and likewise of a number with a point or an
    exponent; of all else the type is told, as JSON calls it (RFC 8259, section 3).
    """
    if isinstance(value, str):
        shown = printable(value, SAMPLE_CHARACTERS)
        return "".join("9" if c.isdigit() else "a" if c.isalpha() else c for c in shown)
    return shape(str(value)) if isinstance(value, Decimal) else _TYPES[type(value)]


def _digits_hidden(number: re.Match[str]) -> str:
    return "9" * len(number.group())


class DriftLog:
    """Counts each departure and logs the first of each kind and field."""

    def __init__(self, metrics: UpstreamNumbers) -> None:
        self._metrics = metrics
        self._said: set[tuple[DriftKind, str]] = set()
        self._lock = threading.Lock()

    def record(self, vdn: int, drifts: Iterable[Drift]) -> None:
        """Record what was met in one page of `vdn`."""
        for drift in drifts:
            self._metrics.drift(drift.kind)
            if self._is_news(drift):
                structlog.get_logger("gateway.isales").warning(
                    "upstream_drift", kind=drift.kind.value, field=drift.field, sample=drift.sample, vdn=vdn
                )

    def _is_news(self, drift: Drift) -> bool:
        key = (drift.kind, drift.field)
        with self._lock:
            if key in self._said or len(self._said) >= SAID_AT_MOST:
                return False
            self._said.add(key)
            return True
