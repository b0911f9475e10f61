"""Dates and times as RFC 3339 writes them, read strictly and with words for what is wrong.

The standard library's `fromisoformat` takes more than RFC 3339 (week dates, offsets with seconds, no offset at all)
and less (its fractions end at microseconds), so the form is checked here and only the calendar is left to it.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from gateway.api.query_string import shown

MAX_FRACTION_DIGITS: Final = 20

_COMMON_YEAR: Final = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_LEAP_YEAR: Final = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26]|0[48])00)"  # never 0000
_DAY_OF_YEAR: Final = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_DATE: Final = f"(?:{_COMMON_YEAR}-{_DAY_OF_YEAR}|{_LEAP_YEAR}-02-29)"
_HOUR_MINUTE: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIME: Final = f"[Tt]{_HOUR_MINUTE}:[0-5][0-9](?:\\.[0-9]{{1,{MAX_FRACTION_DIGITS}}})?(?:[Zz]|[+-]{_HOUR_MINUTE})"

MOMENT_PATTERN: Final = f"^{_DATE}(?:{_TIME})?$"
"""What `parse_moment` takes, calendar and all, in the regular expressions that ECMA-262 and Python share.

One pattern for both forms: of a choice between two, code generators make a type that nobody can use, or none.
"""

_HOW: Final = "Send RFC 3339 with an offset, such as 2018-11-30T08:00:00Z, or a date, such as 2018-11-30."
_FORM: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?P<time>[Tt](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?P<offset>[Zz]|(?P<sign>[+ -])(?P<offset_hour>[0-9]{2}):(?P<offset_minute>[0-9]{2}))?)?",
)


def parse_moment(text: str) -> datetime | date:
    """Return the aware `datetime` of an RFC 3339 `date-time` or the `date` of a `full-date` (section 5.6).

    A fraction beyond microseconds is cut, but one that is not zero never becomes zero, so that rounding to whole
    seconds stays right. Raises `ValueError` whose text says what is wrong and what to write instead.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(f'"{shown(text)}" is neither a date nor a time. {_HOW}')
    if form["year"] == "0000":
        raise ValueError(f'"{shown(text)}" is in the year 0000. Years go from 0001 to 9999.')
    try:
        day = date(int(form["year"]), int(form["month"]), int(form["day"]))
    except ValueError as error:
        raise ValueError(f'"{shown(text)}" names a day that is not in the calendar. {_HOW}') from error
    return day if form["time"] is None else _date_time(text, day, form)


def utc_text(moment: datetime) -> str:
    """Return an aware `moment` as an RFC 3339 date-time in UTC, whole seconds, such as `2018-11-30T00:00:00Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _date_time(text: str, day: date, form: re.Match[str]) -> datetime:
    if form["offset"] is None:
        raise ValueError(f'"{shown(text)}" has no offset from UTC. Add Z, or the offset, such as %2B08:00.')
    if form["sign"] == " ":
        raise ValueError(f'"{shown(text)}" has a space before its offset. In a URL, write the + of an offset as %2B.')
    hour, minute, second = (int(form[part]) for part in ("hour", "minute", "second"))
    offset_hour, offset_minute = int(form["offset_hour"] or 0), int(form["offset_minute"] or 0)
    if second == 60:  # noqa: PLR2004 -- the number that RFC 3339 gives a leap second
        raise ValueError(f'"{shown(text)}" is a leap second, which CC-iSales does not know. Send second 59.')
    fraction = form["fraction"] or ""
    if len(fraction) > MAX_FRACTION_DIGITS:
        raise ValueError(f'"{shown(text)}" has more than {MAX_FRACTION_DIGITS} digits of a second. Send fewer.')
    microsecond = int(fraction[:6].ljust(6, "0")) or int(fraction.strip("0") != "")
    offset = timedelta(hours=offset_hour, minutes=offset_minute)
    try:
        # `timezone` itself refuses 24 hours and more, but would take 60 minutes and more as another hour.
        if offset_minute > 59:  # noqa: PLR2004 -- minutes of an hour
            raise ValueError("minute must be in 0..59")  # noqa: TRY301 -- one place words all faults of the time
        zone = timezone(-offset if form["sign"] == "-" else offset)
        return datetime(day.year, day.month, day.day, hour, minute, second, microsecond, zone)
    except ValueError as error:
        raise ValueError(
            f'"{shown(text)}" names a time that is not on the clock. Hours go from 00 to 23, minutes and seconds from '
            "00 to 59.",
        ) from error
