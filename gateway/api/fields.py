"""The kinds of values that query parameters take. Each reads one decoded text and describes itself for OpenAPI.

marshmallow's own fields are kind: its `Integer` takes `1_0`, ` 7 `, `+1`, `1.9` and full-width digits. Here one value
has one spelling, so that equal questions are spelled equally and typing errors show.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from marshmallow import ValidationError, fields, missing

from gateway.api.query_string import Malformed, shown
from gateway.api.rfc3339 import MOMENT_PATTERN, parse_moment

_NUMBER: Final = re.compile("0|[1-9][0-9]*")

NO_CONTROL_CHARACTERS: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""Texts without the control characters of Unicode (category Cc), for JSON Schema.

With `\\x`, which all engines read alike: `\\u` is unknown to those of Go, PHP and Rust.
"""

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class QueryField(fields.Field[T], Generic[T]):
    """One parameter: `schema` is its JSON Schema, `description` and `example` are for people.

    The schema is one type with its limits, without alternatives, which code generators do not understand.
    """

    def __init__(self, schema: Mapping[str, Any], *, description: str, example: Any, default: Any = missing) -> None:
        super().__init__(
            load_default=default,
            metadata={**schema, "description": description, "example": example},
        )

    def read(self, text: str) -> T:
        """Return the value that `text` writes, or raise `ValueError` with a sentence for the caller."""
        raise NotImplementedError

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> T:
        if isinstance(value, Malformed):
            raise ValidationError(value.message)
        try:
            return self.read(value)
        except ValueError as fault:
            raise ValidationError(str(fault)) from fault


class Number(QueryField[int]):
    """A whole number of 32 bits from `minimum` to `maximum` in ASCII digits: no sign, space, point or leading zero."""

    def __init__(self, minimum: int, maximum: int, *, description: str, example: int, default: Any = missing) -> None:
        super().__init__(
            {"type": "integer", "format": "int32", "minimum": minimum, "maximum": maximum},
            description=description,
            example=example,
            default=default,
        )
        self.minimum = minimum
        self.maximum = maximum

    def read(self, text: str) -> int:
        """Return the number, or raise `ValueError`."""
        limits = f"{self.minimum} to {self.maximum}"
        if not text:
            raise ValueError(f"There is no value. Send {limits}, or leave the parameter out.")
        if not _NUMBER.fullmatch(text):
            raise ValueError(
                f'"{shown(text)}" is not a plain whole number. Send {limits} in the digits 0 to 9, without sign, '
                "space, point or leading zero.",
            )
        # The length is looked at first because the standard library refuses to read thousands of digits.
        if len(text) > len(str(self.maximum)) or not self.minimum <= int(text) <= self.maximum:
            raise ValueError(f"{shown(text)} is out of range. Send {limits}.")
        return int(text)


class Flag(QueryField[bool]):
    """`true` or `false`."""

    def __init__(self, *, description: str) -> None:
        super().__init__({"type": "boolean"}, description=description, example=True)

    def read(self, text: str) -> bool:
        """Return whether it is `true`, or raise `ValueError`."""
        if text not in {"true", "false"}:
            raise ValueError(f'"{shown(text)}" is not known. Send true or false, or leave the parameter out.')
        return text == "true"


class Text(QueryField[str]):
    """Any text of at most `longest` characters (code points) without control characters; may be empty."""

    def __init__(self, longest: int, *, description: str, example: str) -> None:
        super().__init__(
            {"type": "string", "maxLength": longest, "pattern": NO_CONTROL_CHARACTERS},
            description=description,
            example=example,
        )
        self.longest = longest

    def read(self, text: str) -> str:
        """Return the text, or raise `ValueError`."""
        if len(text) > self.longest:
            raise ValueError(
                f'"{shown(text)}" has {len(text)} characters, {self.longest} are allowed. Send fewer characters.'
            )
        for char in text:
            if unicodedata.category(char) == "Cc":
                raise ValueError(f'"{shown(text)}" has the control character U+{ord(char):04X}. Leave it out.')
        return text


class Choice(QueryField[E]):
    """One of the `choices`, spelled exactly so; `name` is what the document calls them.

    Other values of their kind may be in answers, but not be asked for.
    """

    def __init__(self, name: str, choices: Iterable[E], *, description: str, example: E) -> None:
        self.shown_only = {other.value for other in type(example)}
        self.choices = {choice.value: choice for choice in choices}
        super().__init__(
            {"type": "string", "enum": list(self.choices), "x-name": name},
            description=description,
            example=example.value,
        )

    def read(self, text: str) -> E:
        """Return the choice, or raise `ValueError`."""
        words = ", ".join(self.choices)
        if not text:
            raise ValueError(f"There is no value. Send one of {words}, or leave the parameter out.")
        if text in self.shown_only - self.choices.keys():
            raise ValueError(
                f'"{text}" is in answers, but cannot be asked for: CC-iSales has no filter for it. Send one of '
                f"{words}, or leave the parameter out for all."
            )
        if text not in self.choices:
            raise ValueError(f'"{shown(text)}" is not known. Send one of {words}, in lower case.')
        return self.choices[text]


class Moment(QueryField[datetime | date]):
    """An RFC 3339 date-time with offset, or a date: see `gateway.api.rfc3339`."""

    def __init__(self, *, description: str, example: str) -> None:
        super().__init__({"type": "string", "pattern": MOMENT_PATTERN}, description=description, example=example)

    def read(self, text: str) -> datetime | date:
        """Return an aware `datetime` or a `date`, or raise `ValueError`."""
        if not text:
            raise ValueError("There is no value. Send a date or a time, or leave the parameter out.")
        return parse_moment(text)
