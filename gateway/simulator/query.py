"""Reads the parameters of a campaign query and refuses what the vendor refuses, with the vendor's result codes."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_to_bytes

from gateway.simulator import result_codes

MAX_NAME_LENGTH = 30
MAX_ROWS_PER_PAGE = 100
DEFAULT_ROWS_PER_PAGE = 10
MAX_VDN = 9999
MAX_CC_ID = 65535
STATUSES = frozenset({0, 2, 3, 4})
DEVICE_TYPES = frozenset({0, 1, 2, 3, 5, 6})
PARAMETERS = frozenset(
    {"name", "status", "statusV2", "deviceType", "beginTime", "endTime", "curPage", "rowsPerPage", "ccId"}
)

_INTEGER = re.compile(r"-?[0-9]{1,10}")
_INTEGER_RANGE = range(-(2**31), 2**31)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


class ParameterError(Exception):
    """A parameter that the vendor refuses: the result code, and which parameter it is about."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class CampaignQuery:
    """What was asked for. 0 means all for `status` and `device_type`; empty or `None` means no filter.

    `begin_time` and `end_time` are `yyyy-MM-dd HH:mm:ss`, so that they compare as text.
    """

    name: str
    status: int
    device_type: int
    begin_time: str
    end_time: str
    page: int
    rows_per_page: int
    cc_id: int | None


def read_vdn(text: str) -> int:
    """Return the VDN 1..9999 that `text`, a path segment, names. Raises `ParameterError`."""
    return _within("vdnId", _integer("vdnId", text), range(1, MAX_VDN + 1))


def read_query(raw_query: str, *, status_v2_required: bool = False) -> CampaignQuery:
    """Return the query in `raw_query` (percent-encoded). Raises `ParameterError` for the first fault.

    `statusV2` is taken, whatever it says, and has no effect; it may be that it must be there.

    Unknown and repeated parameters are refused as too many: the vendor does not say what it does with them, and a
    look-alike should be the stricter one. An optional parameter without a value counts as not given.
    """
    given = _split(raw_query)
    if status_v2_required:
        _present("statusV2", given)
    name = _name(given.get("name", ""))
    status = _one_of("status", _integer("status", _required("status", given)), STATUSES)
    device_type = _one_of("deviceType", _integer("deviceType", _required("deviceType", given)), DEVICE_TYPES)
    begin_time = _time("beginTime", given.get("beginTime", ""))
    end_time = _time("endTime", given.get("endTime", ""))
    if begin_time and end_time and begin_time > end_time:
        raise ParameterError(result_codes.CONFLICT, f"beginTime {begin_time} > endTime {end_time}")
    page = _integer("curPage", _present("curPage", given) or "1")
    rows = _integer("rowsPerPage", _present("rowsPerPage", given) or str(DEFAULT_ROWS_PER_PAGE))
    cc_id = given.get("ccId", "")
    return CampaignQuery(
        name=name,
        status=status,
        device_type=device_type,
        begin_time=begin_time,
        end_time=end_time,
        page=max(page, 1),
        rows_per_page=_within("rowsPerPage", rows, range(1, MAX_ROWS_PER_PAGE + 1)),
        cc_id=_within("ccId", _integer("ccId", cc_id), range(1, MAX_CC_ID + 1)) if cc_id else None,
    )


def _split(raw_query: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for parameter in raw_query.split("&") if raw_query else ():
        name, _, encoded = parameter.partition("=")
        if name not in PARAMETERS or name in given:
            raise ParameterError(result_codes.TOO_MANY, f"{name[:50]}: unknown or repeated")
        try:
            value = unquote_to_bytes(encoded).decode()
        except UnicodeDecodeError as error:
            raise ParameterError(result_codes.ILLEGAL_CHARACTERS, f"{name}: not UTF-8") from error
        if any(unicodedata.category(character) == "Cc" for character in value):
            raise ParameterError(result_codes.ILLEGAL_CHARACTERS, f"{name}: control character")
        given[name] = value
    return given


def _present(parameter: str, given: dict[str, str]) -> str:
    if parameter not in given:
        raise ParameterError(result_codes.EMPTY, parameter)
    return given[parameter]


def _required(parameter: str, given: dict[str, str]) -> str:
    if not given.get(parameter):
        raise ParameterError(result_codes.EMPTY, parameter)
    return given[parameter]


def _name(value: str) -> str:
    if len(value) > MAX_NAME_LENGTH:
        raise ParameterError(result_codes.TOO_LONG, f"name: {len(value)} > {MAX_NAME_LENGTH}")
    return value


def _integer(parameter: str, text: str) -> int:
    if not _INTEGER.fullmatch(text) or int(text) not in _INTEGER_RANGE:
        raise ParameterError(result_codes.WRONG_TYPE, f"{parameter}: {text[:50]!r}")
    return int(text)


def _within(parameter: str, value: int, allowed: range) -> int:
    if value not in allowed:
        raise ParameterError(result_codes.OUT_OF_RANGE, f"{parameter}: {value}, {allowed.start}..{allowed.stop - 1}")
    return value


def _one_of(parameter: str, value: int, allowed: frozenset[int]) -> int:
    if value not in allowed:
        raise ParameterError(result_codes.OUT_OF_RANGE, f"{parameter}: {value}, {sorted(allowed)}")
    return value


def _time(parameter: str, text: str) -> str:
    if text and not (_TIME.fullmatch(text) and _is_time(text)):
        raise ParameterError(result_codes.NOT_CONVERTIBLE, f"{parameter}: {text[:50]!r}")
    return text


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
