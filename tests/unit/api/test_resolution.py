"""From parameters to the complete question."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.api.query import CampaignsParameters, parse_campaigns_query
from gateway.api.resolution import preferred_locale, resolve
from gateway.errors import InvalidParameters
from gateway.model import CampaignQuery, CampaignStatus, DeviceType

SHANGHAI = ZoneInfo("Asia/Shanghai")
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati"]).map(
    ZoneInfo
)
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.none() | st.dates() | st.datetimes(timezones=OFFSETS)


def wall_clock(raw_query: str, zone: str = "Asia/Shanghai") -> tuple[datetime | None, datetime | None]:
    """Return the two ends that a query asks for in a zone."""
    query = resolve(parse_campaigns_query(raw_query), 1, ZoneInfo(zone), 0, None)
    return query.begins_from, query.ends_to


@given(MOMENTS, MOMENTS, ZONES)
def test_every_moment_resolves_or_is_a_fault(
    begins_from: datetime | date | None, ends_to: datetime | date | None, zone: ZoneInfo
) -> None:
    """The ends of the calendar raise nothing but InvalidParameters, and what resolves is naive and whole."""
    parameters = CampaignsParameters(begins_from=begins_from, ends_to=ends_to)
    try:
        query = resolve(parameters, 1, zone, 0, None)
    except InvalidParameters as refusal:
        faulty = {fault.parameter for fault in refusal.errors}
        resolved = []
    else:
        faulty = set()
        resolved = [moment for moment in (query.begins_from, query.ends_to) if moment is not None]
    assert faulty <= {"begins_from", "ends_to"}
    assert all(moment.tzinfo is None and moment.microsecond == 0 for moment in resolved)


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=OFFSETS), ZONES)  # noqa: DTZ001 -- hypothesis takes naive bounds
def test_rounding_goes_inwards_by_less_than_a_second(moment: datetime, zone: ZoneInfo) -> None:
    """The first whole second from a time on, the last up to it: what vendor and caller count in is the same."""
    query = resolve(CampaignsParameters(begins_from=moment), 1, zone, 0, None)
    other = resolve(CampaignsParameters(ends_to=moment), 1, zone, 0, None)
    assert query.begins_from is not None
    assert other.ends_to is not None
    shown = moment.astimezone(zone).replace(tzinfo=None)
    day = timedelta(days=2)
    # What is asked for where clocks change has tests of its own.
    assume((moment - day).astimezone(zone).utcoffset() == (moment + day).astimezone(zone).utcoffset())
    if moment.microsecond == 0:
        assert query.begins_from == other.ends_to == shown
    else:
        assert other.ends_to == shown.replace(microsecond=0)
        whole = moment.replace(microsecond=0) + timedelta(seconds=1)
        assert query.begins_from == whole.astimezone(zone).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("raw_query", "begins_from", "ends_to"),
    [
        ("", None, None),
        ("begins_from=2018-11-30&ends_to=2018-11-30", "2018-11-30 00:00:00", "2018-11-30 23:59:59"),
        ("begins_from=2018-11-30T00:00:00Z", "2018-11-30 08:00:00", None),
        ("begins_from=2018-11-30T23:59:59.000001Z", "2018-12-01 08:00:00", None),
        ("ends_to=2018-11-30T23:59:59.999999Z", None, "2018-12-01 07:59:59"),
        ("begins_from=0001-01-01&ends_to=9999-12-31", "0001-01-01 00:00:00", "9999-12-31 23:59:59"),
        ("begins_from=2018-11-30&ends_to=2018-11-29T16:00:00Z", "2018-11-30 00:00:00", "2018-11-30 00:00:00"),
    ],
)
def test_wall_clock_of_the_tenant(raw_query: str, begins_from: str | None, ends_to: str | None) -> None:
    """Times are told as clocks in the tenant's zone show them, dates as their first and last second."""
    shown = tuple(None if moment is None else moment.isoformat(" ") for moment in wall_clock(raw_query))
    assert shown == (begins_from, ends_to)


