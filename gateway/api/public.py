"""What callers get: the public shape of a page, its problems, and the bytes of both.

The OpenAPI document is made from these schemas. They only write, so what they say of a field is a promise to callers.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, post_dump, pre_dump

from gateway.api.rfc3339 import utc_text
from gateway.model import CampaignPage, CampaignStatus, DeviceType


class UtcTime(fields.Field[datetime]):
    """An aware time as RFC 3339 in UTC and whole seconds."""

    def __init__(self, *, description: str, example: str) -> None:
        super().__init__(
            required=True,
            allow_none=True,
            metadata={
                "type": "string",
                "format": "date-time",
                "description": description,
                "examples": [example],
            },
        )

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else utc_text(value)


class CampaignSchema(Schema):
    """One campaign."""

    id = fields.Integer(required=True, metadata={"description": "The campaign's number in CC-iSales.", "examples": [3]})
    name = fields.String(required=True, allow_none=True, metadata={"description": "Its name.", "examples": ["666"]})
    status = fields.String(
        required=True,
        metadata={
            "enum": list(CampaignStatus),
            "description": "Where it is in its life; `unknown` for a code that CC-iSales has not documented.",
            "examples": ["draft"],
        },
    )
    device_type = fields.String(
        required=True,
        metadata={
            "enum": list(DeviceType),
            "description": "What places its calls; `unknown` for a code that CC-iSales has not documented.",
            "examples": ["predictive"],
        },
    )
    begins_at = UtcTime(
        description="When it begins. A date of CC-iSales is its first second.", example="2018-11-30T00:00:00Z"
    )
    ends_at = UtcTime(
        description="When it ends. A date of CC-iSales is its last second.", example="2018-11-30T23:59:59Z"
    )
    caller_number = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The number that people who are called see.", "examples": ["10080"]},
    )


class PagePositionSchema(Schema):
    """Which page this is, and of how many."""

    number = fields.Integer(required=True, metadata={"description": "The page's number, from 1.", "examples": [1]})
    size = fields.Integer(required=True, metadata={"description": "Campaigns on a full page.", "examples": [10]})
    total_items = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Campaigns on all pages; null when CC-iSales did not say.", "examples": [3]},
    )
    total_pages = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Pages that hold them; null when CC-iSales did not say.", "examples": [1]},
    )
    left_out = fields.Integer(
        metadata={
            "description": (
                "Campaigns of this page that are missing in `data`, because CC-iSales sent them without an `id` that "
                "can be used; absent when there are none."
            ),
            "minimum": 1,
            "examples": [2],
        },
    )

    @post_dump
    def _nothing_is_not_told(self, position: dict[str, Any], **_: Any) -> dict[str, Any]:
        return position if position["left_out"] else {name: position[name] for name in position if name != "left_out"}


class TotalsSchema(Schema):
    """How many campaigns of each kind there are now, as CC-iSales counts them."""

    skill_queue = fields.Integer(
        required=True,
        allow_none=True,
        attribute="skill_queue_total",
        metadata={
            "description": "Skill-queue campaigns (`curSkillQueueCount`); null when CC-iSales did not say.",
            "examples": [3],
        },
    )
    ivr = fields.Integer(
        required=True,
        allow_none=True,
        attribute="ivr_total",
        metadata={
            "description": "IVR campaigns (`curIvrCount`); null when CC-iSales did not say.",
            "examples": [0],
        },
    )


class CampaignPageSchema(Schema):
    """One page of campaigns."""

    data = fields.List(
        fields.Nested(CampaignSchema), required=True, metadata={"description": "The campaigns, in CC-iSales' order."}
    )
    page = fields.Nested(PagePositionSchema, required=True)
    totals = fields.Nested(TotalsSchema, required=True)

    @pre_dump
    def _arrange(self, page: CampaignPage, **_: Any) -> Mapping[str, Any]:
        return {"data": page.campaigns, "page": page, "totals": page}


class FaultSchema(Schema):
    """One thing that is wrong with one parameter."""

    parameter = fields.String(required=True, metadata={"description": "Its name, as sent.", "examples": ["page_size"]})
    message = fields.String(
        required=True,
        metadata={
            "description": "What is wrong and what to send instead.",
            "examples": ["101 is out of range. Send 1 to 100."],
        },
    )


class UpstreamSchema(Schema):
    """What CC-iSales said."""

    result_code = fields.String(
        required=True,
        attribute="code",
        metadata={"description": "CC-iSales' result code.", "examples": ["0200001"]},
    )
    result_desc = fields.String(
        required=True,
        attribute="description",
        metadata={
            "description": "CC-iSales' words for it, in the language of `Accept-Language`.",
            "examples": ["parameter error"],
        },
    )


class PurgeSchema(Schema):
    """What `DELETE /cache` has done."""

    purged = fields.Integer(
        required=True, metadata={"description": "Pages that were kept and are not any more.", "examples": [12]}
    )
    vdns = fields.List(fields.Integer(), required=True, metadata={"description": "Of these VDNs.", "examples": [[1]]})


class ExplanationSchema(Schema):
    """What is kept for one query, and how good it is."""

    key = fields.String(required=True, metadata={"description": "The cache key of the query."})
    tier = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Where the page is: `process` or `shared`; null when there is none."},
    )
    rung = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "How good it is: `fresh`, `stale-while-revalidate`, `stale-if-error`, `expired`, or null."
        },
    )
    age_s = fields.Float(required=True, allow_none=True, metadata={"description": "Its age in seconds."})
    fresh_for_s = fields.Float(
        required=True, allow_none=True, metadata={"description": "Seconds for which it stays fresh; below 0: stale."}
    )
    fetch_under_way = fields.Boolean(
        required=True, metadata={"description": "Whether this process is fetching it from CC-iSales now."}
    )


class ProblemSchema(Schema):
    """Why there is no page (RFC 9457)."""

    type = fields.String(
        required=True,
        metadata={
            "format": "uri-reference",
            "description": "The kind of problem, and the page that explains it.",
            "examples": ["/problems/invalid-parameters"],
        },
    )
    title = fields.String(required=True, metadata={"description": "The kind of problem, in words."})
    status = fields.Integer(required=True, metadata={"description": "The status of the answer.", "examples": [400]})
    detail = fields.String(required=True, metadata={"description": "What happened this time."})
    instance = fields.String(
        required=True,
        metadata={"format": "uri-reference", "description": "The path that was asked for.", "examples": ["/campaigns"]},
    )
    request_id = fields.String(
        required=True, metadata={"description": "What to tell the operators; the same as `X-Request-Id`."}
    )
    errors = fields.List(
        fields.Nested(FaultSchema), metadata={"description": "Every fault of the parameters, if there are any."}
    )
    upstream = fields.Nested(UpstreamSchema, metadata={"description": "Only when CC-iSales said something."})


def page_body(page: CampaignPage) -> bytes:
    """Return the JSON of `page`, UTF-8: the same bytes for equal pages."""
    return json_bytes(_PAGE.dump(page))


def json_bytes(value: Any) -> bytes:
    """Return `value` as compact JSON in UTF-8, keys as given; `?` for a lone surrogate, which UTF-8 has not."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


_PAGE = CampaignPageSchema()
