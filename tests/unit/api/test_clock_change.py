"""Periods around the moments at which clocks are set."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.clock_change import earliest_shown, latest_shown

ZONES = (
    *("Africa/Cairo", "Europe/Berlin", "America/Havana", "America/Sao_Paulo", "America/St_Johns"),
    *("Australia/Lord_Howe", "Pacific/Apia", "Asia/Manila", "Africa/Casablanca", "Asia/Shanghai"),
)
# Around a change each: the moments are drawn near them.
CHANGES = {
    "Africa/Cairo": datetime(2026, 10, 29, 21, tzinfo=UTC),
    "Europe/Berlin": datetime(2024, 3, 31, 1, tzinfo=UTC),
    "America/Havana": datetime(2024, 11, 3, 5, tzinfo=UTC),
    "America/Sao_Paulo": datetime(2018, 11, 4, 3, tzinfo=UTC),
    "America/St_Johns": datetime(2010, 11, 7, 2, 31, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2024, 4, 6, 15, tzinfo=UTC),
    "Pacific/Apia": datetime(2011, 12, 30, 10, tzinfo=UTC),
    "Asia/Manila": datetime(1844, 12, 31, 15, 56, tzinfo=UTC),
    "Africa/Casablanca": datetime(2024, 3, 10, 2, tzinfo=UTC),
    "Asia/Shanghai": datetime(2024, 1, 1, tzinfo=UTC),
}
NEARBY = st.integers(-60 * 3600, 60 * 3600).map(lambda seconds: timedelta(seconds=seconds))


def wall(text: str) -> datetime:
    """Return a wall-clock time."""
    return datetime.fromisoformat(text)


@given(st.sampled_from(ZONES), NEARBY, NEARBY)
def test_no_campaign_of_the_period_is_missed(name: str, at: timedelta, of_row: timedelta) -> None:
    """Whatever a wall-clock time may mean, a period that has one of its meanings in it asks for it."""
    zone = ZoneInfo(name)
    moment = CHANGES[name] + at
    shown = (CHANGES[name].astimezone(zone) + of_row).replace(tzinfo=None)
    meanings = [shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    if any(meaning >= moment for meaning in meanings):
        assert earliest_shown(moment, zone) <= shown
    if any(meaning <= moment for meaning in meanings):
        assert latest_shown(moment, zone) >= shown


@given(st.sampled_from(ZONES), NEARBY)
def test_nothing_more_is_asked_for_than_may_be_meant(name: str, at: timedelta) -> None:
    """Both ends are times that may mean the moment's side of the period, and away from a change they are the moment."""
    zone = ZoneInfo(name)
    moment = CHANGES[name] + at
    begins, ends = earliest_shown(moment, zone), latest_shown(moment, zone)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    assert begins <= shown <= ends
    assert max(begins.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)) >= moment
    assert min(ends.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)) <= moment
    if abs(at) > timedelta(hours=24):
        assert begins == ends == shown


@pytest.mark.parametrize(
    ("begins_from", "ends_to", "begins", "ends"),
    [
        # Clocks go back from 24:00 to 23:00: the hour before midnight comes twice.
        ("2026-10-29T20:45", "2026-10-29T21:15", "2026-10-29 23:00:00", "2026-10-29 23:59:59"),
        ("2026-10-29T20:00", "2026-10-29T20:59:59", "2026-10-29 23:00:00", "2026-10-29 23:59:59"),
        ("2026-10-29T19:59:59", "2026-10-29T20:30", "2026-10-29 22:59:59", "2026-10-29 23:30:00"),
        ("2026-10-29T21:30", "2026-10-29T22:00", "2026-10-29 23:30:00", "2026-10-30 00:00:00"),
        # Clocks go forward from 00:00 to 01:00: who begins at that midnight does so at 22:00Z, shown as 01:00.
        ("2026-04-23T22:00", "2026-04-23T22:00", "2026-04-24 00:00:00", "2026-04-24 01:00:00"),
        ("2026-04-23T22:30", "2026-04-23T23:00", "2026-04-24 00:30:00", "2026-04-24 02:00:00"),
        ("2026-04-23T23:00", "2026-04-23T23:00", "2026-04-24 02:00:00", "2026-04-24 02:00:00"),
        ("2026-04-23T20:59:59", "2026-04-23T20:59:59", "2026-04-23 22:59:59", "2026-04-23 22:59:59"),
    ],
)
def test_cairo(begins_from: str, ends_to: str, begins: str, ends: str) -> None:
    """Both passes of the hour that comes twice, and the hour that is skipped, are asked for by their outer ends."""
    zone = ZoneInfo("Africa/Cairo")
    first, last = (wall(text).replace(tzinfo=UTC) for text in (begins_from, ends_to))
    assert (earliest_shown(first, zone), latest_shown(last, zone)) == (wall(begins), wall(ends))


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, 12, tzinfo=UTC), datetime(9999, 12, 31, 12, tzinfo=UTC)])
def test_the_ends_of_the_calendar(moment: datetime) -> None:
    """Where it is too near to look further, clocks show what they show."""
    zone = ZoneInfo("Africa/Cairo")
    shown = moment.astimezone(zone).replace(tzinfo=None)
    assert earliest_shown(moment, zone) == latest_shown(moment, zone) == shown
