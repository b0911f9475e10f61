"""The two times of a query: what clocks in a time zone show at them, and what can be wrong with the pair."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gateway.api.clock_change import earliest_shown, latest_shown
from gateway.errors import ParameterFault

Moment = datetime | date
"""An aware `datetime`, or a `date`, which stands for its first or its last second in the zone of the VDN."""

HOW: Final = "Send an earlier begins_from or a later ends_to."


def period_faults(
    begins_from: Moment | None, ends_to: Moment | None, zones: Iterable[ZoneInfo]
) -> list[ParameterFault]:
    """Return what is wrong with the two, whichever of `zones` the query turns out to mean.

    Two dates or two instants are compared without any zone. Only a zone can order one of each, or tell that its
    calendar cannot hold an instant, so of these there is a fault when there is one in all of `zones`.
    """
    faults = [_faults_in(zone, begins_from, ends_to) for zone in zones]
    in_every_zone = faults[0] if faults and all(faults) else []
    return [*_disorder(begins_from, ends_to), *in_every_zone]


def wall_clock(moment: Moment, zone: ZoneInfo, *, begins: bool) -> datetime:
    """Return what clocks in `zone` show at `moment`, naive, in whole seconds; `OverflowError` outside years 1 to 9999.

    Where a period `begins` it goes up to the next whole second or a date's first, where it ends down or to a date's
    last, because CC-iSales takes whole seconds and counts both ends in. Where clocks change it goes outwards as far as
    a campaign of the period may be told to begin or end: see `clock_change`.
    """
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time.min if begins else time(23, 59, 59))
    rest = timedelta(seconds=1) if begins and moment.microsecond else timedelta()
    whole = moment.replace(microsecond=0) + rest
    return earliest_shown(whole, zone) if begins else latest_shown(whole, zone)


def _disorder(begins_from: Moment | None, ends_to: Moment | None) -> list[ParameterFault]:
    # Instants are compared as such. Their wall clocks must not be: where clocks are set back, a later instant shows an
    # earlier time.
    if isinstance(begins_from, datetime) and isinstance(ends_to, datetime):
        if begins_from > ends_to:
            return [ParameterFault("begins_from", f"begins_from is after ends_to. {HOW}")]
        if begins_from > ends_to.replace(microsecond=0):
            message = f"No whole second lies from begins_from to ends_to, and CC-iSales knows whole seconds only. {HOW}"
            return [ParameterFault("begins_from", message)]
    elif type(begins_from) is date and type(ends_to) is date and begins_from > ends_to:
        return [ParameterFault("begins_from", f"begins_from is after ends_to. {HOW}")]
    return []


def _faults_in(zone: ZoneInfo, begins_from: Moment | None, ends_to: Moment | None) -> list[ParameterFault]:
    faults = []
    shown = {}
    for name, moment in (("begins_from", begins_from), ("ends_to", ends_to)):
        if moment is None:
            continue
        try:
            shown[name] = wall_clock(moment, zone, begins=name == "begins_from")
        except OverflowError:
            message = f"{moment.isoformat()} is outside the years 1 to 9999 in {zone.key}. Send a date instead."
            faults.append(ParameterFault(name, message))
    mixed = type(begins_from) is not type(ends_to)
    if mixed and len(shown) == len(("begins_from", "ends_to")) and shown["begins_from"] > shown["ends_to"]:
        message = (
            f"begins_from is after ends_to, where a date stands for its first or last second in {zone.key} and a time "
            f"counts in whole seconds. {HOW}"
        )
        faults.append(ParameterFault("begins_from", message))
    return faults
