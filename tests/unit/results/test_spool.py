"""Bytes in memory, and then in a file that nobody sees."""

import contextlib
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.results.spool import Spooling


@given(st.lists(st.binary(max_size=50)), st.integers(0, 100), st.integers(0, 300), st.integers(0, 300))
def test_what_is_written_is_read(pieces: list[bytes], most_each: int, start: int, length: int) -> None:
    """In memory or in a file, any part of it, with its size and digest."""
    spool = Spooling(most_each=most_each).spool()
    for piece in pieces:
        assert spool.write(piece) == len(piece)
    spool.flush()
    whole = b"".join(pieces)
    assert spool.size == len(whole)
    assert spool.digest() == hashlib.sha256(whole).digest()
    assert spool.is_in_memory is (len(whole) <= most_each)
    start = min(start, len(whole))
    end = min(start + length, len(whole))
    assert b"".join(spool.read(start, end)) == whole[start:end]
    assert b"".join(spool.lines()) == whole
    assert all(line.count(b"\n") <= 1 for line in spool.lines())
    spool.close()


def open_files(folder: Path) -> list[str]:
    """Return the files of a folder that this process has open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(descriptor.readlink()))
    return [file for file in found if file.startswith(str(folder))]


def test_its_file_has_no_name(tmp_path: Path) -> None:
    """From the start, so that nothing is left of it however the process ends; it is in the folder that was named."""
    spool = Spooling(str(tmp_path), most_each=10).spool()
    spool.write(b"x" * 100)
    assert list(tmp_path.iterdir()) == []
    (opened,) = open_files(tmp_path)
    assert opened.endswith("(deleted)")
    spool.close()
    assert open_files(tmp_path) == []


def test_all_together_take_no_more_memory_than_allowed() -> None:
    """The next one goes to a file, and what is closed makes room."""
    spooling = Spooling(most_each=10, most_in_all=15)
    first, second = spooling.spool(), spooling.spool()
    first.write(b"x" * 10)
    second.write(b"y" * 10)
    assert (first.is_in_memory, second.is_in_memory) == (True, False)
    first.close()
    third = spooling.spool()
    third.write(b"z" * 10)
    assert third.is_in_memory
    assert list(third.read(0, 10)) == [b"z" * 10]


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """It is that of the system, and nothing is lost of memory."""
    spooling = Spooling(str(tmp_path / "none"), most_each=10, most_in_all=10)
    spool = spooling.spool()
    spool.write(b"x" * 5)
    with pytest.raises(FileNotFoundError):
        spool.write(b"x" * 10)
    spool.close()
    assert spooling.reserve(10)
