"""Numbers of the vendor, by value: JSON has one kind of them (RFC 8259, section 6), so `3`, `3.0` and `3e0` are one.

Nothing here passes through a float, which holds whole numbers exactly up to 2**53 only. An exponent of a few characters
must not become a number of gigabytes, so sizes are looked at before anything is written out.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Final

BIGGEST: Final = 2**63 - 1
MOST_DIGITS: Final = 64
"""A number with more digits before or after its point is not written out; the vendor's longest numbers have 24."""

_DIGITS: Final = re.compile("[0-9]{1,19}")
_NOT_HELD: Final = Decimal("NaN")


def exact(text: str) -> Decimal:
    """Return what `text`, a number of JSON, says; NaN for an exponent that nobody can mean."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return _NOT_HELD


def whole_number(value: object) -> int | None:
    """Return the whole number from 0 to 2**63 - 1 that `value` of JSON is, or that its digits name; else `None`."""
    if isinstance(value, str):
        value = int(value) if _DIGITS.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    if not number.is_finite() or not 0 <= number <= BIGGEST or number != number.to_integral_value():
        return None
    return int(number)


def decimal_text(value: object) -> str | None:
    """Return the number `value` of JSON in decimal digits, without an exponent or zeros at its end; else `None`."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    if not number.is_finite() or number.adjusted() >= MOST_DIGITS:
        return None
    if number == number.to_integral_value():
        return str(int(number))
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MOST_DIGITS:
        return None
    return format(number, "f").rstrip("0")
