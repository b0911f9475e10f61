"""From the vendor's page to ours, pure. Whatever JSON comes, what can be used is used and the rest is drift."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError

from gateway.errors import UpstreamBrokenContract
from gateway.isales import times
from gateway.isales.codes import DEVICE_TYPES, STATUSES
from gateway.isales.drift import NOTHING, Drift, DriftKind
from gateway.isales.numbers import BIGGEST
from gateway.isales.schemas import PageSchema, RowSchema
from gateway.isales.text import is_well_formed
from gateway.model import Campaign, CampaignPage, CampaignQuery, CampaignStatus, DeviceType

_PAGE: Final = PageSchema()
_ROW: Final = RowSchema()


def _names(schema: Schema) -> frozenset[str]:
    return frozenset(field.data_key or name for name, field in schema.fields.items())


_ROW_FIELDS: Final = _names(_ROW)
_ENVELOPE_FIELDS: Final = _names(_PAGE) | {"data", "resultCode", "resultDesc", "returnCode", "returnDesc"}

_DESCRIBED: Final = MappingProxyType(
    {
        "id": int,
        "name": str,
        "status": int,
        "strBeginTime": str,
        "strEndTime": str,
        "deviceType": int,
        "callerNo": str,
    }
)
_VALUES: Final = itemgetter(*_DESCRIBED)
_TYPES: Final = tuple(_DESCRIBED.values())

_Code = TypeVar("_Code", CampaignStatus, DeviceType)


@dataclass(frozen=True, slots=True)
class Translation:
    """A page, and the drift that was met in it. `another_page` says why it is not the one that was asked for."""

    page: CampaignPage
    drifts: tuple[Drift, ...]
    another_page: str = ""

    def usable_page(self) -> CampaignPage:
        """Return the page.

        `UpstreamBrokenContract` if it is not the one that was asked for, or if campaigns were sent, but none that can
        be used.
        """
        if self.another_page:
            raise UpstreamBrokenContract(self.another_page)
        if self.page.left_out and not self.page.campaigns:
            first = next(drift.sample for drift in self.drifts if drift.kind is DriftKind.ROW_LEFT_OUT)
            raise UpstreamBrokenContract(
                f"None of the {self.page.left_out} campaigns on the page of CC-iSales has an `id` that can be used, a"
                f" whole number from 0 to {BIGGEST}; in the first there is: {first}."
            )
        return self.page


def translate(envelope: Mapping[str, Any], query: CampaignQuery, zone: ZoneInfo) -> Translation:
    """Translate a successful envelope, the answer to `query` by a CC-iSales whose clock is in `zone`.

    `UpstreamBrokenContract` if it is no page: `data` is not a list, or missing where the total says there are rows.
    What the answer says of its number and size is compared with the question, and its total with its rows: one that is
    smaller than they show is as good as none. A row without a usable id is left out and counted.
    """
    rows = envelope.get("data")
    if rows is not None and not isinstance(rows, list):
        raise UpstreamBrokenContract("The page of CC-iSales has no list of campaigns where it must have one.")
    read, faults = _read(_PAGE, envelope)
    total_items = read.get("total_items")
    before = (query.page - 1) * query.page_size
    if rows is None and (total_items is None or total_items > before):
        raise UpstreamBrokenContract("The page of CC-iSales has no campaigns although there must be some.")
    drifts = [*_unknown_fields(envelope, _ENVELOPE_FIELDS), *_odd_types(envelope, faults)]
    differing = _not_as_asked(read, len(rows or ()), query)
    drifts.extend(Drift.seen(DriftKind.NOT_AS_ASKED, field, said) for field, said in differing.items())
    if differing.keys() == {"curPage"} and total_items is not None and total_items <= before:
        # What comes for a page past the last one is another page; that one has no campaigns.
        rows, differing = [], {}
    if rows and total_items is not None and before + len(rows) > total_items:
        # Who believed it would stop there, and never see the campaigns behind.
        drifts.append(Drift.seen(DriftKind.WRONG_TOTAL, "totalSize", total_items))
        total_items = None
    campaigns = tuple(_campaigns(rows or [], zone, drifts))
    page = CampaignPage(
        campaigns,
        query.page,
        query.page_size,
        total_items,
        read.get("skill_queue_total"),
        read.get("ivr_total"),
        left_out=len(rows or ()) - len(campaigns),
    )
    return Translation(page, tuple(drifts), _another_page(differing, query))


def _not_as_asked(read: Mapping[str, Any], rows: int, query: CampaignQuery) -> dict[str, int]:
    """Return by the vendor's names what the answer says of itself, or is, that is not as `query` asked.

    Neither a page nor a size is 0: where that is said, nothing is.
    """
    number, size = read.get("number"), read.get("size")
    differing: dict[str, int] = {}
    if number and number != query.page:
        differing["curPage"] = number
    if size and size != query.page_size:
        differing["rowsPerPage"] = size
    if rows > query.page_size:
        differing["data"] = rows
    return differing


def _another_page(differing: Mapping[str, int], query: CampaignQuery) -> str:
    said = [f"{field} {value}" if field != "data" else f"{value} campaigns" for field, value in differing.items()]
    asked = f"page {query.page} of {query.page_size} campaigns"
    return f"CC-iSales was asked for {asked} and answered with {', '.join(said)}." if said else ""


def _read(schema: Schema, found: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what `schema` can read, and by the vendor's names what it cannot; nothing of what is no object."""
    try:
        return schema.load(found), {}
    except ValidationError as error:
        return cast(dict[str, Any], error.valid_data), error.messages_dict


