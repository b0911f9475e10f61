"""From the parameters that a caller wrote to the complete question, in the tenant's terms."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.api.query import NOT_IN_ORDER, CampaignsParameters, refusal
from gateway.errors import ParameterFault
from gateway.model import CampaignQuery


def resolve(
    parameters: CampaignsParameters, vdn: int, time_zone: ZoneInfo, default_cc_id: int, locale: str | None
) -> CampaignQuery:
    """Return the complete question that `parameters` ask of `vdn`, whose clocks show the time of `time_zone`.

    `default_cc_id` is 0 for none. Raises `InvalidParameters` for times that the zone's calendar cannot hold, and for
    a date and a time that are not in order.
    """
    faults: list[ParameterFault] = []
    begins_from = _wall_clock("begins_from", parameters.begins_from, time_zone, faults)
    ends_to = _wall_clock("ends_to", parameters.ends_to, time_zone, faults)
    # Two instants were compared when they were read. Their wall clocks must not be: where clocks are set back, a later
    # instant shows an earlier time.
    mixed = type(parameters.begins_from) is not type(parameters.ends_to)
    if mixed and begins_from is not None and ends_to is not None and begins_from > ends_to:
        faults.append(ParameterFault("begins_from", NOT_IN_ORDER))
    if faults:
        raise refusal(faults)
    return CampaignQuery(
        vdn=vdn,
        name=parameters.name,
        status=parameters.status,
        device_type=parameters.device_type,
        begins_from=begins_from,
        ends_to=ends_to,
        page=parameters.page,
        page_size=parameters.page_size,
        cc_id=parameters.cc_id or default_cc_id or None,
        locale=locale,
    )


def _wall_clock(
    name: str, moment: datetime | date | None, time_zone: ZoneInfo, faults: list[ParameterFault]
) -> datetime | None:
    """Return what clocks in `time_zone` show at `moment`, naive, in whole seconds; `None` for none or after a fault.

    `begins_from` goes up to the next whole second or a date's first, `ends_to` down or to a date's last, because
    CC-iSales takes whole seconds and counts both ends in.
    """
    if moment is None:
        return None
    begins = name == "begins_from"
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time.min if begins else time(23, 59, 59))
    rest = timedelta(seconds=1) if begins and moment.microsecond else timedelta()
    try:
        return (moment.replace(microsecond=0) + rest).astimezone(time_zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        message = f"{moment.isoformat()} is outside the years 1 to 9999 in {time_zone.key}. Send a date instead."
        faults.append(ParameterFault(name, message))
        return None
