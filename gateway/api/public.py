"""What callers get: the public shape of a page, its problems, and the bytes of both.

The OpenAPI document is made from these schemas. They only write, so what they say of a field is a promise to callers.
They are open: an answer may have more fields tomorrow (RFC 9457, section 3.2, says so of problems), and a client that
was generated today must go on. That today's answers have no field which is not told here is the matter of the tests.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, fields, post_dump, pre_dump

from gateway.api.campaign_json import campaign_json
from gateway.api.rfc3339 import utc_text
from gateway.model import CampaignPage, CampaignStatus, DeviceType, OthersHear

MAX_INT32: Final = 2**31 - 1
MAX_INT64: Final = 2**63 - 1
"""The greatest id and count that there may be: what CC-iSales' numbers are read into."""


class WholeNumber(fields.Integer):
    """A whole number from `minimum` to `maximum`, with the format that has generated code make room for it.

    Without one, code for Java, Go, C#, Kotlin and Rust takes 32 bits, and fails at one greater number.
    """

    def __init__(
        self, minimum: int, maximum: int, *, description: str, example: Any, required: bool = True, **options: Any
    ) -> None:
        of_64_bits = maximum > MAX_INT32
        super().__init__(
            required=required,
            metadata={
                "format": "int64" if of_64_bits else "int32",
                "minimum": minimum,
                "maximum": maximum,
                "description": description,
                "examples": [example],
            },
            **options,
        )


class Count(WholeNumber):
    """How many there are of something; null where CC-iSales did not say, if `allow_none`."""

    def __init__(self, *, description: str, example: Any, **options: Any) -> None:
        super().__init__(0, MAX_INT64, description=description, example=example, **options)


class Text(fields.String):
    """A text, with an example where that says more."""

    def __init__(self, *, description: str, example: str = "", **options: Any) -> None:
        shown = {"examples": [example]} if example else {}
        super().__init__(required=True, metadata={"description": description, **shown}, **options)


class Word(fields.String):
    """One of the words of an enumeration, which has a name of its own in the document."""

    def __init__(self, words: type[StrEnum], *, description: str, example: StrEnum) -> None:
        super().__init__(
            required=True,
            metadata={
                "enum": [word.value for word in words],
                "x-name": words.__name__,
                "description": description,
                "examples": [example.value],
            },
        )


class Seconds(fields.Float):
    """Seconds, or null."""

    def __init__(self, *, description: str, example: float) -> None:
        # Without the format, code for Go takes 32 bits.
        super().__init__(
            required=True,
            allow_none=True,
            metadata={"format": "double", "description": description, "examples": [example]},
        )


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


class AnswerSchema(Schema):
    """What callers get. It is open: it may have more fields one day."""

    class Meta:
        """Say nothing of fields that are not told of, which is to allow them (JSON Schema, `additionalProperties`)."""

        unknown = EXCLUDE


class CampaignSchema(AnswerSchema):
    """One campaign."""

    id = WholeNumber(
        0,
        MAX_INT64,
        description="The campaign's number in CC-iSales: up to 64 bits. Numbers above 9007199254740991 (2^53 - 1) lose "
        "digits in JavaScript's `JSON.parse`; read them from the text there, as `JSON.parse` with the `context.source` "
        "of a reviver does, or a library for big numbers.",
        example=3,
    )
    name = Text(description="Its name.", example="666", allow_none=True)
    status = Word(
        CampaignStatus,
        description="Where it is in its life. `running` is one that was started: it may not have begun yet, or have "
        "called all its numbers, so it does not say that calls are being made. `completed` is one that has "
        "expired: it can be changed and run again, so it is not final. `draft` was not started yet; "
        "`unknown` stands for a code that CC-iSales has not documented.",
        example=CampaignStatus.DRAFT,
    )
    device_type = Word(
        DeviceType,
        description="What places its calls; `unknown` for a code that CC-iSales has not documented.",
        example=DeviceType.PREDICTIVE,
    )
    begins_at = UtcTime(
        description="When it begins. A date of CC-iSales is its first second.", example="2018-11-30T00:00:00Z"
    )
    ends_at = UtcTime(
        description="When it ends. A date of CC-iSales is its last second.", example="2018-11-30T23:59:59Z"
    )
    caller_number = Text(description="The number that people who are called see.", example="10080", allow_none=True)


class PagePositionSchema(AnswerSchema):
    """Which page this is, and of how many."""

    number = WholeNumber(1, MAX_INT32, description="The page's number, from 1.", example=1)
    size = WholeNumber(1, 100, description="Campaigns on a full page.", example=10)
    total_items = Count(
        description="Campaigns on all pages; null when CC-iSales did not say, or fewer than it sent.",
        example=3,
        allow_none=True,
    )
    total_pages = Count(description="Pages that hold them; null where `total_items` is.", example=1, allow_none=True)
    left_out = WholeNumber(
        1,
        MAX_INT32,
        description="Campaigns of this page that are missing in `data`, because CC-iSales sent them without an `id` "
        "that can be used; absent when there are none.",
        example=2,
        required=False,
    )

    @post_dump
    def _nothing_is_not_told(self, position: dict[str, Any], **_: Any) -> dict[str, Any]:
        return position if position["left_out"] else {name: position[name] for name in position if name != "left_out"}


class TotalsSchema(AnswerSchema):
    """How many campaigns of each kind there are now, as CC-iSales counts them: of the VDN, as far as is known."""

    skill_queue = Count(
        attribute="skill_queue_total",
        description="Skill-queue campaigns (`curSkillQueueCount`); null when CC-iSales did not say.",
        example=3,
        allow_none=True,
    )
    ivr = Count(
        attribute="ivr_total",
        description="IVR campaigns (`curIvrCount`); null when CC-iSales did not say.",
        example=0,
        allow_none=True,
    )


