"""The vendor's fields (its interface description), read tolerantly.

A field that is absent or null is left out or `None`; one of an odd type is an error of that field alone, with which
marshmallow hands over all others (`ValidationError.valid_data`). Fields that nobody has described are left out.
"""

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from gateway.isales.numbers import decimal_text, whole_number
from gateway.isales.text import well_formed


class WholeNumber(fields.Field[int]):
    """A whole number from 0 to 2**63 - 1 however JSON writes it, or its decimal digits as a string.

    marshmallow's own `Integer` also takes `1.9`, `1_0`, ` 7 ` and digits of other scripts, and with `strict` no `3.0`.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_kwargs: Any) -> int:
        number = whole_number(value)
        if number is None:
            raise ValidationError("not a whole number")
        return number


class Text(fields.Field[str]):
    """A string, or a number as its decimal string. Lone surrogates are replaced."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **_kwargs: Any) -> str:
        if isinstance(value, str):
            return well_formed(value)
        text = decimal_text(value)
        if text is None:
            raise ValidationError("not a text")
        return text


class _TolerantSchema(Schema):
    class Meta:
        unknown = EXCLUDE


class RowSchema(_TolerantSchema):
    """One campaign."""

    id = WholeNumber(allow_none=True)
    name = Text(allow_none=True)
    status = WholeNumber(allow_none=True)
    begins = Text(allow_none=True, data_key="strBeginTime")
    ends = Text(allow_none=True, data_key="strEndTime")
    device_type = WholeNumber(allow_none=True, data_key="deviceType")
    caller_number = Text(allow_none=True, data_key="callerNo")


class PageSchema(_TolerantSchema):
    """The envelope of a page, less the result code, read before, and the rows, each of which is read by itself.

    Number and size are those that CC-iSales speaks of.
    """

    number = WholeNumber(allow_none=True, data_key="curPage")
    size = WholeNumber(allow_none=True, data_key="rowsPerPage")
    total_items = WholeNumber(allow_none=True, data_key="totalSize")
    skill_queue_total = WholeNumber(allow_none=True, data_key="curSkillQueueCount")
    ivr_total = WholeNumber(allow_none=True, data_key="curIvrCount")
