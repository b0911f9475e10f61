"""The public bytes of a page."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from gateway.api.public import CampaignPageSchema, json_bytes, page_body
from gateway.model import Campaign, CampaignPage, CampaignStatus, DeviceType
from tests.support.openapi import require

TEXTS = st.none() | st.text(st.characters(exclude_categories=()))
TIMES = st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis takes naive bounds
GREATEST = 2**63 - 1
COUNTS = st.none() | st.integers(0, GREATEST)
CAMPAIGNS = st.builds(
    Campaign,
    id=st.integers(0, GREATEST),
    name=TEXTS,
    status=st.sampled_from(CampaignStatus),
    device_type=st.sampled_from(DeviceType),
    begins_at=TIMES,
    ends_at=TIMES,
    caller_number=TEXTS,
)
PAGES = st.builds(
    CampaignPage,
    campaigns=st.lists(CAMPAIGNS, max_size=3).map(tuple),
    number=st.integers(1, 2**31 - 1),
    size=st.integers(1, 100),
    total_items=COUNTS,
    skill_queue_total=COUNTS,
    ivr_total=COUNTS,
)


def test_the_bytes_of_a_page() -> None:
    """Keys come in the order of the contract, without blanks, texts as UTF-8, times in UTC and whole seconds."""
    begins_at = datetime(2018, 11, 30, 8, tzinfo=timezone(timedelta(hours=8)))
    campaign = Campaign(
        3, "秋季 <é>", CampaignStatus.DRAFT, DeviceType.PREDICTIVE, begins_at, datetime(987, 1, 2, tzinfo=UTC), "10080"
    )
    assert page_body(CampaignPage((campaign,), 1, 10, 31, 3, 0)).decode() == (
        '{"data":[{"id":3,"name":"秋季 <é>","status":"draft","device_type":"predictive",'
        '"begins_at":"2018-11-30T00:00:00Z","ends_at":"0987-01-02T00:00:00Z","caller_number":"10080"}],'
        '"page":{"number":1,"size":10,"total_items":31,"total_pages":4},"totals":{"skill_queue":3,"ivr":0}}'
    )


def test_what_is_left_out_is_told() -> None:
    """How many campaigns are missing stands beside the page's place, and nowhere where none is."""
    page = CampaignPage((), 1, 10, 2, None, None, left_out=2)
    position = {"number": 1, "size": 10, "total_items": 2, "total_pages": 1}
    assert json.loads(page_body(page))["page"] == {**position, "left_out": 2}
    assert json.loads(page_body(replace(page, left_out=0)))["page"] == position


def test_what_is_not_known_is_null() -> None:
    """Absent texts, times and counts are null, never left out."""
    campaign = Campaign(1, None, CampaignStatus.UNKNOWN, DeviceType.UNKNOWN, None, None, None)
    assert json.loads(page_body(CampaignPage((campaign,), 2, 10, None, None, None))) == {
        "data": [
            {
                "id": 1,
                "name": None,
                "status": "unknown",
                "device_type": "unknown",
                "begins_at": None,
                "ends_at": None,
                "caller_number": None,
            }
        ],
        "page": {"number": 2, "size": 10, "total_items": None, "total_pages": None},
        "totals": {"skill_queue": None, "ivr": None},
    }


@given(PAGES, PAGES)
def test_equal_pages_have_equal_bytes_and_all_are_json(page: CampaignPage, other: CampaignPage) -> None:
    """The bytes depend on the data alone, and are UTF-8 and JSON for any data."""
    body = page_body(page)
    again = page_body(CampaignPage(page.campaigns, page.number, page.size, *_totals(page)))
    assert body == again
    assert (body == page_body(other)) or page != other
    assert json.loads(body.decode())["page"]["number"] == page.number


@given(PAGES)
def test_the_bytes_are_those_of_the_schema(page: CampaignPage) -> None:
    """Rows are written past the schema, and to the byte as that dumps them."""
    assert page_body(page) == json_bytes(CampaignPageSchema().dump(page))


@given(PAGES)
def test_a_page_is_what_the_document_tells(page: CampaignPage) -> None:
    """No field is missing, none is more than is told, and no number is greater."""
    require("CampaignPage", json.loads(page_body(page)))


def test_a_lone_surrogate_does_not_fail_the_page() -> None:
    """A text that UTF-8 cannot hold is sent with question marks."""
    assert json_bytes({"a": "x\ud800y"}) == b'{"a":"x?y"}'


def _totals(page: CampaignPage) -> tuple[int | None, int | None, int | None]:
    return page.total_items, page.skill_queue_total, page.ivr_total
