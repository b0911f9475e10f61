"""Filters, pages and counts, as laws over every query."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.campaigns import Campaign, campaigns_of
from gateway.simulator.envelope import encode, failure, page_of
from gateway.simulator.query import CampaignQuery

SAMPLE = Path(__file__).parents[2] / "vendor" / "campaigns-sample.json"
TIMES = st.sampled_from(["", "2026-01-01 00:00:00", "2026-04-05 10:00:00", "2026-09-30 23:59:59"])
QUERIES = st.builds(
    CampaignQuery,
    name=st.sampled_from(["", "sale", "十一", "1-2", "nowhere", "%"]),
    status=st.sampled_from([0, 2, 3, 4]),
    device_type=st.sampled_from([0, 1, 2, 3, 5, 6]),
    begin_time=TIMES,
    end_time=TIMES,
    page=st.integers(1, 30),
    rows_per_page=st.integers(1, 100),
    cc_id=st.sampled_from([None, 1, 2, 3]),
)
ALL = CampaignQuery("", 0, 0, "", "", 1, 10, None)


def test_keys_are_in_the_order_of_the_vendors_sample() -> None:
    """Envelope and rows have the sample's keys in the sample's order, and values of the sample's types."""
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    made = page_of(campaigns_of(1), ALL)
    assert list(made) == list(sample)
    assert list(made["data"][0]) == list(sample["data"][0])
    assert {key: type(value) for key, value in made.items()} == {key: type(value) for key, value in sample.items()}
    assert [type(value) for value in made["data"][0].values()] == [type(value) for value in sample["data"][0].values()]


def test_counts_without_filters() -> None:
    """Without filters there are 250 campaigns, 150 of them of skill queues and 100 of IVR."""
    made = page_of(campaigns_of(1), ALL)
    assert (made["totalSize"], made["curSkillQueueCount"], made["curIvrCount"]) == (250, 150, 100)


@given(QUERIES)
def test_page_is_no_larger_than_asked_and_counts_agree(query: CampaignQuery) -> None:
    """Every page has the rows that are left for it, and the two counts are the tenant's, whatever is asked for."""
    made = page_of(campaigns_of(1), query)
    left = made["totalSize"] - (query.page - 1) * query.rows_per_page
    assert len(made["data"]) == max(0, min(query.rows_per_page, left))
    assert (made["curSkillQueueCount"], made["curIvrCount"]) == (150, 100)
    assert (made["curPage"], made["rowsPerPage"]) == (query.page, query.rows_per_page)


@given(QUERIES)
def test_rows_satisfy_the_filters(query: CampaignQuery) -> None:
    """Each row that comes has what was asked for, judged by the row alone."""
    for row in page_of(campaigns_of(1), query)["data"]:
        assert query.name in row["name"]
        assert query.status in (0, row["status"])
        assert query.device_type in (0, row["deviceType"])
        assert not query.begin_time or row["strBeginTime"][:10] >= query.begin_time[:10]
        assert not query.end_time or row["strEndTime"][:10] <= query.end_time[:10]


@given(QUERIES)
def test_filters_narrow_each_other(query: CampaignQuery) -> None:
    """All filters together find exactly what each of them finds alone."""

    def ids(**filters: Any) -> set[int]:
        pages = (page_of(campaigns_of(1), replace(ALL, page=page, rows_per_page=100, **filters)) for page in (1, 2, 3))
        return {row["id"] for made in pages for row in made["data"]}

    filters = {
        name: getattr(query, name) for name in ("name", "status", "device_type", "begin_time", "end_time", "cc_id")
    }
    assert ids(**filters) == set.intersection(*(ids(**{name: value}) for name, value in filters.items()))


@pytest.mark.parametrize("size", [1, 7, 10, 100])
def test_pages_together_are_the_whole(size: int) -> None:
    """Page after page gives every campaign once, newest first."""
    ids: list[int] = []
    for page in range(1, 252):
        rows = page_of(campaigns_of(2), CampaignQuery("", 0, 0, "", "", page, size, None))["data"]
        if not rows:
            break
        ids += [row["id"] for row in rows]
    assert ids == [campaign.id for campaign in campaigns_of(2)]


def test_status_filters_leave_the_drafts_out() -> None:
    """The three statuses that can be asked for make up all but the drafts."""
    totals = [
        page_of(campaigns_of(1), CampaignQuery("", status, 0, "", "", 1, 1, None))["totalSize"]
        for status in (0, 2, 3, 4)
    ]
    assert totals == [250, 60, 70, 80]


@pytest.mark.parametrize("cc_id", [1, 2])
def test_call_centre_filter(cc_id: int) -> None:
    """Each of the two call centres has half of the campaigns."""
    assert page_of(campaigns_of(1), CampaignQuery("", 0, 0, "", "", 1, 1, cc_id))["totalSize"] == 125


def test_bare_dates_are_whole_days() -> None:
    """A campaign with bare dates is found from the first second of its first day to the last of its last."""
    bare = (Campaign(1, "bare", 2, 2, "2026-01-05", "2026-01-06", "1", 1),)

    def found(begin: str, end: str) -> int:
        total: int = page_of(bare, CampaignQuery("", 0, 0, begin, end, 1, 10, None))["totalSize"]
        return total

    assert found("2026-01-05 00:00:00", "2026-01-06 23:59:59") == 1
    assert found("2026-01-05 00:00:01", "") == 0
    assert found("", "2026-01-06 23:59:58") == 0


def test_failure_has_both_pairs_in_the_language_asked_for() -> None:
    """A failure says the same twice, in Chinese unless English is asked for, with the detail."""
    assert failure("02000001", "en_US", "status") == {
        "resultCode": "02000001",
        "resultDesc": "a parameter is empty: status",
        "returnCode": "02000001",
        "returnDesc": "a parameter is empty: status",
    }
    assert failure("02000001", "zh_CN")["resultDesc"] == "参数为空"
    assert failure("02000001", "fr_FR")["resultDesc"] == "参数为空"
    assert failure("0299999", "en_US")["resultDesc"] == "unknown error"


def test_text_is_sent_as_utf_8() -> None:
    """Chinese is in the JSON as itself."""
    assert encode({"name": "十一"}) == '{"name":"十一"}'.encode()
