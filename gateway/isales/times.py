"""The vendor's times: `yyyy-MM-dd HH:mm:ss` (its interface description) or a bare `yyyy-MM-dd` (its sample answer)."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

Reader = Callable[[str, ZoneInfo], datetime | None]

_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?: ([0-9]{2}:[0-9]{2}:[0-9]{2}))?")
_LONGEST: Final = len("yyyy-MM-dd HH:mm:ss")
_FIRST_SECOND: Final = time(0, 0, 0)
# Where clocks go back at midnight, the day's last second comes twice, and the later one is meant.
_LAST_SECOND: Final = time(23, 59, 59, fold=1)


def begin(text: str, zone: ZoneInfo) -> datetime | None:
    """Return the moment in UTC, for a bare date its first second in `zone`; `None` if it cannot be read."""
    return _moment(text, zone, _FIRST_SECOND) if len(text) <= _LONGEST else None


def end(text: str, zone: ZoneInfo) -> datetime | None:
    """Return the moment in UTC, for a bare date its last second in `zone`; `None` if it cannot be read."""
    return _moment(text, zone, _LAST_SECOND) if len(text) <= _LONGEST else None


# The same campaigns are on many pages. What comes in is a date or a time: nothing longer is kept.
@lru_cache(maxsize=4096)
def _moment(text: str, zone: ZoneInfo, of_day: time) -> datetime | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    date_text, time_text = match.groups()
    try:
        wall_clock = datetime.combine(
            date.fromisoformat(date_text), time.fromisoformat(time_text) if time_text else of_day, zone
        )
        return wall_clock.astimezone(UTC)
    except (ValueError, OverflowError):
        # No such day or hour, or one that is in UTC before year 1 or after year 9999.
        return None