def test_the_repeated_hour_is_no_fault() -> None:
    """Where clocks are set back a later instant may show an earlier time: it is in order, and the hour is asked for."""
    begins_from, ends_to = wall_clock("begins_from=2024-10-27T00:50:00Z&ends_to=2024-10-27T01:10:00Z", "Europe/Berlin")
    assert begins_from == datetime(2024, 10, 27, 2, 0)  # noqa: DTZ001 -- a wall clock
    assert ends_to == datetime(2024, 10, 27, 2, 59, 59)  # noqa: DTZ001 -- a wall clock


def test_a_date_and_a_time_are_compared_in_the_tenants_zone() -> None:
    """The same pair is in order in one zone and a fault in another."""
    raw_query = "begins_from=2018-11-30&ends_to=2018-11-29T16:00:00Z"
    wall_clock(raw_query, "Asia/Shanghai")
    with pytest.raises(InvalidParameters) as refusal:
        wall_clock(raw_query, "UTC")
    assert [fault.parameter for fault in refusal.value.errors] == ["begins_from"]


@pytest.mark.parametrize(
    ("raw_query", "zone", "faulty"),
    [
        ("begins_from=0001-01-01T00:00:00%2B14:00", "UTC", ["begins_from"]),
        ("ends_to=9999-12-31T23:59:59Z", "Asia/Shanghai", ["ends_to"]),
        ("begins_from=9999-12-31T23:59:59.5Z", "UTC", ["begins_from"]),
        (
            "begins_from=0001-01-01T00:00:00%2B14:00&ends_to=9999-12-31T23:59:59-12:00",
            "UTC",
            ["begins_from", "ends_to"],
        ),
    ],
)
def test_times_beyond_the_calendar_are_faults(raw_query: str, zone: str, faulty: list[str]) -> None:
    """A time that the zone's calendar cannot hold is a fault that names the parameter and the zone."""
    with pytest.raises(InvalidParameters) as refusal:
        wall_clock(raw_query, zone)
    assert [fault.parameter for fault in refusal.value.errors] == faulty
    assert all(zone in fault.message for fault in refusal.value.errors)


def test_the_last_second_of_the_calendar_resolves_in_utc() -> None:
    """The usual way to say for ever works."""
    assert wall_clock("ends_to=9999-12-31T23:59:59.9Z", "UTC")[1] == datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 -- a wall clock


@pytest.mark.parametrize(("written", "default", "sent"), [(None, 0, None), (None, 7, 7), (5, 7, 5), (5, 0, 5)])
def test_the_callers_call_centre_wins(written: int | None, default: int, sent: int | None) -> None:
    """The tenant's call centre is used only when the caller names none, and 0 is none."""
    assert resolve(CampaignsParameters(cc_id=written), 1, SHANGHAI, default, None).cc_id == sent


def test_everything_is_carried_over() -> None:
    """All that needs no resolution arrives unchanged."""
    parameters = CampaignsParameters(
        vdn=None,
        name="x",
        status=CampaignStatus.RUNNING,
        device_type=DeviceType.PREVIEW,
        begins_from=datetime(2018, 11, 30, tzinfo=UTC),
        page=2,
        page_size=3,
    )
    query = resolve(parameters, 9, SHANGHAI, 0, "en_US")
    assert query == CampaignQuery(
        vdn=9,
        name="x",
        status=CampaignStatus.RUNNING,
        device_type=DeviceType.PREVIEW,
        begins_from=datetime(2018, 11, 30, 8),  # noqa: DTZ001 -- a wall clock
        page=2,
        page_size=3,
    )
    assert query.locale == "en_US"


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        (None, None),
        ("*", None),
        ("fr", None),
        ("zh-TW", "zh_CN"),
        ("zh-CN, en;q=0.5", "zh_CN"),
        ("en-US, zh;q=0.5", "en_US"),
        ("fr, zh-CN;q=0.2, en;q=0.1", "zh_CN"),
        ("zh_CN, en;q=0.5", "zh_CN"),
        ("zh;q=0", None),
    ],
)
def test_the_locale_is_the_language_that_is_liked_best(header: str | None, locale: str | None) -> None:
    """What is liked better comes before what is written exactly as the vendor's locales begin."""
    assert preferred_locale(header) == locale
