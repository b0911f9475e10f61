"""Builds the JSON envelope of the vendor: one page of campaigns, or a failure."""

import json
from collections.abc import Sequence
from typing import Any

from flask import Response

from gateway.simulator import result_codes
from gateway.simulator.campaigns import IVR_DEVICE_TYPES, SKILL_QUEUE_DEVICE_TYPES, Campaign
from gateway.simulator.guesses import NAME_COMPARISONS
from gateway.simulator.query import CampaignQuery

Envelope = dict[str, Any]


def page_of(campaigns: Sequence[Campaign], query: CampaignQuery, name_comparison: str = "contains") -> Envelope:
    """Return the envelope with the page of `campaigns` that `query` asks for; its `data` is empty past the end.

    `totalSize` counts what the filters leave, whatever the page; `curSkillQueueCount` and `curIvrCount` count the
    tenant's campaigns, whatever the filters.
    """
    found = [campaign for campaign in campaigns if matches(campaign, query, name_comparison)]
    start = (query.page - 1) * query.rows_per_page
    return {
        "resultCode": result_codes.SUCCESS,
        "resultDesc": "",
        "returnCode": result_codes.SUCCESS,
        "returnDesc": "",
        "curPage": query.page,
        "totalSize": len(found),
        "rowsPerPage": query.rows_per_page,
        "data": [_row(campaign) for campaign in found[start : start + query.rows_per_page]],
        "curSkillQueueCount": sum(campaign.device_type in SKILL_QUEUE_DEVICE_TYPES for campaign in campaigns),
        "curIvrCount": sum(campaign.device_type in IVR_DEVICE_TYPES for campaign in campaigns),
    }


def failure(code: str, locale: str, detail: str = "") -> Envelope:
    """Return the envelope that says `code`, described for `locale`."""
    description = result_codes.describe(code, locale, detail)
    return {"resultCode": code, "resultDesc": description, "returnCode": code, "returnDesc": description}


def matches(campaign: Campaign, query: CampaignQuery, name_comparison: str = "contains") -> bool:
    """Tell whether every filter of `query` lets `campaign` through."""
    return (
        NAME_COMPARISONS[name_comparison](query.name, campaign.name)
        and query.status in {0, campaign.status}
        and query.device_type in {0, campaign.device_type}
        and (not query.begin_time or campaign.first_second >= query.begin_time)
        and (not query.end_time or campaign.last_second <= query.end_time)
        and query.cc_id in {None, campaign.cc_id}
    )


def _row(campaign: Campaign) -> Envelope:
    return {
        "id": campaign.id,
        "name": campaign.name,
        "status": campaign.status,
        "strBeginTime": campaign.begin,
        "strEndTime": campaign.end,
        "deviceType": campaign.device_type,
        "callerNo": campaign.caller_no,
    }


def encode(envelope: Envelope) -> bytes:
    """Return `envelope` as compact JSON in UTF-8."""
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def json_response(body: bytes, status: int = 200) -> Response:
    """Return the HTTP answer that carries `body` as the vendor labels its JSON."""
    return Response(body, status=status, content_type="application/json;charset=UTF-8")
