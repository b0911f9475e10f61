import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamBrokenContract
from gateway.isales.drift import Drift, DriftKind
from gateway.isales.envelope import decode
from gateway.isales.translate import Translation, as_described, translate
from gateway.model import Campaign, CampaignPage, CampaignQuery, CampaignStatus, DeviceType
from tests.unit.isales.vendor import QUERY, envelope, row

SAMPLE = json.loads((Path(__file__).parents[2] / "vendor" / "campaigns-sample.json").read_text(encoding="utf-8"))
UTC_ZONE = ZoneInfo("UTC")

SCALARS = st.none() | st.booleans() | st.integers() | st.decimals() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
ROW_NAMES = st.sampled_from(["id", "name", "status", "strBeginTime", "strEndTime", "deviceType", "callerNo", "new"])
ROWS = st.dictionaries(ROW_NAMES, JSON) | JSON
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "resultCode": JSON,
        "curPage": JSON,
        "totalSize": JSON,
        "rowsPerPage": JSON,
        "curSkillQueueCount": JSON,
        "curIvrCount": JSON,
        "data": st.lists(ROWS) | JSON,
        "new": JSON,
    },
)


def translated(**changes: Any) -> Translation:
    return translate(envelope(**changes), QUERY, UTC_ZONE)


def only(**fields: Any) -> Campaign:
    (campaign,) = translated(data=[row(**fields)], totalSize=1).page.campaigns
    return campaign


def kinds(translation: Translation) -> list[str]:
    return sorted(drift.kind for drift in translation.drifts)


def test_the_vendors_sample_answer() -> None:
    """The vendor's own sample answer becomes three campaigns, drafts among them, without drift."""
    translation = translate(SAMPLE, QUERY, UTC_ZONE)
    first = Campaign(
        id=3,
        name="666",
        status=CampaignStatus.DRAFT,
        device_type=DeviceType.PREDICTIVE,
        begins_at=datetime(2018, 11, 30, tzinfo=UTC),
        ends_at=datetime(2018, 11, 30, 23, 59, 59, tzinfo=UTC),
        caller_number="10080",
    )
    assert translation.page.campaigns[0] == first
    assert [campaign.id for campaign in translation.page.campaigns] == [3, 4, 2]
    assert replace(translation.page, campaigns=()) == CampaignPage((), 1, 10, 3, 3, 0)
    assert translation.drifts == ()


@given(ENVELOPES)
def test_whatever_json_comes(document: dict[str, Any]) -> None:
    """Any object is a page that can be written as UTF-8, or is the one error for what is no page."""
    try:
        page = translate(document, QUERY, UTC_ZONE).page
    except UpstreamBrokenContract:
        return
    assert (page.number, page.size) == (QUERY.page, QUERY.page_size)
    for campaign in page.campaigns:
        assert type(campaign.id) is int
        assert f"{campaign.name}{campaign.caller_number}".encode()


@pytest.mark.parametrize("data", [{}, "[]", 0, False, True, "3"])
def test_data_that_is_no_list_is_no_page(data: Any) -> None:
    """A page's rows come in a list and in nothing else."""
    with pytest.raises(UpstreamBrokenContract):
        translated(data=data)


@pytest.mark.parametrize(("page", "total", "is_page"), [(1, 0, True), (2, 10, True), (2, 11, False), (1, "0", True)])
@pytest.mark.parametrize("absent", [True, False])
def test_no_data_is_a_page_where_the_total_says_so(*, page: int, total: Any, is_page: bool, absent: bool) -> None:
    """Absent or null rows are none where there are none, and an error where there must be some."""
    document = envelope(totalSize=total, data=None)
    if absent:
        del document["data"]
    query = replace(QUERY, page=page)
    if is_page:
        assert translate(document, query, UTC_ZONE).page.campaigns == ()
    else:
        with pytest.raises(UpstreamBrokenContract):
            translate(document, query, UTC_ZONE)


@pytest.mark.parametrize("total", [None, "many", -1])
def test_no_data_and_no_total_is_no_page(total: Any) -> None:
    """Without rows and without a usable total nobody knows whether there are rows."""
    with pytest.raises(UpstreamBrokenContract):
        translated(totalSize=total, data=None)


