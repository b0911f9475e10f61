"""What `gateway/README.md` says that each part costs."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
TOLD = {
    part: (int(lines.replace(",", "")), int(of_tests.replace(",", "")))
    for part, lines, of_tests in re.findall(
        r"^\| `(\w+)/` \| ([\d,]+) \| ([\d,]+) \| \d+ \|", (PROJECT / "gateway" / "README.md").read_text(), re.MULTILINE
    )
}
NOT_READ = {".md", ".json", ".pyc"}


def lines(folder: Path) -> int:
    """Return how many lines of code, pages, styles and catalogues there are in `folder`."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix not in NOT_READ]
    return sum(len(file.read_bytes().splitlines()) for file in files)


def test_every_part_is_told() -> None:
    """None is left out, and none is told that there is no more."""
    folders = {file.parent.name for file in (PROJECT / "gateway").glob("*/__init__.py")}
    assert set(TOLD) == folders


@pytest.mark.parametrize("part", TOLD)
def test_a_part_is_as_large_as_is_told(part: str) -> None:
    """To a fifth, or to a hundred lines."""
    of_part, of_tests = TOLD[part]
    assert lines(PROJECT / "gateway" / part) == pytest.approx(of_part, rel=0.2, abs=100)
    assert lines(PROJECT / "tests" / "unit" / part) == pytest.approx(of_tests, rel=0.2, abs=100)