class CampaignPageSchema(AnswerSchema):
    """One page of campaigns."""

    data = fields.List(
        fields.Nested(CampaignSchema), required=True, metadata={"description": "The campaigns, in CC-iSales' order."}
    )
    page = fields.Nested(PagePositionSchema, required=True)
    totals = fields.Nested(TotalsSchema, required=True)

    @pre_dump
    def _arrange(self, page: CampaignPage, **_: Any) -> Mapping[str, Any]:
        return {"data": page.campaigns, "page": page, "totals": page}


class FaultSchema(AnswerSchema):
    """One thing that is wrong with one parameter."""

    parameter = Text(description="Its name, as sent.", example="page_size")
    message = Text(description="What is wrong and what to send instead.", example="101 is out of range. Send 1 to 100.")


class UpstreamSchema(AnswerSchema):
    """What CC-iSales said."""

    result_code = Text(description="CC-iSales' result code.", example="0200001", attribute="code")
    result_desc = Text(
        description="CC-iSales' words for it, in the language of `Accept-Language`.",
        example="parameter error",
        attribute="description",
    )


class PurgeSchema(AnswerSchema):
    """What `DELETE /cache` has done."""

    purged = Count(description="Pages whose freshness was ended, or which were forgotten.", example=12)
    vdns = fields.List(
        WholeNumber(1, 9999, description="A VDN.", example=1),
        required=True,
        metadata={"description": "Of these VDNs.", "examples": [[1]]},
    )
    others_hear = Word(
        OthersHear,
        description="How other processes hear of it: `at_once`; `soon`, within half a second, where Redis refuses to "
        "pass news on; `never`, for each process keeps pages for itself.",
        example=OthersHear.AT_ONCE,
    )


class ExplanationSchema(AnswerSchema):
    """What is kept for one query, and how good it is."""

    key = Text(description="The cache key of the query.")
    tier = Text(description="Where the page is: `process` or `shared`; null when there is none.", allow_none=True)
    rung = Text(
        description="How good it is: `fresh`, `stale-while-revalidate`, `stale-if-error`, `expired`, or null.",
        allow_none=True,
    )
    age_s = Seconds(description="Its age in seconds.", example=4.2)
    fresh_for_s = Seconds(description="Seconds for which it stays fresh; below 0: stale.", example=10.8)
    fetch_under_way = fields.Boolean(
        required=True, metadata={"description": "Whether this process is fetching it from CC-iSales now."}
    )


class Credential(StrEnum):
    """What a caller has shown to be known: an API key, or a bearer token."""

    API_KEY = "api_key"
    TOKEN = "token"  # noqa: S105 -- the word for it


class ReadableVdnSchema(AnswerSchema):
    """One VDN that the caller may read."""

    vdn = WholeNumber(1, 9999, description="Its number.", example=1)
    name = Text(description="What people call it.", example="Hotline")
    time_zone = Text(
        description="The zone of its days, an IANA name: a date in a query is a day there.", example="Africa/Cairo"
    )


class CallerSchema(AnswerSchema):
    """Whose the credentials are, and what they may do."""

    client = Text(description="Who it is, as the logs name it.", example="web")
    credential = Word(Credential, description="What was shown.", example=Credential.API_KEY)
    vdns = fields.List(
        fields.Nested(ReadableVdnSchema),
        required=True,
        metadata={"description": "The VDNs that it may read, by number; empty for none."},
    )
    scopes = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "What it may do: `campaigns:read`, `cache:purge`, `diagnostics:read`; empty for nothing.",
            "examples": [["campaigns:read"]],
        },
    )
    requests_per_minute = WholeNumber(
        1,
        MAX_INT32,
        description="Its limit on requests that no fresh page answers, in any minute; null for none.",
        example=60,
        allow_none=True,
    )


class ProblemSchema(AnswerSchema):
    """Why there is no page (RFC 9457)."""

    type = fields.String(
        required=True,
        metadata={
            "format": "uri-reference",
            "description": "The kind of problem, and the page that explains it: relative to the URL that was asked "
            "for, like `instance` (RFC 3986). Its last segment is the name of the kind.",
            "examples": ["problems/invalid-parameters"],
        },
    )
    title = Text(description="The kind of problem, in words.")
    status = WholeNumber(100, 599, description="The status of the answer.", example=400)
    detail = Text(description="What happened this time.")
    instance = fields.String(
        required=True,
        metadata={"format": "uri-reference", "description": "The path that was asked for.", "examples": ["campaigns"]},
    )
    request_id = Text(description="What to tell the operators; the same as `X-Request-Id`.")
    errors = fields.List(
        fields.Nested(FaultSchema), metadata={"description": "Every fault of the parameters, if there are any."}
    )
    upstream = fields.Nested(UpstreamSchema, metadata={"description": "Only when CC-iSales said something."})


def page_body(page: CampaignPage) -> bytes:
    """Return the JSON of `page`, UTF-8: the same bytes for equal pages."""
    rows = ",".join(map(campaign_json, page.campaigns))
    return f'{{"data":[{rows}],'.encode("utf-8", "replace") + json_bytes(_ALL_BUT_DATA.dump(page))[1:]


def json_bytes(value: Any) -> bytes:
    """Return `value` as compact JSON in UTF-8, keys as given; `?` for a lone surrogate, which UTF-8 has not."""
    return _JSON.encode(value).encode("utf-8", "replace")


_ALL_BUT_DATA = CampaignPageSchema(exclude=("data",))
# Made once: `json.dumps` makes one each time, which takes longer than a campaign.
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
