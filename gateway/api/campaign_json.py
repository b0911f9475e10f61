"""A campaign in JSON, to the byte as `CampaignSchema` dumps it, and some fifteen times as fast.

Each page that is fetched has up to a hundred of them, and an export a million.
"""

from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring

from gateway.api.rfc3339 import utc_text
from gateway.model import Campaign


def campaign_json(campaign: Campaign) -> str:
    """Return the JSON of `campaign`, compact. A lone surrogate in a text, which UTF-8 has not, stays as it is."""
    return (
        f'{{"id":{campaign.id},"name":{_text(campaign.name)},"status":"{campaign.status}",'
        f'"device_type":"{campaign.device_type}","begins_at":{_moment(campaign.begins_at)},'
        f'"ends_at":{_moment(campaign.ends_at)},"caller_number":{_text(campaign.caller_number)}}}'
    )


def _text(text: str | None) -> str:
    return "null" if text is None else encode_basestring(text)


# Campaigns' times are in UTC. In other zones two that are not the same may be equal: those of an hour that comes twice.
@lru_cache(maxsize=4096)
def _moment(moment: datetime | None) -> str:
    return "null" if moment is None else f'"{utc_text(moment)}"'
