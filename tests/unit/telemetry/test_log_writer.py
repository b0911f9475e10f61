"""Lines are written behind the back of those who log."""

import sys
import threading
import time

import pytest

from gateway.telemetry.log_writer import LogWriter, write_to_standard_error
from tests.support.waiting import wait_until


class Reader:
    """Reads the log, unless it hangs."""

    def __init__(self) -> None:
        self.said = ""
        self.reads = threading.Event()
        self.reads.set()
        self.asked = threading.Event()

    def __call__(self, lines: str) -> None:
        """Take some lines."""
        self.asked.set()
        assert self.reads.wait(10)
        self.said += lines


def test_all_lines_are_written_in_their_order() -> None:
    """Those from before the thread too, and from several threads; the end waits for them."""
    reader = Reader()
    writer = LogWriter(reader, most_lines=100_000)
    writer.put("first")
    writer.start()

    def put_many(name: str) -> None:
        for number in range(2000):
            writer.put(f"{name} {number}")

    threads = [threading.Thread(target=put_many, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.finish(10)
    lines = reader.said.splitlines()
    assert (len(lines), lines[0], writer.dropped) == (6001, "first", 0)
    for name in "abc":
        assert [line for line in lines if line.startswith(name)] == [f"{name} {number}" for number in range(2000)]


def test_lines_of_one_moment_are_written_together() -> None:
    """A crowd of them is one piece of work, and the end of the process does not wait for more to come."""
    written: list[str] = []
    writer = LogWriter(written.append, gather_s=600)
    writer.start()
    for number in range(100):
        writer.put(str(number))
        # The other thread's turn, if it wants one.
        time.sleep(0)
    assert writer.finish(10)
    assert written == ["".join(f"{number}\n" for number in range(100))]


def test_nobody_waits_for_a_reader_that_hangs() -> None:
    """So many lines wait, the others are dropped and counted; when it reads again, it goes on."""
    reader = Reader()
    reader.reads.clear()
    writer = LogWriter(reader, most_lines=3)
    writer.start()
    writer.put("0")
    assert reader.asked.wait(10)
    for number in range(1, 10):
        writer.put(str(number))
    assert writer.dropped == 6
    assert writer.finish(0.01) is False
    reader.reads.set()
    assert writer.finish(10)
    assert reader.said == "0\n1\n2\n3\n"
    writer.put("again")
    wait_until(lambda: reader.said.endswith("again\n"))


def test_a_reader_that_is_gone_stops_nobody() -> None:
    """What cannot be written is counted, and the next is tried again."""
    tried: list[str] = []

    def write(lines: str) -> None:
        tried.append(lines)
        if len(tried) == 1:
            raise BrokenPipeError

    writer = LogWriter(write)
    writer.start()
    writer.put("lost")
    assert writer.finish(10)
    writer.put("written")
    assert writer.finish(10)
    assert (tried, writer.dropped) == (["lost\n", "written\n"], 1)


def test_standard_error_takes_what_is_no_text(capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever Python can hold in a string can be written."""
    write_to_standard_error("é \ud800\n")
    assert capfd.readouterr().err == "é \\ud800\n"


class WithoutAHandle:
    """Stands for what mod_wsgi has in the place of standard error."""

    def __init__(self) -> None:
        self.written = ""

    def write(self, lines: str) -> None:
        """Take them."""
        self.written += lines

    def flush(self) -> None:
        """Do nothing more."""


def test_lines_reach_a_standard_error_that_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apache's log, for one, is no open file of this process."""
    log = WithoutAHandle()
    monkeypatch.setattr(sys, "stderr", log)
    write_to_standard_error("a line\n")
    assert log.written == "a line\n"
