"""The vendor's times: `yyyy-MM-dd HH:mm:ss` (its interface description) or a bare `yyyy-MM-dd` (its sample answers).

Other spellings occur, of which the vendor has published some and Java writes others when nobody tells it how: one digit
where two belong, no seconds, fractions, `T` for the blank, an offset, or milliseconds since 1970. What they mean is
plain, so they are read too. Seconds since 1970 and days without dashes are not: only a guess could tell them apart.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

Reader = Callable[[str, ZoneInfo], datetime | None]

_DESCRIBED: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2}:[0-9]{2})?")
_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_MILLISECONDS: Final = re.compile("[0-9]{12,13}")
"""From 1973 to 2286. Fewer digits may be seconds, and fourteen a time of day without its marks."""

_LONGEST: Final = len("yyyy-MM-ddTHH:mm:ss.nnnnnnnnn+hh:mm")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND: Final = (0, 0, 0)
_LAST_SECOND: Final = (23, 59, 59)


class _Read(NamedTuple):
    """The moment in UTC, `None` if it cannot be read, and whether it is written as the vendor says."""

    moment: datetime | None
    as_described: bool


_UNREADABLE: Final = _Read(None, as_described=False)


def begin(text: str, zone: ZoneInfo) -> datetime | None:
    """Return the moment in UTC, for a bare date its first second in `zone`; `None` if it cannot be read."""
    return _moment(text, zone, _FIRST_SECOND).moment


def end(text: str, zone: ZoneInfo) -> datetime | None:
    """Return the moment in UTC, for a bare date its last second in `zone`; `None` if it cannot be read."""
    return _moment(text, zone, _LAST_SECOND).moment


def described_begin(text: str, zone: ZoneInfo) -> datetime | None:
    """Return what `begin` does if `text` is written as the vendor says, else `None`."""
    read = _moment(text, zone, _FIRST_SECOND)
    return read.moment if read.as_described else None


def described_end(text: str, zone: ZoneInfo) -> datetime | None:
    """Return what `end` does if `text` is written as the vendor says, else `None`."""
    read = _moment(text, zone, _LAST_SECOND)
    return read.moment if read.as_described else None


def is_as_described(text: str) -> bool:
    """Tell whether `text`, which can be read, is written as the vendor says."""
    return _DESCRIBED.fullmatch(text) is not None


def _moment(text: str, zone: ZoneInfo, of_day: tuple[int, int, int]) -> _Read:
    return _read(text, zone, of_day) if len(text) <= _LONGEST else _UNREADABLE


# The same campaigns are on many pages. What comes in is a date or a time: nothing longer is kept.
@lru_cache(maxsize=4096)
def _read(text: str, zone: ZoneInfo, of_day: tuple[int, int, int]) -> _Read:
    return _Read(_parsed(text, zone, of_day), is_as_described(text))


def _parsed(text: str, zone: ZoneInfo, of_day: tuple[int, int, int]) -> datetime | None:
    if _MILLISECONDS.fullmatch(text):
        return _EPOCH + timedelta(seconds=int(text) // 1000)
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, offset = match.groups()
    of_day = of_day if hour is None else (int(hour), int(minute), int(second or 0))
    # Where clocks go back at midnight, the day's last second comes twice, and the later one is meant.
    fold = int(hour is None and of_day == _LAST_SECOND)
    try:
        return datetime(
            int(year), int(month), int(day), *of_day, tzinfo=_zone(offset) if offset else zone, fold=fold
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        # No such day or hour, or one that is in UTC before year 1 or after year 9999.
        return None


def _zone(offset: str) -> tzinfo:
    zone = datetime.strptime(offset, "%z").tzinfo
    assert zone is not None  # noqa: S101 -- for the type checker: the format has nothing else
    return zone
