from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.isales import times

ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/Sao_Paulo", "Pacific/Apia", "Europe/Berlin"]).map(ZoneInfo)
SHANGHAI = ZoneInfo("Asia/Shanghai")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def test_a_full_time_is_that_second_in_the_zone() -> None:
    """Begin and end read a full time alike, in the zone that is given."""
    expected = datetime(2018, 11, 29, 23, 30, 1, tzinfo=UTC)
    assert times.begin("2018-11-30 07:30:01", SHANGHAI) == expected
    assert times.end("2018-11-30 07:30:01", SHANGHAI) == expected


def test_a_bare_date_is_its_first_or_last_second() -> None:
    """A bare date begins at 00:00:00 and ends at 23:59:59 in the zone."""
    assert times.begin("2018-11-30", SHANGHAI) == datetime(2018, 11, 29, 16, 0, 0, tzinfo=UTC)
    assert times.end("2018-11-30", SHANGHAI) == datetime(2018, 11, 30, 15, 59, 59, tzinfo=UTC)


def test_days_on_which_clocks_change_have_their_own_length() -> None:
    """The day without a midnight begins an hour late, and the one with two 23:59:59 ends with the second."""
    assert times.begin("2018-11-04", SAO_PAULO) == datetime(2018, 11, 4, 3, 0, 0, tzinfo=UTC)
    assert times.end("2018-02-17", SAO_PAULO) == datetime(2018, 2, 18, 2, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0000-00-00",
        "2018-02-30",
        "2018-11-30 24:00:00",
        "2018-11-30 00:00:60",
        "2018-11-30 0:0:0",
        "2018-11-30 00:00:00.",
        "2018-11-30 00:00:00,0",
        "2018-11-30 00:00:00 UTC",
        "2018-11-30 00:00:00+25:00",
        "2018-11-30 00:00:00+08",
        "2018-11-30 00",
        "2018-11-30  00:00:00",
        "2018-11-30 ",
        "2018-11-30\n",
        "20181130",
        "20181130000000",
        "2018/11/30",
        "30-11-2018",
        "２018-11-30",
        "1543507200",
        "-1543507200000",
        "1543507200000.5",
        "1543507200000 ",
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    """A text in any other form, or of a day that does not exist, is no time."""
    assert times.begin(text, SHANGHAI) is None
    assert times.end(text, SHANGHAI) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023-11-05 3:01:12", "2023-11-04T19:01:12"),
        ("2023-1-5 03:01:12", "2023-01-04T19:01:12"),
        ("2018-11-30 07:30:01.0", "2018-11-29T23:30:01"),
        ("2018-11-30 07:30:01.999999999", "2018-11-29T23:30:01"),
        ("2018-11-30T07:30:01", "2018-11-29T23:30:01"),
        ("2018-11-30 07:30", "2018-11-29T23:30:00"),
        ("2018-11-30T07:30:01Z", "2018-11-30T07:30:01"),
        ("2018-11-30T07:30:01.000+0000", "2018-11-30T07:30:01"),
        ("2018-11-30T07:30:01.123-05:30", "2018-11-30T13:00:01"),
        ("1543534201000", "2018-11-29T23:30:01"),
        ("1543534201999", "2018-11-29T23:30:01"),
        ("100000000000", "1973-03-03T09:46:40"),
    ],
)
def test_other_spellings_are_read(text: str, moment: str) -> None:
    """A spelling that means one thing is read, whole seconds of it, and is told from what the vendor describes."""
    expected = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert times.begin(text, SHANGHAI) == times.end(text, SHANGHAI) == expected
    assert not times.is_as_described(text)


@pytest.mark.parametrize("text", ["2018-11-30", "2018-11-30 07:30:01"])
def test_what_the_vendor_describes_is_known_as_such(text: str) -> None:
    """A time and a bare date are the two spellings that are no news."""
    assert times.is_as_described(text)


@pytest.mark.parametrize("text", ["2018-1-3", "2018-11-3"])
def test_a_bare_date_of_fewer_digits_is_a_day(text: str) -> None:
    """It has a first and a last second as any other."""
    begins, ends = times.begin(text, SHANGHAI), times.end(text, SHANGHAI)
    assert begins is not None
    assert ends is not None
    assert ends - begins == timedelta(days=1, seconds=-1)


def test_times_beyond_the_calendar_are_none() -> None:
    """A time whose moment in UTC has no year of four digits is no time."""
    assert times.begin("0001-01-01", SHANGHAI) is None
    assert times.end("9999-12-31", SAO_PAULO) is None


@given(st.dates(), ZONES)
def test_any_date_is_read_or_none(day: datetime, zone: ZoneInfo) -> None:
    """No date raises, and what comes out is in UTC."""
    for moment in times.begin(day.isoformat(), zone), times.end(day.isoformat(), zone):
        assert moment is None or moment.tzinfo is UTC
