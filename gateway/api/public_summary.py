"""The public shape of counts: how many campaigns there are, by status and by device type."""

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import fields, pre_dump

from gateway.api.public import AnswerSchema, Count, TotalsSchema
from gateway.results.counts import DEVICE_TYPES, OTHER, STATUSES, Counts


def _counts(words: Iterable[str], example: Mapping[str, int], other: str) -> dict[str, fields.Field[Any]]:
    counts: dict[str, fields.Field[Any]] = {
        str(word): Count(description=f"Those that are `{word}`.", example=example[word], allow_none=True)
        for word in words
    }
    return {**counts, OTHER: Count(description=other, example=example[OTHER], allow_none=True)}


StatusCountsSchema = AnswerSchema.from_dict(
    _counts(
        STATUSES,
        {"running": 60, "paused": 70, "completed": 80, OTHER: 40},
        "All others: drafts, and those whose status CC-iSales has not documented.",
    ),
    name="StatusCountsSchema",
)
StatusCountsSchema.__doc__ = "Campaigns by status; null where CC-iSales did not say how many."

DeviceTypeCountsSchema = AnswerSchema.from_dict(
    _counts(
        DEVICE_TYPES,
        dict.fromkeys([*DEVICE_TYPES], 50) | {OTHER: 0},
        "All others: those whose device type CC-iSales has not documented.",
    ),
    name="DeviceTypeCountsSchema",
)
DeviceTypeCountsSchema.__doc__ = "Campaigns by device type; null where CC-iSales did not say how many."


class SummarySchema(AnswerSchema):
    """How many campaigns there are. Counts are as of moments that may be some seconds apart."""

    total = Count(
        description="All campaigns that the filters leave; null when CC-iSales did not say.",
        example=250,
        allow_none=True,
    )
    by_status = fields.Nested(StatusCountsSchema, required=True)
    by_device_type = fields.Nested(DeviceTypeCountsSchema, required=True)
    totals = fields.Nested(TotalsSchema, required=True)

    @pre_dump
    def _arrange(self, counts: Counts, **_: Any) -> Mapping[str, Any]:
        return {
            "total": counts.total,
            "by_status": counts.by_status,
            "by_device_type": counts.by_device_type,
            "totals": counts,
        }
