"""Periods around the moments at which clocks are set back or forward, where wall-clock times are ambiguous or skipped.

CC-iSales compares wall-clock times without a zone. Where clocks are set back an hour comes twice, and nobody can tell
which one a campaign means; where they are set forward an hour is skipped, and campaigns may still be told to begin or
end in it. A period that touches such an hour asks for all that may lie inside it: rather one campaign too many than one
that is never found by its own time.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

SECOND: Final = timedelta(seconds=1)
REACH: Final = timedelta(hours=25)
"""Farther from a change than this nothing of it shows: no clock was ever set by more than a day."""


class ClockChange(NamedTuple):
    """Clocks show UTC plus `before` until `at` (naive, in UTC), and from then on UTC plus `after`."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def length(self) -> timedelta:
        """How long the time is that comes twice, or is skipped."""
        return abs(self.after - self.before)

    @property
    def back(self) -> bool:
        """Whether clocks are set back."""
        return self.after < self.before


def earliest_shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the earliest wall-clock time (naive) that may mean `moment` (aware, whole seconds) or a later one."""
    utc, change = _utc(moment), _near(moment, zone)
    if change is None:
        return _shown(moment, zone)
    if change.back:
        if change.at - change.length <= utc < change.at:
            return change.at + change.after
    elif change.at <= utc < change.at + change.length:
        return utc + change.before
    return _shown(moment, zone)


def latest_shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the latest wall-clock time (naive) that may mean `moment` (aware, whole seconds) or an earlier one."""
    utc, change = _utc(moment), _near(moment, zone)
    if change is None:
        return _shown(moment, zone)
    if change.back:
        if change.at <= utc < change.at + change.length:
            return change.at + change.before - SECOND
    elif change.at - change.length <= utc < change.at:
        return utc + change.after
    return _shown(moment, zone)


def _near(moment: datetime, zone: ZoneInfo) -> ClockChange | None:
    utc = _utc(moment)
    try:
        first, last = utc - REACH, utc + REACH
        before, after = _offset(first, zone), _offset(last, zone)
    except OverflowError:
        # The calendar ends before.
        return None
    if before == after:
        return None
    while last - first > SECOND:
        middle = first + (last - first) // SECOND // 2 * SECOND
        if _offset(middle, zone) == before:
            first = middle
        else:
            last = middle
    return ClockChange(last, before, after)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(utc: datetime, zone: ZoneInfo) -> timedelta:
    offset = utc.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    assert offset is not None  # noqa: S101 -- for the type checker: an aware time has one
    return offset
