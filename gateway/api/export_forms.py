"""The forms of an export: NDJSON, CSV (RFC 4180) and a workbook. Each row is a campaign as in `data` of a page.

Rows are written as NDJSON while they are read; the other forms are made from that.
"""

import csv
import io
import json
import zlib
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import IO, Final, NamedTuple

from gateway.api.campaign_json import campaign_json
from gateway.api.public import json_bytes
from gateway.api.workbook import write_workbook
from gateway.model import Campaign
from gateway.results.spool import Spool

COLUMNS: Final = ("id", "name", "status", "device_type", "begins_at", "ends_at", "caller_number")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How cells begin that spreadsheets run, or that hide from view what they run."""

BOM: Final = "\ufeff".encode()
GZIP_LEVEL: Final = 5
ROWS_AT_ONCE: Final = 500
"""Of CSV, some 64 KiB."""


class ExportFormat(StrEnum):
    """What an export may be."""

    NDJSON = "ndjson"
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        """The media type, as `Accept` may name it."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES: Final = {
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.CSV: "text/csv",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class CsvDialect(StrEnum):
    """For whom CSV is: spreadsheets, which run what looks like a formula, or programs, which do not."""

    SPREADSHEET = "spreadsheet"
    PLAIN = "plain"


class Form(NamedTuple):
    """A form with its options. `bom` and `dialect` are CSV's, `end_line` is NDJSON's."""

    format: ExportFormat
    dialect: CsvDialect = CsvDialect.SPREADSHEET
    bom: bool = False
    end_line: bool = False

    @property
    def is_rows(self) -> bool:
        """Whether it is the form in which rows are kept."""
        return self.format is ExportFormat.NDJSON and not self.end_line

    def writer(self, rows: int) -> Callable[[Spool, Spool], None]:
        """Return what makes this form, of so many rows, from the first spool in the second."""
        if self.format is ExportFormat.CSV:
            return partial(_write_csv, dialect=self.dialect, bom=self.bom)
        if self.format is ExportFormat.XLSX:
            return _write_xlsx
        return partial(_write_with_end_line, rows=rows)


def ndjson(campaigns: Iterable[Campaign]) -> bytes:
    """Return the campaigns, one a line, each as in `data` of a page."""
    return "".join(f"{campaign_json(campaign)}\n" for campaign in campaigns).encode("utf-8", "replace")


def defused(cell: str) -> str:
    """Return `cell`, with an apostrophe in front where a spreadsheet would run it."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def pack(plain: Spool, packed: Spool) -> None:
    """Write `plain` to `packed` in gzip, the same bytes for the same bytes."""
    # 16 more than the largest window: with the head and the end of gzip, which names no time.
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for piece in plain.read(0, plain.size):
        packed.write(compressor.compress(piece))
    packed.write(compressor.flush())


def _write_with_end_line(source: Spool, target: Spool, *, rows: int) -> None:
    for piece in source.read(0, source.size):
        target.write(piece)
    target.write(json_bytes({"complete": True, "rows": rows}) + b"\n")


def _write_csv(source: Spool, target: Spool, *, dialect: CsvDialect, bom: bool) -> None:
    target.write((BOM if bom else b"") + ",".join(COLUMNS).encode() + b"\r\n")
    guard = defused if dialect is CsvDialect.SPREADSHEET else str
    rows = (
        [
            "" if value is None else guard(value) if isinstance(value, str) else value
            for value in json.loads(line).values()
        ]
        for line in source.lines()
    )
    while some := list(islice(rows, ROWS_AT_ONCE)):
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(some)
        target.write(text.getvalue().encode("utf-8", "replace"))


def _write_xlsx(source: Spool, target: Spool) -> None:
    rows = (["" if value is None else str(value) for value in json.loads(line).values()] for line in source.lines())
    target_file: IO[bytes] = target  # type: ignore[assignment]  # -- all of a file that a workbook needs
    write_workbook(target_file, "Campaigns", COLUMNS, rows)