@pytest.mark.parametrize(
    "unusable",
    [None, True, -1, "", "-1", "+1", " 7 ", "1_0", "１", "0x1", "1.0", "7\n", 2**63, str(2**63), [], {}],
)
def test_a_row_without_a_usable_id_is_left_out(unusable: Any) -> None:
    """One bad row is left out and told of, and the others stay."""
    translation = translated(data=[row(id=1), row(id=unusable), row(id="2")], totalSize=3)
    assert [campaign.id for campaign in translation.page.campaigns] == [1, 2]
    assert translation.page.left_out == 1
    assert kinds(translation) == ["row_left_out"]
    assert translation.usable_page() is translation.page


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("3.0", 3),
        ("3e0", 3),
        ("30E-1", 3),
        ("1e5", 100_000),
        ("1.0E+5", 100_000),
        ('"3"', 3),
        ("-0.0", 0),
        ("9007199254740993.0", 2**53 + 1),
        ("9007199254740993", 2**53 + 1),
        ("9.223372036854775807e18", 2**63 - 1),
        ("3.000000000000000000000000000000000000000000", 3),
    ],
)
def test_a_whole_number_counts_by_its_value(written: str, number: int) -> None:
    """However JSON writes a number it is the same one, to the last digit, as an id and as any count."""
    document = f'{{"resultCode": "0200000", "curIvrCount": {written}, "data": [{{"id": {written}}}]}}'
    translation = translate(decode(document.encode()), QUERY, UTC_ZONE)
    assert [campaign.id for campaign in translation.page.campaigns] == [number]
    assert translation.page.ivr_total == number
    assert translation.drifts == ()


@pytest.mark.parametrize("written", ["4.0", "40e-1"])
def test_codes_count_by_their_value_too(written: str) -> None:
    """A status or a device type with a point is the one that it is."""
    document = f'{{"resultCode": "0200000", "data": [{{"id": 1, "status": {written}, "deviceType": 2.0}}]}}'
    (campaign,) = translate(decode(document.encode()), QUERY, UTC_ZONE).page.campaigns
    assert (campaign.status, campaign.device_type) == (CampaignStatus.COMPLETED, DeviceType.PREDICTIVE)


@pytest.mark.parametrize(
    ("written", "shape"),
    [
        ("3.5", "9.9"),
        ("-3.0", "-9.9"),
        ("3.0000000000000000000000000000000000001", "9.999999999999999999999999999999"),
        ("9.223372036854775808e18", "9999999999999999999"),
        ("1e999999999", "9a+999999999"),
        ("1e99999999999999999999", "aaa"),
        ("1e-99999999999999999999", "aaa"),
    ],
)
def test_a_number_that_is_no_id_leaves_its_row_out(written: str, shape: str) -> None:
    """A part of one, one below 0 and one too large are refused and counted, and nothing of their size is written."""
    document = f'{{"resultCode": "0200000", "data": [{{"id": {written}}}, {{"id": 2}}], "totalSize": {written}}}'
    translation = translate(decode(document.encode()), QUERY, UTC_ZONE)
    assert [campaign.id for campaign in translation.page.campaigns] == [2]
    assert (translation.page.left_out, translation.page.total_items) == (1, None)
    assert set(translation.drifts) == {
        Drift(DriftKind.ROW_LEFT_OUT, "id", shape),
        Drift(DriftKind.ODD_TYPE, "totalSize", shape),
    }


def test_a_page_of_which_nothing_is_left_is_no_page() -> None:
    """Where campaigns were sent and none can be used, that is an error which says what is wrong with the first."""
    translation = translated(data=[row(id="A-7"), None], totalSize=2)
    assert kinds(translation) == ["row_left_out", "row_left_out"]
    with pytest.raises(UpstreamBrokenContract, match=r"None of the 2 campaigns .* in the first there is: a-9\."):
        translation.usable_page()
    assert translated(data=[]).usable_page().campaigns == ()


@pytest.mark.parametrize(("no_row", "told"), [({"name": "x"}, "nothing"), (row(id=None), "null"), (7, "number")])
def test_what_is_wrong_with_the_first_is_said_in_words_of_json(no_row: Any, told: str) -> None:
    """An `id` that is not there is nothing, and no word is one of Python's."""
    with pytest.raises(UpstreamBrokenContract, match=rf"in the first there is: {told}\."):
        translated(data=[no_row], totalSize=1).usable_page()


