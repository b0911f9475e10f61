"""From the parameters that a caller wrote to the complete question, in the tenant's terms."""

from typing import Final
from zoneinfo import ZoneInfo

from gateway.api.language import Language, named_language
from gateway.api.period import period_faults, wall_clock
from gateway.api.query import CampaignsParameters, refusal
from gateway.model import CampaignQuery

LOCALES: Final = {Language.CHINESE: "zh_CN", Language.ENGLISH: "en_US"}


def resolve(
    parameters: CampaignsParameters, vdn: int, time_zone: ZoneInfo, default_cc_id: int, locale: str | None
) -> CampaignQuery:
    """Return the complete question that `parameters` ask of `vdn`, whose clocks show the time of `time_zone`.

    `default_cc_id` is 0 for none. Raises `InvalidParameters` for times that the zone's calendar cannot hold or that
    are not in order, unless the schema that read the parameters has done so.
    """
    begins_from, ends_to = parameters.begins_from, parameters.ends_to
    if faults := period_faults(begins_from, ends_to, [time_zone]):
        raise refusal(faults)
    return CampaignQuery(
        vdn=vdn,
        name=parameters.name,
        status=parameters.status,
        device_type=parameters.device_type,
        begins_from=None if begins_from is None else wall_clock(begins_from, time_zone, begins=True),
        ends_to=None if ends_to is None else wall_clock(ends_to, time_zone, begins=False),
        page=parameters.page,
        page_size=parameters.page_size,
        cc_id=parameters.cc_id or default_cc_id or None,
        locale=locale,
    )


def preferred_locale(accept_language: str | None) -> str | None:
    """Return the vendor's locale of the language that `Accept-Language` likes best, `None` for neither."""
    language = named_language(accept_language)
    return None if language is None else LOCALES[language]
