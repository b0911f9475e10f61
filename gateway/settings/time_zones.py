"""Which release of the IANA time zone database counts, and the zones in it.

Two are there, as a rule: the system's (the folders of `zoneinfo.TZPATH`) and that of PyPI's `tzdata`, which is pinned.
`ZoneInfo(name)` takes the first folder that has a file for the zone, however old it is, and for other zones another
one. Here the latest release counts for all zones; what it lacks, as old names that some systems leave out, is taken
from the next. Files are read anew each time, so that a reload takes what was installed meanwhile.
"""

import difflib
import hashlib
import io
import re
import zoneinfo
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from gateway.settings.model import TimeZoneData

UNKNOWN: Final = "unknown"
"""The release of a folder that does not tell it. It counts for less than any other."""

_NAME: Final = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
_NO_ZONE: Final = re.compile(r"(?:localtime|posixrules|Factory)\Z|posix/|right/")
"""What lies beside zones: what this machine is set to, and zones in other forms, some with leap seconds."""

_RELEASE: Final = re.compile(r"# version ([0-9]{4}[a-z]+)")
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])0?([0-9]{1,2})(?::?00)?", re.IGNORECASE)
_TURNED: Final = re.compile(r"Etc/GMT([+-])([1-9]|1[0-2])")
_OPPOSITE: Final = {"+": "-", "-": "+"}
_CITIES_WITHOUT_A_ZONE: Final = dict.fromkeys(("beijing", "guangzhou", "shenzhen"), "Asia/Shanghai")
_ALIKE: Final = 0.8
"""How much of a name has to be right: `Asia/Beirut` is not meant by `Asia/Beijing` (0.7)."""

_FIRST_DAY: Final = datetime(2010, 1, 1, tzinfo=UTC)
_DAYS: Final = 365 * 30


def default_folders() -> tuple[Path, ...]:
    """Return the folders to look for zones in, that of PyPI's `tzdata` first: of equal releases the first counts."""
    return (Path(str(files("tzdata") / "zoneinfo")), *map(Path, zoneinfo.TZPATH))


def newest_first(folders: Sequence[Path] | None = None) -> list[TimeZoneData]:
    """Return what is in those of `folders` that are there, by default the usual ones, the latest release first."""
    there = [folder for folder in (default_folders() if folders is None else folders) if folder.is_dir()]
    found = [TimeZoneData(_release(folder), str(folder)) for folder in there]
    return sorted(found, key=lambda data: (data.release != UNKNOWN, data.release), reverse=True)


def time_zone_data() -> TimeZoneData:
    """Return what counts."""
    return next(iter(newest_first()), TimeZoneData(UNKNOWN, ""))


def time_zone(name: str, folders: Sequence[Path] | None = None) -> ZoneInfo:
    """Return the zone of the latest release that has it, the same object as long as its data is the same.

    Raises `LookupError` where there is none; its text is a hint at what may be meant, or empty.
    """
    known = newest_first(folders)
    if _NAME.fullmatch(name) and not _NO_ZONE.match(name):
        for data in known:
            with suppress(OSError, ValueError):  # ValueError: a file that is none of a zone, such as zone.tab
                return _zone(name, (Path(data.folder) / name).read_bytes())
    raise LookupError(_hint(name, known))


def turned_sign(name: str) -> str | None:
    """Return a warning for a zone such as `Etc/GMT+8`, which is eight hours behind UTC; `None` for any other."""
    found = _TURNED.fullmatch(name)
    if found is None:
        return None
    (sign, hours), opposite = found.groups(), _OPPOSITE[found[1]]
    return (
        f"{name} is UTC{opposite}{hours}, for its sign is that of POSIX. Where UTC{sign}{hours} is meant, write "
        f"Etc/GMT{opposite}{hours}; the zone of a city leaves no doubt"
    )


@lru_cache(maxsize=1000)
def fingerprint(zone: ZoneInfo) -> str:
    """Return what tells `zone` from one of the same name with other rules, in any process and for any form of file."""
    offsets: list[tuple[int, timedelta | None]] = []
    for day in range(_DAYS):
        offset = (_FIRST_DAY + timedelta(days=day)).astimezone(zone).utcoffset()
        if not offsets or offsets[-1][1] != offset:
            offsets.append((day, offset))
    return hashlib.sha256(repr(offsets).encode()).hexdigest()[:8]


@lru_cache(maxsize=1000)
def _zone(name: str, content: bytes) -> ZoneInfo:
    return ZoneInfo.from_file(io.BytesIO(content), key=name)


def _release(folder: Path) -> str:
    try:
        with (folder / "tzdata.zi").open(encoding="utf-8", errors="replace") as source:
            found = _RELEASE.match(source.readline(100))
    except OSError:
        return UNKNOWN
    return found[1] if found else UNKNOWN


def _hint(name: str, known: Sequence[TimeZoneData]) -> str:
    """Return which zone may be meant by `name`; empty where none is like it."""
    names = {zone.casefold(): zone for data in known for zone in _names(Path(data.folder))}
    if offset := _OFFSET.fullmatch(name):
        turned = f"Etc/GMT{_OPPOSITE[offset[1]]}{offset[2]}"
        known_offset = turned.casefold() in names
        return f"did you mean `{turned}` (its sign is that of POSIX), or the zone of a city?" if known_offset else ""
    written = name.strip().replace(" ", "_").casefold()
    city = written.rpartition("/")[2]
    exact = [zone for zone in (written, city) if zone in names]
    same_city = [zone for zone in names if zone.rpartition("/")[2] == city]
    close = exact or same_city or difflib.get_close_matches(written, names, 1, _ALIKE)
    meant = names[close[0]] if close else _CITIES_WITHOUT_A_ZONE.get(city, "")
    return f"did you mean `{meant}`?" if meant else ""


def _names(folder: Path) -> list[str]:
    """Return the names of all zones, as the source of the database in `folder` tells them."""
    try:
        source = (folder / "tzdata.zi").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return re.findall(r"^(?:Z|L \S+) (\S+)", source, re.MULTILINE)