@pytest.mark.parametrize("no_row", [None, 1, "row", [], [{"id": 1}], {}])
def test_what_is_no_row_is_left_out(no_row: Any) -> None:
    """An element of the list that is no object, or an empty one, does not fail the page."""
    translation = translated(data=[no_row, row(id=2)])
    assert [campaign.id for campaign in translation.page.campaigns] == [2]
    assert kinds(translation) == ["row_left_out"]


@pytest.mark.parametrize(
    ("code", "status"),
    [(1, "draft"), (2, "running"), (3, "paused"), ("4", "completed"), (0, "unknown"), (99, "unknown")],
)
def test_statuses(code: Any, status: str) -> None:
    """Each status code has its word, as a number or a string, and any other is unknown."""
    assert only(status=code).status == status


@pytest.mark.parametrize(
    ("code", "device_type"),
    [
        (1, "intelligent_ivr"),
        ("2", "predictive"),
        (3, "automatic_ivr"),
        (5, "preview"),
        (6, "preempted"),
        (4, "unknown"),
    ],
)
def test_device_types(code: Any, device_type: str) -> None:
    """Each device code has its word, as a number or a string, and any other is unknown."""
    assert only(deviceType=code).device_type == device_type


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("春节", "春节"),
        ("", ""),
        (10080, "10080"),
        (-1, "-1"),
        (Decimal("1.50"), "1.5"),
        (Decimal("10080.0"), "10080"),
        (Decimal("1.38e10"), "13800000000"),
        (Decimal("1e22"), "10000000000000000000000"),
        (Decimal("1e63"), "1" + "0" * 63),
        (Decimal("1e64"), None),
        (Decimal("1e999999999"), None),
        (Decimal("1e-999999999"), None),
        (Decimal("NaN"), None),
        ("a\ud800b", "a\N{REPLACEMENT CHARACTER}b"),
        (2**63, "9223372036854775808"),
        (10**64, None),
        (None, None),
        (True, None),
        ([], None),
        ({"a": 1}, None),
    ],
)
def test_texts(value: Any, text: str | None) -> None:
    """Names and numbers of callers are texts, numbers become them, and all else is none."""
    campaign = only(name=value, callerNo=value)
    assert (campaign.name, campaign.caller_number) == (text, text)


@pytest.mark.parametrize("unusable", [None, "", "x", -1, Decimal("1.5"), True, 2**63, []])
def test_counts_that_cannot_be_used_are_none(unusable: Any) -> None:
    """A count that is no whole number is not known."""
    page = translated(totalSize=unusable, curSkillQueueCount=unusable, curIvrCount=unusable).page
    assert (page.total_items, page.skill_queue_total, page.ivr_total) == (None, None, None)


@pytest.mark.parametrize("written", ['"2023-11-05 3:01:12"', "1699153272000", '"1699153272000"', "1.699153272e12"])
def test_an_odd_time_is_read_and_counted_once(written: str) -> None:
    """A spelling of its own, text or number, is the time that it means, and one departure from the description."""
    document = f'{{"resultCode": "0200000", "data": [{{"id": 1, "strBeginTime": {written}}}]}}'
    translation = translate(decode(document.encode()), QUERY, UTC_ZONE)
    (campaign,) = translation.page.campaigns
    assert campaign.begins_at == datetime(2023, 11, 5, 3, 1, 12, tzinfo=UTC)
    assert kinds(translation) == ["odd_time"]


def test_an_end_before_the_begin_is_served_as_it_is() -> None:
    """It is in a published sample, and nobody knows what is meant."""
    campaign = only(strBeginTime="2023-11-05 03:01:12", strEndTime="2023-11-04 00:00:00")
    assert campaign.begins_at == datetime(2023, 11, 5, 3, 1, 12, tzinfo=UTC)
    assert campaign.ends_at == datetime(2023, 11, 4, tzinfo=UTC)


def test_absent_fields_are_none_without_drift() -> None:
    """A row that has an id and nothing else is a campaign of which nothing else is known."""
    translation = translate({"resultCode": "0200000", "data": [{"id": 7}]}, QUERY, UTC_ZONE)
    unknown = Campaign(7, None, CampaignStatus.UNKNOWN, DeviceType.UNKNOWN, None, None, None)
    assert translation.page.campaigns == (unknown,)
    assert translation.drifts == ()


PAGE_2 = replace(QUERY, page=2, page_size=2)


