"""`GET /campaigns`: from the raw query string to `CampaignsParameters`, with every fault in one answer.

`CampaignsQuerySchema` is also what the OpenAPI document is made from, so the two cannot disagree. What the tenant adds
to the parameters is the matter of `gateway.api.resolution`; the faults that only the caller's VDNs and their time zones
show are found here, so that they come with the others.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NoReturn, cast
from zoneinfo import ZoneInfo

import flask
import marshmallow
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from gateway.api.fields import Choice, Flag, Moment, Number, Text
from gateway.api.period import period_faults
from gateway.api.query_string import Malformed, Parameters, Unread, decode, shown
from gateway.errors import InvalidParameters, ParameterFault
from gateway.model import CampaignStatus, DeviceType

STATUSES: Final = (CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.COMPLETED)
DEVICE_TYPES: Final = tuple(device_type for device_type in DeviceType if device_type is not DeviceType.UNKNOWN)
MAX_PAGE: Final = 2_147_483_647
DEFAULT_PAGE: Final = 1
DEFAULT_PAGE_SIZE: Final = 10

VDN_REQUIRED: Final = "The parameter is required, because this client may read more than one VDN."


@dataclass(frozen=True, slots=True)
class CampaignsParameters:
    """The parameters of `GET /campaigns` as the caller wrote them, each valid; `None` where the caller wrote none.

    A time is an aware `datetime` with the caller's offset, or a `date`.
    """

    vdn: int | None = None
    name: str = ""
    status: CampaignStatus | None = None
    device_type: DeviceType | None = None
    begins_from: datetime | date | None = None
    ends_to: datetime | date | None = None
    page: int = DEFAULT_PAGE
    page_size: int = DEFAULT_PAGE_SIZE
    cc_id: int | None = None


class CampaignsQuerySchema(Schema):
    """Loads what `decode` returns into `CampaignsParameters`. Unknown parameters are faults (marshmallow's default).

    `zones` are the time zones of the VDNs that the caller may read, by VDN. Without them, nothing is said of a VDN that
    is missing, nor of what depends on a zone.
    """

    def __init__(self, zones: Mapping[int, ZoneInfo] | None = None) -> None:
        super().__init__()
        self._zones = zones

    vdn = Number(
        1,
        9999,
        description="The virtual call centre whose campaigns are listed. May be left out by a caller that may read "
        "exactly one.",
        example=1,
    )
    name = Text(
        30,
        description="Only campaigns with this name. Empty: all. CC-iSales compares, and does not publish how: "
        "whether a part of a name is enough and whether case counts is to be tried. Names have up to 100 "
        "characters, of which 30 can be asked for.",
        example="666",
    )
    status = Choice(
        "CampaignStatusFilter",
        STATUSES,
        description="Only campaigns in this status, in the sense of `status` in answers. Left out: all, drafts too. "
        "`draft` is in answers but cannot be asked for, because CC-iSales has no filter for it.",
        example=CampaignStatus.RUNNING,
    )
    device_type = Choice(
        "DeviceTypeFilter",
        DEVICE_TYPES,
        description="Only campaigns whose calls are placed in this way. Left out: all.",
        example=DeviceType.PREDICTIVE,
    )
    begins_from = Moment(
        description="Only campaigns that begin then or later. A date stands for its first second in the VDN's time "
        "zone; a fraction of a second is rounded up. In a URL, the `+` of an offset is written `%2B`.",
        example="2018-11-30T00:00:00Z",
    )
    ends_to = Moment(
        description="Only campaigns that end then or earlier. A date stands for its last second in the VDN's time "
        "zone; a fraction of a second is rounded down. With `begins_from` after it the answer is 400.",
        example="2018-12-31",
    )
    page = Number(1, MAX_PAGE, description="The number of the page, from 1.", example=1, default=DEFAULT_PAGE)
    page_size = Number(1, 100, description="Campaigns on one page.", example=10, default=DEFAULT_PAGE_SIZE)
    cc_id = Number(
        1,
        65535,
        description="Only this call centre, where a VDN spans several. Left out: the one set for the VDN, if any. It "
        "works only where CC-iSales runs by itself on premises and is set up for several call centres "
        "(`multicc.solution` is 2); elsewhere it is passed over or refused.",
        example=1,
    )

    @marshmallow.validates_schema(skip_on_field_errors=False, pass_original=True)
    def _check_together(self, data: Mapping[str, Any], given: Parameters, **_: Any) -> None:
        """Find what is wrong between parameters, each of which may be right by itself; `data` holds the valid ones."""
        faults = period_faults(data.get("begins_from"), data.get("ends_to"), self._possible_zones(data))
        unread = any(isinstance(value, Unread) for value in given.values())
        if self._zones is not None and len(self._zones) > 1 and "vdn" not in given and not unread:
            faults.append(ParameterFault("vdn", VDN_REQUIRED))
        if faults:
            messages: dict[str, list[str]] = {}
            for fault in faults:
                messages.setdefault(fault.parameter, []).append(fault.message)
            raise ValidationError(messages)

    def _possible_zones(self, data: Mapping[str, Any]) -> list[ZoneInfo]:
        """Return the zones of the VDNs that the query may mean: the one that it names, else all that it could."""
        zones = self._zones or {}
        if "vdn" in data:
            return [zones[data["vdn"]]] if data["vdn"] in zones else []
        return sorted(set(zones.values()), key=lambda zone: zone.key)

    @marshmallow.post_load
    def _freeze(self, data: dict[str, Any], **_: Any) -> CampaignsParameters:
        return CampaignsParameters(**data)


class SummaryQuerySchema(CampaignsQuerySchema):
    """Loads the query of `GET /campaigns/summary`: it counts by status and by device type, and has no pages."""

    class Meta:
        """Of the parameters of `GET /campaigns`, these."""

        fields = ("vdn", "name", "begins_from", "ends_to", "cc_id")


class PurgeQuerySchema(Schema):
    """Loads the query of `DELETE /cache`: `{"vdn": number, "hard": bool}`, or less."""

    vdn = Number(
        1, 9999, description="Only the pages of this VDN. Left out: of all VDNs that the caller may read.", example=1
    )
    hard = Flag(
        description="Whether pages are forgotten. Left out or `false`: they become stale, so that the next caller of "
        "each waits for a new one, and are still there while CC-iSales fails or is slow."
    )


class QueryParser(FlaskParser):
    """webargs for Flask, reading the query string strictly and raising `InvalidParameters`."""

    # webargs would drop unknown parameters of a query; None leaves the decision to the schema, which refuses them.
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"query": None}  # noqa: RUF012 -- webargs declares it so

    def load_querystring(self, req: flask.Request, schema: Schema) -> Parameters:
        """Return the decoded parameters of the request's raw query string."""
        return decode(req.environ.get("QUERY_STRING", ""))

    def handle_error(self, error: ValidationError, req: flask.Request, schema: Schema, **_: Any) -> NoReturn:
        """Raise `InvalidParameters` with every fault that `error` holds."""
        # webargs has put the messages below the name of the location.
        messages = cast("dict[str, dict[str, list[str]]]", error.messages)["query"]
        raise invalid_parameters(cast("Parameters", error.data), messages, list(schema.fields)) from error


def parse_campaigns_query(raw_query: str) -> CampaignsParameters:
    """Return the parameters that `raw_query` (WSGI's `QUERY_STRING`) writes.

    Raises `InvalidParameters` that lists every fault; nothing else.
    """
    schema = CampaignsQuerySchema()
    given = decode(raw_query)
    try:
        parameters: CampaignsParameters = schema.load(given)
    except ValidationError as error:
        messages = cast("dict[str, list[str]]", error.messages)
        raise invalid_parameters(given, messages, list(schema.fields)) from error
    return parameters


def invalid_parameters(given: Parameters, messages: Mapping[str, list[str]], known: list[str]) -> InvalidParameters:
    """Return the faults of the parameters `given`, in their order, and after them of those that are missing.

    `messages` are a schema's, by parameter; `known` are the names that it takes.
    """
    faults: list[ParameterFault] = []
    for name, value in given.items():
        if name in known:
            faults += [ParameterFault(name, message) for message in messages.get(name, ())]
            continue
        if isinstance(value, Malformed):
            faults.append(ParameterFault(shown(name), value.message))
        if not (isinstance(value, Malformed) and value.whole):
            faults.append(ParameterFault(shown(name), _unknown(name, known)))
    missing = [name for name in known if name not in given]
    return refusal(
        [*faults, *(ParameterFault(name, message) for name in missing for message in messages.get(name, ()))]
    )


def refusal(faults: list[ParameterFault]) -> InvalidParameters:
    """Return the error that lists `faults`, at least one."""
    first = faults[0]
    detail = f"{first.parameter}: {first.message}" if len(faults) == 1 else f"{len(faults)} faults; see errors."
    return InvalidParameters(detail, errors=tuple(faults))


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(shown(name).lower(), known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
    return f"The parameter is not known. {hint}"
