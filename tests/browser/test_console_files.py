"""Files that the console fetches: it offers what is whole, and nothing else."""

import base64
import csv
import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Download, Route, expect

from gateway.simulator.server import SimulatorServer
from tests.browser.conftest import a_campaign
from tests.support.console import Console

CSV = b'\xef\xbb\xbfid,name\r\n1,"two\r\nlines, and ""quotes"""\r\n2,x\r\n'
NDJSON = b'{"id":1,"name":"a\\nb"}\n{"id":2,"name":"x"}\n'
BINARY = bytes(range(256)) * 40


def digest(body: bytes) -> str:
    """Return the value of `Repr-Digest` for `body`."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def stand_in(console: Console, body: bytes, rows: int, of: bytes = b"") -> None:
    """Have the console's page get `body` for a file, with what is said of `of` (`body`, unless given)."""

    def answer(route: Route) -> None:
        headers = {
            "X-Total-Count": str(rows),
            "Repr-Digest": digest(of or body),
            "Content-Disposition": 'attachment; filename="campaigns-1-2026-11-27.file"',
        }
        route.fulfill(status=200, headers=headers, body=body)

    console.page.route("**/campaigns/export?*", answer)


def test_what_is_whole_is_saved(console: Console, tmp_path: Path) -> None:
    """Byte for byte, under its name of the gateway; it says by what it was found whole, and the focus stays."""
    console.open("?status=running")
    console.shows(20)
    forms = (("CSV", CSV, "rows and digest"), ("XLSX", BINARY, "digest"), ("NDJSON", NDJSON, "rows and digest"))
    for button, body, checks in forms:
        stand_in(console, body, rows=2)
        pressed = console.page.get_by_role("button", name=button, exact=True)
        with console.page.expect_request("**/campaigns/export?*") as asked, console.page.expect_download() as saved:
            pressed.press("Enter")
        file = tmp_path / button
        saved.value.save_as(file)
        assert file.read_bytes() == body
        assert saved.value.suggested_filename == "campaigns-1-2026-11-27.file"
        assert "status=running" in asked.value.url
        expect(console.page.locator("#download-state")).to_contain_text(f"2 rows, checked by {checks}")
        expect(pressed).to_be_focused()


def test_what_is_cut_is_not_offered(console: Console) -> None:
    """An answer that ends early, as some fronts let it, looks like any other: nothing is saved, and it says why."""
    saved: list[Download] = []
    # Playwright marks what it calls, and methods of lists cannot be marked.
    console.page.on("download", lambda download: saved.append(download))  # noqa: PLW0108 -- Playwright takes no built-in method
    console.open()
    console.shows(20)
    for button, body, of in (("CSV", CSV[:-7], CSV), ("NDJSON", NDJSON[:24], NDJSON), ("XLSX", BINARY[:-1], BINARY)):
        stand_in(console, body, rows=2, of=of)
        console.page.get_by_role("button", name=button, exact=True).click()
        expect(console.page.locator("#download-state")).to_contain_text(f"No {button} file: What came is not whole")
    assert saved == []


def test_there_is_no_file_of_what_cannot_be_asked_for(console: Console) -> None:
    """Of drafts and the like there is none, and it says so."""
    console.open("?status=other")
    console.shows(20)
    expect(console.page.get_by_role("button", name="CSV", exact=True)).to_be_disabled()
    expect(console.page.locator("#download-state")).to_contain_text("Files can be made of all, running")


GREAT = 9_007_199_254_740_993
ROWS = [
    a_campaign(GREAT, name="十一月回访", caller_no="0075512345"),
    a_campaign(2, name="=1+1", caller_no="007"),
    a_campaign(3, name='two "quotes", a comma', caller_no=""),
]


@pytest.fixture
def files(simulator: SimulatorServer, console: Console, tmp_path: Path) -> dict[str, Path]:
    """Return the three files of `ROWS` as the console of a real gateway saves them."""
    simulator.listings.show(1, ROWS)
    console.open("?name=")
    console.shows(3)
    found = {}
    for form in ("xlsx", "csv", "ndjson"):
        with console.page.expect_download() as saved:
            console.page.get_by_role("button", name=form.upper(), exact=True).click()
        expect(console.page.locator("#download-state")).to_contain_text("3 rows, checked by")
        assert saved.value.suggested_filename.endswith(f".{form}")
        found[form] = tmp_path / f"saved.{form}"
        saved.value.save_as(found[form])
    return found


def test_all_three_files_read_back(files: dict[str, Path], tmp_path: Path) -> None:
    """Chinese names, leading zeros and ids above 2^53 are whole in each; in XLSX as texts, for LibreOffice too."""
    lines = [json.loads(line) for line in files["ndjson"].read_text(encoding="utf-8").splitlines()]
    assert [(line["id"], line["name"], line["caller_number"] or "") for line in lines] == [
        (row.id, row.name, row.caller_no) for row in ROWS
    ]
    records = list(csv.DictReader(files["csv"].read_text(encoding="utf-8-sig").splitlines()))
    assert [record["id"] for record in records] == [str(row.id) for row in ROWS]
    assert [record["name"] for record in records] == ["十一月回访", "'=1+1", 'two "quotes", a comma']
    with zipfile.ZipFile(files["xlsx"]) as book:
        sheet = b"".join(book.read(name) for name in book.namelist() if name.startswith("xl/"))
    for text in (str(GREAT), "十一月回访", "0075512345", "007"):
        assert f">{text}<".encode() in sheet
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("needs LibreOffice (Debian: apt-get install libreoffice-calc-nogui)")
    (tmp_path / "read").mkdir()
    for form in ("xlsx", "csv"):
        # UTF-8 in, and out with what cells show (token 8, see LibreOffice's "Filter Options for CSV").
        reading = ["--infilter=CSV:44,34,76"] if form == "csv" else []
        command = [office, f"-env:UserInstallation=file://{tmp_path}/office", "--headless", *reading]
        writing = ["--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76", "--outdir", str(tmp_path / "read")]
        subprocess.run([*command, *writing, str(files[form])], check=True, capture_output=True, timeout=120)
        read = (tmp_path / "read/saved.csv").read_text(encoding="utf-8-sig")
        assert "十一月回访" in read
        if form == "xlsx":
            assert str(GREAT) in read
            assert "0075512345" in read
            assert "=1+1" in read
