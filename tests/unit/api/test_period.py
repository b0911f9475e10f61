"""Two times and what can be wrong with them."""

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.period import Moment, period_faults, wall_clock
from gateway.api.rfc3339 import parse_moment

UTC, SHANGHAI = ZoneInfo("UTC"), ZoneInfo("Asia/Shanghai")
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/St_Johns", "Pacific/Kiritimati"]).map(ZoneInfo)
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# Near each other, and near both ends of the calendar, so that faults of all kinds are common.
YEARS = st.sampled_from([1, 2024, 9999])
MOMENTS = (
    st.none()
    | st.builds(date, YEARS, st.sampled_from([1, 12]), st.sampled_from([1, 31]))
    | st.builds(
        datetime.combine,
        st.builds(date, YEARS, st.sampled_from([1, 12]), st.sampled_from([1, 31])),
        st.times(),
        OFFSETS,
    )
)


def messages(begins_from: str, ends_to: str, *zones: ZoneInfo) -> dict[str, str]:
    """Return what is wrong with two times as callers write them, by parameter."""
    faults = period_faults(parse_moment(begins_from), parse_moment(ends_to), zones)
    return {fault.parameter: fault.message for fault in faults}


@given(MOMENTS, MOMENTS, ZONES)
def test_a_period_without_faults_has_a_wall_clock(
    begins_from: Moment | None, ends_to: Moment | None, zone: ZoneInfo
) -> None:
    """What is found to be right can be told in the zone's time, and dates and mixed pairs are in order there."""
    if period_faults(begins_from, ends_to, [zone]):
        return
    begins = None if begins_from is None else wall_clock(begins_from, zone, begins=True)
    ends = None if ends_to is None else wall_clock(ends_to, zone, begins=False)
    both_are_instants = isinstance(begins_from, datetime) and isinstance(ends_to, datetime)
    assert begins is None or ends is None or both_are_instants or begins <= ends


@given(MOMENTS, MOMENTS, st.lists(ZONES, min_size=1, max_size=3))
def test_of_several_zones_only_what_is_wrong_in_all_is_a_fault(
    begins_from: Moment | None, ends_to: Moment | None, zones: list[ZoneInfo]
) -> None:
    """There is a fault exactly when each zone by itself has one."""
    alone = [bool(period_faults(begins_from, ends_to, [zone])) for zone in zones]
    assert bool(period_faults(begins_from, ends_to, zones)) is all(alone)


def test_a_date_and_a_time_need_a_zone() -> None:
    """The same pair is in order in Shanghai, is not in UTC, and nothing is said of it without a zone."""
    pair = ("2018-11-30", "2018-11-29T16:00:00Z")
    assert messages(*pair) == {}
    assert messages(*pair, SHANGHAI) == {}
    assert messages(*pair, SHANGHAI, UTC) == {}
    assert "first or last second in UTC" in messages(*pair, UTC)["begins_from"]


def test_a_pair_within_one_second_is_not_called_reversed() -> None:
    """From .4 to .6 is in order, but no whole second lies between, and that is what is said."""
    message = messages("2018-11-30T00:00:00.4Z", "2018-11-30T00:00:00.6Z")["begins_from"]
    assert message.startswith("No whole second lies from begins_from to ends_to")
    assert "after" not in message


@pytest.mark.parametrize(
    ("begins_from", "ends_to"),
    [("2018-11-30T00:00:00.6Z", "2018-11-30T00:00:00.4Z"), ("2018-11-30", "2018-11-29")],
)
def test_a_reversed_pair_is_called_so(begins_from: str, ends_to: str) -> None:
    """The words are those of the caller's mistake, with what to do."""
    message = messages(begins_from, ends_to)["begins_from"]
    assert message == "begins_from is after ends_to. Send an earlier begins_from or a later ends_to."


def test_order_and_calendar_are_both_told() -> None:
    """A reversed pair of which one is beyond the calendar has both faults."""
    faults = period_faults(parse_moment("9999-12-31T23:59:59.5Z"), parse_moment("2018-11-30T00:00:00Z"), [UTC])
    assert [fault.parameter for fault in faults] == ["begins_from", "begins_from"]
    assert [("after" in fault.message, "1 to 9999 in UTC" in fault.message) for fault in faults] == [
        (True, False),
        (False, True),
    ]