@pytest.mark.parametrize(
    ("said", "rows", "words"),
    [
        ({"curPage": 1}, 2, "curPage 1"),
        ({"curPage": "3"}, 2, "curPage 3"),
        ({"rowsPerPage": 1}, 1, "rowsPerPage 1"),
        ({"rowsPerPage": Decimal("10.0")}, 2, "rowsPerPage 10"),
        ({"curPage": 2, "rowsPerPage": 2}, 3, "3 campaigns"),
        ({}, 3, "3 campaigns"),
        ({"curPage": 1, "rowsPerPage": 10}, 9, "curPage 1, rowsPerPage 10, 9 campaigns"),
    ],
)
def test_another_page_is_not_served_as_the_one_that_was_asked_for(said: Any, rows: int, words: str) -> None:
    """A number or a size that is not the query's, said or seen, is an error that names it, and is counted."""
    data = [row(id=number) for number in range(rows)]
    translation = translate(envelope(totalSize=250, data=data, **said), PAGE_2, UTC_ZONE)
    assert {drift.kind for drift in translation.drifts} == {DriftKind.NOT_AS_ASKED}
    with pytest.raises(UpstreamBrokenContract, match=f"page 2 of 2 campaigns and answered with {words}.$"):
        translation.usable_page()


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"curPage": 2, "rowsPerPage": 2},
        {"curPage": "2", "rowsPerPage": Decimal("2.0")},
        {"curPage": None, "rowsPerPage": None},
        {"curPage": 0, "rowsPerPage": 0},
    ],
)
def test_number_and_size_are_the_querys(said: Any) -> None:
    """A page that says the same of itself, or nothing, is the one that was asked for."""
    page = translate(envelope(totalSize=4, data=[row(id=1), row(id=2)], **said), PAGE_2, UTC_ZONE).usable_page()
    assert (page.number, page.size, len(page.campaigns)) == (2, 2, 2)


def test_what_cannot_be_read_of_the_place_is_counted() -> None:
    """A number and a size of an odd type say nothing."""
    translation = translate(envelope(curPage="one", rowsPerPage=[]), PAGE_2, UTC_ZONE)
    assert kinds(translation) == ["odd_type", "odd_type"]
    assert translation.usable_page().campaigns == ()


@pytest.mark.parametrize("data", [[row(id=1), row(id=2)], [row(id=None)], [None]])
def test_a_page_past_the_last_is_empty_whatever_comes_for_it(data: list[Any]) -> None:
    """Who answers with the last page instead has said how many there are, so the one asked for has none."""
    translation = translate(envelope(curPage=1, totalSize=2, data=data), PAGE_2, UTC_ZONE)
    page = translation.usable_page()
    assert (page.number, page.campaigns, page.left_out, page.total_items) == (2, (), 0, 2)
    assert kinds(translation) == ["not_as_asked"]


@pytest.mark.parametrize(
    ("page", "total", "rows", "known"),
    [
        (PAGE_2, 4, 2, 4),
        (PAGE_2, 3, 1, 3),
        (PAGE_2, 3, 0, 3),
        (PAGE_2, 1, 0, 1),
        (PAGE_2, 3, 2, None),
        (PAGE_2, 2, 1, None),
        (PAGE_2, "0", 1, None),
        (QUERY, 0, 1, None),
        (QUERY, 9, 10, None),
    ],
)
def test_a_total_that_the_rows_disprove_is_not_known(page: CampaignQuery, total: Any, rows: int, known: Any) -> None:
    """Rows beyond the total, usable or not, show that it is none: nobody is to stop there. It is counted."""
    data: list[Any] = [row(id=number) for number in range(rows - 1)] + [None] * (rows > 0)
    translation = translate(envelope(totalSize=total, curPage=page.page, data=data), page, UTC_ZONE)
    assert (translation.page.total_items, translation.another_page) == (known, "")
    wrong = [drift for drift in translation.drifts if drift.kind is DriftKind.WRONG_TOTAL]
    assert wrong == ([] if known is not None else [Drift(DriftKind.WRONG_TOTAL, "totalSize", str(total))])


