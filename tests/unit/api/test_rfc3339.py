"""Dates and times of RFC 3339."""

import calendar
import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.rfc3339 import MOMENT_PATTERN, parse_moment, utc_text

OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
ALMOST = st.from_regex(
    r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]"
    r"([Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,22})?([Zz]|[-+ ][0-2][0-9]:[0-6][0-9])?)?\Z"
)


@given(st.datetimes(timezones=OFFSETS))
def test_times_come_back(moment: datetime) -> None:
    """What Python writes with whole-minute offsets is read as the same instant and offset."""
    read = parse_moment(moment.isoformat())
    assert read == moment
    assert isinstance(read, datetime)
    assert read.utcoffset() == moment.utcoffset()


@given(st.dates())
def test_dates_come_back(day: date) -> None:
    """Every date of the calendar is read as itself."""
    assert parse_moment(day.isoformat()) == day


@given(ALMOST | st.text(max_size=30))
def test_the_pattern_says_exactly_what_is_read(text: str) -> None:
    """The published pattern allows a text exactly when it can be read, and nothing but ValueError refuses one."""
    allowed = re.fullmatch(MOMENT_PATTERN, text) is not None
    try:
        parse_moment(text)
    except ValueError:
        assert not allowed
    else:
        assert allowed


def test_leap_days_are_those_of_the_calendar() -> None:
    """The pattern knows leap years, the centuries too."""
    allowed = [year for year in range(10000) if re.fullmatch(MOMENT_PATTERN, f"{year:04}-02-29")]
    assert allowed == [year for year in range(1, 10000) if calendar.isleap(year)]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2018-11-30T08:00:00Z", datetime(2018, 11, 30, 8, tzinfo=UTC)),
        ("2018-11-30t08:00:00z", datetime(2018, 11, 30, 8, tzinfo=UTC)),
        ("2018-11-30T08:00:00-00:00", datetime(2018, 11, 30, 8, tzinfo=UTC)),
        ("2018-11-30T08:00:00.5+08:00", datetime(2018, 11, 30, 0, 0, 0, 500000, tzinfo=UTC)),
        ("2018-11-30T08:00:00.1234567Z", datetime(2018, 11, 30, 8, 0, 0, 123456, tzinfo=UTC)),
        ("2018-11-30T08:00:00.00000000000000000001Z", datetime(2018, 11, 30, 8, 0, 0, 1, tzinfo=UTC)),
        ("2018-11-30T08:00:00.00000000000000000000Z", datetime(2018, 11, 30, 8, tzinfo=UTC)),
        ("2020-02-29", date(2020, 2, 29)),
    ],
)
def test_good_moments(text: str, moment: datetime | date) -> None:
    """Case, fractions and offsets are read as RFC 3339 says; a fraction never becomes nothing."""
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "neither a date nor a time"),
        ("yesterday", "neither a date nor a time"),
        ("2018-W48-5", "neither a date nor a time"),
        ("20181130", "neither a date nor a time"),
        ("2018-11-30 08:00:00Z", "neither a date nor a time"),
        ("2018-11-30T08:00Z", "neither a date nor a time"),
        ("2018-11-30T08:00:00.Z", "neither a date nor a time"),
        ("2018-11-30T08:00:00+0800", "neither a date nor a time"),
        ("２０１８-11-30", "neither a date nor a time"),
        ("2018-11-30\n", "neither a date nor a time"),
        ("0000-01-01", "year 0000"),
        ("2018-02-29", "not in the calendar"),
        ("2018-13-01T00:00:00Z", "not in the calendar"),
        ("2018-11-30T08:00:00", "no offset"),
        ("2018-11-30T08:00:00 08:00", "write the + of an offset as %2B"),
        ("2018-12-31T23:59:60Z", "leap second"),
        ("2018-11-30T08:00:00.123456789012345678901Z", "more than 20 digits"),
        ("2018-11-30T24:00:00Z", "not on the clock"),
        ("2018-11-30T08:60:00Z", "not on the clock"),
        ("2018-11-30T08:00:61Z", "not on the clock"),
        ("2018-11-30T08:00:00+24:00", "not on the clock"),
        ("2018-11-30T08:00:00+08:60", "not on the clock"),
    ],
)
def test_wrong_moments(text: str, part: str) -> None:
    """Each kind of mistake has words of its own."""
    with pytest.raises(ValueError, match=re.escape(part)):
        parse_moment(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_written_times_are_read_back(moment: datetime) -> None:
    """Times are written in UTC and whole seconds, years in four digits."""
    text = utc_text(moment)
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", text)
    assert parse_moment(text) == moment.replace(microsecond=0)
