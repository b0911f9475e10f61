"""Pages as bytes and back. Never pickle: what stands in a cache may have been put there by somebody else.

An entry is: magic, format version (1 byte), length of the payload (4 bytes, big endian), BLAKE2b-128 of key and
payload, payload (JSON). The key takes part in the checksum, so that an entry is good under its own key only. How old
an entry is, is known to the tier that keeps it; the entry tells the time of day at which CC-iSales answered.
"""

import hashlib
import json
import struct
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Final, NamedTuple

from gateway.model import Campaign, CampaignPage, CampaignStatus, DeviceType

FORMAT_VERSION = 2
MAGIC = b"CGpg"
HEADER = struct.Struct(">4sBI16s")
_TEXT: Final = {str, NoneType}
_COUNT: Final = {int, NoneType}


class UnreadableEntry(Exception):
    """The bytes are not an entry of this format under this key; the text says what is wrong with them."""


class Decoded(NamedTuple):
    """What an entry holds: the page, and when CC-iSales gave it, milliseconds since 1970."""

    page: CampaignPage
    as_of_ms: int


def encode(key: str, page: CampaignPage, as_of_ms: int) -> bytes:
    """Return the entry for `page`, which CC-iSales gave at `as_of_ms` (milliseconds since 1970), under `key`."""
    rows = [
        [
            row.id,
            row.name,
            row.status,
            row.device_type,
            _seconds(row.begins_at),
            _seconds(row.ends_at),
            row.caller_number,
        ]
        for row in page.campaigns
    ]
    counts = [page.number, page.size, page.total_items, page.skill_queue_total, page.ivr_total, page.left_out]
    payload = json.dumps([as_of_ms, counts, rows], ensure_ascii=False, separators=(",", ":")).encode()
    return HEADER.pack(MAGIC, FORMAT_VERSION, len(payload), _checksum(key, payload)) + payload


def decode(key: str, entry: object) -> Decoded:
    """Return what `entry`, found under `key`, holds. Raises UnreadableEntry for anything that `encode` did not make."""
    if not isinstance(entry, bytes) or len(entry) < HEADER.size:
        raise UnreadableEntry("it is not an entry of the page cache")
    magic, version, length, checksum = HEADER.unpack_from(entry)
    payload = entry[HEADER.size :]
    if magic != MAGIC:
        raise UnreadableEntry("it is not an entry of the page cache")
    if version != FORMAT_VERSION:
        raise UnreadableEntry(f"its format version is {version}, not {FORMAT_VERSION}")
    if length != len(payload):
        raise UnreadableEntry(f"{len(payload)} bytes follow the header, not {length}")
    if checksum != _checksum(key, payload):
        raise UnreadableEntry("its checksum is wrong")
    try:
        return _page(json.loads(payload))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as fault:
        raise UnreadableEntry(f"its payload is not a page: {fault}") from fault


def _page(loaded: Any) -> Decoded:
    as_of_ms, (number, size, total, skill_queue, ivr, left_out), rows = loaded
    if {type(number), type(size), type(left_out)} != {int} or not {type(total), type(skill_queue), type(ivr)} <= _COUNT:
        raise TypeError("its counts are no whole numbers")
    if min(number, size) < 1 or left_out < 0:
        raise ValueError("its counts are out of range")
    page = CampaignPage(tuple(map(_campaign, rows)), number, size, total, skill_queue, ivr, left_out)
    return Decoded(page, int(as_of_ms))


def _campaign(row: Any) -> Campaign:
    row_id, name, status, device, begins, ends, caller = row
    # Whoever writes its JSON takes the types as given.
    if type(row_id) is not int or type(name) not in _TEXT or type(caller) not in _TEXT:
        raise TypeError("a campaign has an id that is no whole number, or a name or number that is no text")
    return Campaign(row_id, name, CampaignStatus(status), DeviceType(device), _moment(begins), _moment(ends), caller)


def _checksum(key: str, payload: bytes) -> bytes:
    return hashlib.blake2b(key.encode() + b"\0" + payload, digest_size=16).digest()


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