def test_drift_is_told_with_shapes_and_without_contents() -> None:
    """Every departure has its kind, the vendor's name for the field, and nothing that names a person."""
    drifting = row(status=77, strBeginTime="30.11.2018 Müller", callerNo=["13800000000"], mobile="138 1234", deep={})
    translation = translated(data=[drifting], totalSize="three", curIvrCount=Decimal("12.5"))
    assert set(translation.drifts) == {
        Drift(DriftKind.UNKNOWN_CODE, "status", "77"),
        Drift(DriftKind.UNREADABLE_TIME, "strBeginTime", "99.99.9999 aaaaaa"),
        Drift(DriftKind.ODD_TYPE, "callerNo", "array"),
        Drift(DriftKind.ODD_TYPE, "totalSize", "aaaaa"),
        Drift(DriftKind.ODD_TYPE, "curIvrCount", "99.9"),
        Drift(DriftKind.UNKNOWN_FIELD, "mobile", "999 9999"),
        Drift(DriftKind.UNKNOWN_FIELD, "deep", "object"),
    }


DESCRIBED_TIMES = st.sampled_from(
    ["2026-03-01", "2026-03-01 08:00:00", "2026-11-01 23:59:59", "0001-01-01", "9999-12-31", "2026-02-29"]
)
DESCRIBED = {
    "id": st.integers(0, 2**63 - 1),
    "name": st.text(),
    "status": st.sampled_from([1, 2, 3, 4]),
    "strBeginTime": DESCRIBED_TIMES,
    "strEndTime": DESCRIBED_TIMES,
    "deviceType": st.sampled_from([1, 2, 3, 5, 6]),
    "callerNo": st.text("0123456789+", max_size=24),
}
AS_DESCRIBED = st.fixed_dictionaries(DESCRIBED)
ODD_TIMES = ("", "2026-3-1", "2026-03-01T08:00:00", "2026-03-01 24:00:00", "1699153272000", "soon", "9" * 50)
ODD_NUMBERS = (True, False, -1, 0, 7, 2**63, 1.0, Decimal("1.0"), Decimal("1.5"), "1", "１")
ODD: tuple[Any, ...] = (*ODD_TIMES, *ODD_NUMBERS, None, "a\ud800", [], {})
ZONES = st.sampled_from([ZoneInfo(name) for name in ("UTC", "Asia/Shanghai", "America/Havana", "Pacific/Kiritimati")])


def by_the_schema(found: Any, zone: ZoneInfo) -> Translation:
    """Return what becomes of a row that has a field which nobody has described, less the drift of that."""
    translation = translate(envelope(data=[{**found, "another": None}]), QUERY, zone)
    return replace(translation, drifts=tuple(drift for drift in translation.drifts if drift.field != "another"))


def check_the_short_way(found: dict[str, Any], zone: ZoneInfo) -> None:
    """Have it lead where the schema leads, and none go there that has drift."""
    slow = by_the_schema(found, zone)
    assert translate(envelope(data=[found]), QUERY, zone) == slow
    quick = as_described(found, zone)
    if quick is not None:
        assert (slow.page.campaigns, slow.drifts) == ((quick,), ())
        assert [type(value) for value in (quick.id, quick.name, quick.caller_number)] == [int, str, str]


@given(AS_DESCRIBED | st.dictionaries(ROW_NAMES, JSON), ZONES)
def test_a_row_has_one_meaning_whichever_way_it_goes(found: dict[str, Any], zone: ZoneInfo) -> None:
    """The short way and the schema's have one result for every row."""
    check_the_short_way(found, zone)


@pytest.mark.parametrize("name", [*DESCRIBED, "mobile"])
def test_one_odd_field_has_one_meaning_too(name: str) -> None:
    """Each of the odd values in each of the fields, and none of them where it must not be."""
    usual = {**row(), "strBeginTime": "2026-03-01", "strEndTime": "2026-03-01 08:00:00"}
    for odd in ODD:
        check_the_short_way({**usual, name: odd}, ZoneInfo("Asia/Shanghai"))


@given(st.fixed_dictionaries({**DESCRIBED, "strBeginTime": st.just("2026-03-01"), "strEndTime": st.just("2026-03-02")}))
def test_what_is_as_described_goes_the_short_way(found: dict[str, Any]) -> None:
    """All of it and nothing else, so that the schema is for what is odd alone."""
    assert as_described(found, UTC_ZONE) is not None
    assert as_described({**found, "mobile": 1}, UTC_ZONE) is None
    for name in found:
        assert as_described({key: value for key, value in found.items() if key != name}, UTC_ZONE) is None


def test_the_vendors_sample_goes_the_short_way() -> None:
    """Each row of the vendor's sample is translated without the schema."""
    assert [as_described(found, UTC_ZONE) for found in SAMPLE["data"]] == list(
        translate(SAMPLE, QUERY, UTC_ZONE).page.campaigns
    )