def _campaigns(rows: list[Any], zone: ZoneInfo, drifts: list[Drift]) -> Iterator[Campaign]:
    for row in rows:
        campaign = as_described(row, zone) or _tolerant(row, zone, drifts)
        if campaign is not None:
            yield campaign


def as_described(row: Any, zone: ZoneInfo) -> Campaign | None:
    """Return the campaign in a row that is to the letter as the interface description has it, `None` for any other.

    Nearly all are, and a schema takes ten times as long for one; what it reads from them is the same.
    """
    if type(row) is not dict or row.keys() != _ROW_FIELDS:
        return None
    values = _VALUES(row)
    # The types themselves: True is an int too.
    if tuple(map(type, values)) != _TYPES:
        return None
    number, name, code, begins, ends, device_code, caller_number = values
    status, device_type = STATUSES.get(code), DEVICE_TYPES.get(device_code)
    begins_at, ends_at = times.described_begin(begins, zone), times.described_end(ends, zone)
    if status is None or device_type is None or begins_at is None or ends_at is None:
        return None
    if not (0 <= number <= BIGGEST and is_well_formed(name) and is_well_formed(caller_number)):
        return None
    return Campaign(number, name, status, device_type, begins_at, ends_at, caller_number)


def _tolerant(row: Any, zone: ZoneInfo, drifts: list[Drift]) -> Campaign | None:
    """Return what can be used of any row, `None` for nothing, and add to `drifts` what was odd."""
    read, faults = _read(_ROW, row)
    if read.get("id") is None:
        if isinstance(row, dict) and "id" not in row:
            drifts.append(Drift(DriftKind.ROW_LEFT_OUT, "id", NOTHING))
        else:
            what = row["id"] if isinstance(row, dict) else row
            drifts.append(Drift.seen(DriftKind.ROW_LEFT_OUT, "id", what))
        return None
    drifts.extend(_unknown_fields(row, _ROW_FIELDS))
    drifts.extend(_odd_types(row, faults))
    return Campaign(
        id=read["id"],
        name=read.get("name"),
        status=_code("status", read.get("status"), STATUSES, CampaignStatus.UNKNOWN, drifts),
        device_type=_code("deviceType", read.get("device_type"), DEVICE_TYPES, DeviceType.UNKNOWN, drifts),
        begins_at=_moment("strBeginTime", read.get("begins"), times.begin, zone, drifts),
        ends_at=_moment("strEndTime", read.get("ends"), times.end, zone, drifts),
        caller_number=read.get("caller_number"),
    )


def _code(field: str, code: int | None, codes: Mapping[int, _Code], unknown: _Code, drifts: list[Drift]) -> _Code:
    if code is not None and code not in codes:
        drifts.append(Drift.seen(DriftKind.UNKNOWN_CODE, field, code))
    return unknown if code is None else codes.get(code, unknown)


def _moment(field: str, text: str | None, read: times.Reader, zone: ZoneInfo, drifts: list[Drift]) -> datetime | None:
    if not text:
        return None
    moment = read(text, zone)
    if moment is None:
        drifts.append(Drift.seen(DriftKind.UNREADABLE_TIME, field, text))
    elif not times.is_as_described(text):
        drifts.append(Drift.seen(DriftKind.ODD_TIME, field, text))
    return moment


def _unknown_fields(found: Mapping[str, Any], known: frozenset[str]) -> Iterator[Drift]:
    for field in found.keys() - known:
        yield Drift.seen(DriftKind.UNKNOWN_FIELD, field, found[field])


def _odd_types(found: Mapping[str, Any], fields: Any) -> Iterator[Drift]:
    for field in sorted(fields):
        yield Drift.seen(DriftKind.ODD_TYPE, field, found[field])
