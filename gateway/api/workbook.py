"""A workbook of one sheet of texts (Office Open XML, ECMA-376), written row by row.

Not XlsxWriter or openpyxl: the modes of both that hold no sheet in memory keep rows in temporary files with names,
which stay behind when the process is killed, and in all need three times the room. A sheet of nothing but texts is
little XML in a ZIP, which the standard library writes as it comes.
"""

import re
import zipfile
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import IO, Final

AT_ONCE: Final = 100
"""Rows, some 64 KiB."""
COMPRESSION_LEVEL: Final = 4
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_ESCAPED: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What XML cannot hold is written as _xHHHH_ (ECMA-376, part 1, 22.9.2.19), and so is what would be read as that.
_SPECIAL: Final = re.compile(r"[&<>]|[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")

_MEMBERS: Final = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
    # 49 is the format of texts, so that what is typed into a cell stays one too. The second style is that of the head.
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/>'
    '<xf numFmtId="49" applyNumberFormat="1"/><xf fontId="1" numFmtId="49" applyFont="1" applyNumberFormat="1"/>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


def write_workbook(target: IO[bytes], title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a workbook with a sheet called `title` to `target`, which need not be seekable.

    `head` are the names of the columns, every value of `rows` is a text cell. An empty one is no cell.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL) as archive:
        for name, content in _MEMBERS.items():
            _write(archive, name, [content])
        book = f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets><sheet name="{text(title)}" sheetId="1"'
        _write(archive, "xl/workbook.xml", [f'{book} r:id="rId1"/></sheets></workbook>'])
        _write(archive, "xl/worksheets/sheet1.xml", _sheet(head, rows))


def text(value: str) -> str:
    """Return `value` as it stands in XML."""
    return _SPECIAL.sub(lambda found: _ESCAPED.get(found[0]) or f"_x{ord(found[0]):04X}_", value)


def _sheet(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    last = _column(len(head) - 1)
    yield f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2"'
    yield ' activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
    yield f'<cols><col min="1" max="{len(head)}" width="24" style="1" customWidth="1"/></cols><sheetData>'
    yield _row(1, head, 2)
    number = 1
    for number, row in enumerate(rows, 2):
        yield _row(number, row, 1)
    yield f'</sheetData><autoFilter ref="A1:{last}{number}"/>'
    # Not a mistake, whatever the program thinks.
    yield f'<ignoredErrors><ignoredError sqref="A1:{last}{number}" numberStoredAsText="1"/></ignoredErrors></worksheet>'


def _row(number: int, cells: Sequence[str], style: int) -> str:
    kind = f'{number}" s="{style}" t="inlineStr"><is><t xml:space="preserve">'
    written = "".join(
        f'<c r="{_column(place)}{kind}{text(cell)}</t></is></c>' for place, cell in enumerate(cells) if cell
    )
    return f'<row r="{number}">{written}</row>'


def _column(place: int) -> str:
    # There are far fewer than letters.
    return chr(ord("A") + place)


def _write(archive: zipfile.ZipFile, name: str, parts: Iterable[str]) -> None:
    # By name, so that its time is no time at all (1980), and the same rows are the same bytes.
    with archive.open(name, "w") as entry:
        entry.write(_HEAD.encode())
        left = iter(parts)
        while some := "".join(islice(left, AT_ONCE)):
            entry.write(some.encode())
