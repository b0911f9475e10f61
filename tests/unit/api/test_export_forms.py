"""The forms of an export: rows as the list has them, CSV that is harmless, and gzip that is the same each time."""

import csv
import gzip
import io
import json
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from gateway.api.export_forms import COLUMNS, CsvDialect, ExportFormat, Form, defused, ndjson, pack
from gateway.api.public import CampaignSchema, json_bytes
from gateway.model import Campaign
from gateway.results.spool import Spool, Spooling
from tests.support.campaigns import CAMPAIGNS

ROWS = st.lists(CAMPAIGNS, max_size=20)


def spooled(data: bytes) -> Spool:
    """Return a spool with these bytes."""
    spool = Spooling().spool()
    spool.write(data)
    return spool


def made(form: Form, rows: list[Campaign]) -> bytes:
    """Return the rows in a form."""
    target = Spooling().spool()
    form.writer(len(rows))(spooled(ndjson(rows)), target)
    return b"".join(target.read(0, target.size))


def row_of(campaign: Campaign) -> dict[str, Any]:
    """Return what `data` of a page has for it."""
    dumped: dict[str, Any] = CampaignSchema().dump(campaign)
    return dumped


@given(ROWS)
def test_ndjson_is_one_campaign_a_line(rows: list[Campaign]) -> None:
    """The same members, values and order as in `data` of a page, to the byte, however odd the names are."""
    assert ndjson(rows) == b"".join(json_bytes(row_of(row)) + b"\n" for row in rows)
    assert all(tuple(row_of(row)) == COLUMNS for row in rows)
    lines = ndjson(rows).split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == [row_of(row) for row in rows]
    ended = made(Form(ExportFormat.NDJSON, end_line=True), rows)
    assert ended == ndjson(rows) + b'{"complete":true,"rows":%d}\n' % len(rows)


@given(ROWS, st.booleans())
def test_csv_is_read_back(rows: list[Campaign], bom: bool) -> None:  # noqa: FBT001 -- hypothesis gives it
    """Plain it is what it was; for spreadsheets no cell begins as a formula does."""
    plain = made(Form(ExportFormat.CSV, CsvDialect.PLAIN, bom), rows)
    assert plain.startswith(b"\xef\xbb\xbf") is bom
    _, *read = csv.reader(io.StringIO(plain.decode("utf-8-sig"), newline=""))
    assert read == [["" if value is None else str(value) for value in row_of(row).values()] for row in rows]
    safe = made(Form(ExportFormat.CSV), rows).decode()
    assert safe.startswith("id,name,status,device_type,begins_at,ends_at,caller_number\r\n")
    for line in list(csv.reader(io.StringIO(safe, newline="")))[1:]:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in line)


@pytest.mark.parametrize("cell", ["=1+1", "+8610", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_formulas_are_defused(cell: str) -> None:
    """With an apostrophe, which spreadsheets take for the mark of a text."""
    assert defused(cell) == f"'{cell}"
    assert defused(f"a{cell}") == f"a{cell}"
    assert defused("") == ""


@given(st.lists(CAMPAIGNS, max_size=5))
def test_a_workbook_is_read_back(rows: list[Campaign]) -> None:
    """By another program: all that XML cannot hold is escaped, and every cell is a text."""
    data = made(Form(ExportFormat.XLSX), rows)
    assert data == made(Form(ExportFormat.XLSX), rows)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    head, *read = sheet.iter_rows(values_only=True)
    assert tuple(head) == COLUMNS

    def shown(value: object) -> str:
        return "" if value is None else unescape(str(value))

    for cells, row in zip(read, rows, strict=True):
        for cell, value in zip(cells, row_of(row).values(), strict=True):
            assert cell is None or isinstance(cell, str)
            # What is a line end to XML comes back as one.
            expected = "" if value is None else str(value)
            assert shown(cell) == expected


@given(st.binary(max_size=2000))
def test_gzip_is_the_same_each_time(data: bytes) -> None:
    """Packed twice, the bytes are equal, and they unpack to what they were."""
    packed = [spooled(b""), spooled(b"")]
    for target in packed:
        pack(spooled(data), target)
    first, second = (b"".join(target.read(0, target.size)) for target in packed)
    assert first == second
    assert gzip.decompress(first) == data
