"""Files that others name are read whole, in bounds, and without waiting for anybody."""

import os
import socket
from pathlib import Path

import pytest

from gateway.access.key_source import file_reader
from gateway.bounded_file import read_bounded
from gateway.trust.certificate import in_file


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Return a named pipe that nobody writes to: who opens it as a file waits without end."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    """As many bytes as may be are read; of one more nothing is, and the limit is named."""
    path = tmp_path / "file"
    path.write_bytes(b"four")
    assert read_bounded(path, 4) == b"four"
    with pytest.raises(OSError, match="it is longer than 3 bytes"):
        read_bounded(path, 3)
    assert read_bounded(os.devnull) == b""


def test_only_files_are_read(pipe: Path, tmp_path: Path) -> None:
    """A pipe, with a writer and without, a device without an end, a socket and a folder are refused at once."""
    with pytest.raises(OSError, match="it is a pipe"):
        read_bounded(pipe)
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w"), pytest.raises(OSError, match="it is a pipe"):
        read_bounded(f"/proc/self/fd/{reading}")
    with pytest.raises(OSError, match="another device"):
        read_bounded("/dev/zero")
    with pytest.raises(IsADirectoryError):
        read_bounded(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match="No such device"):
            read_bounded(tmp_path / "socket")


def test_who_reads_again_waits_for_no_pipe_either(pipe: Path) -> None:
    """What is read while the gateway serves may have become a pipe meanwhile."""
    with pytest.raises(OSError, match="it is a pipe"):
        file_reader(str(pipe))()
    assert in_file(str(pipe)) == ()
