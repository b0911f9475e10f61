"""Log lines are written by a thread, so that nobody who answers waits for whoever reads the log.

A full pipe on standard error would else hold each request that has something to say, and soon all of them. Lines wait
here meanwhile, and what is more than that is dropped and counted: an answer is worth more than its line.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from multiprocessing.util import Finalize

MOST_LINES = 10_000
"""So many lines wait at most, some megabytes."""

AT_ONCE = 500
GATHER_S = 0.05
"""For how long the first line waits for others: a thread that woke for each would take its turn from who answers."""

END_WAIT_S = 2.0
"""For how long the end of the process waits for lines to be written."""

_LAST = -10


class LogWriter:
    """Takes lines from any thread. `write` writes some to wherever the log goes, and may block.

    The first line waits `gather_s` seconds for others, the end of the process does not.
    """

    def __init__(
        self, write: Callable[[str], object], most_lines: int = MOST_LINES, gather_s: float = GATHER_S
    ) -> None:
        self._write = write
        self._most_lines = most_lines
        self._gather_s = gather_s
        self._lines: deque[str] = deque()
        self._some = threading.Event()
        self._ending = threading.Event()
        self._all_written = threading.Event()
        self._all_written.set()
        self._thread: threading.Thread | None = None
        self.dropped = 0
        """Lines that were not written."""

    def start(self) -> None:
        """Start the thread. Lines that come before that wait for it."""
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Have `line` written soon, or dropped if too many wait; never blocks."""
        if len(self._lines) >= self._most_lines:
            self.dropped += 1
            return
        self._all_written.clear()
        self._lines.append(f"{line}\n")
        if not self._some.is_set():
            self._some.set()

    def finish(self, limit_s: float = END_WAIT_S) -> bool:
        """Wait until all lines are written; `False` if they are not within `limit_s` seconds."""
        self._ending.set()
        self._some.set()
        return self._all_written.wait(limit_s)

    def _run(self) -> None:
        while True:
            self._some.wait()
            self._ending.wait(self._gather_s)
            self._some.clear()
            while self._lines:
                lines = [self._lines.popleft() for _ in range(min(len(self._lines), AT_ONCE))]
                try:
                    self._write("".join(lines))
                except (OSError, ValueError):
                    # Nobody reads any more, or the file is closed: there is no other place to say so.
                    self.dropped += len(lines)
            self._all_written.set()
            if self._lines:
                # One came between the last look and that.
                self._all_written.clear()
                self._some.set()


def write_to_standard_error(lines: str) -> None:
    """Write `lines` to standard error, past Python's own file, whose lock others would wait for, where it has one."""
    try:
        handle = sys.stderr.fileno()
    except (OSError, AttributeError):
        # What mod_wsgi puts there writes to Apache's log, line by line.
        sys.stderr.write(lines)
        sys.stderr.flush()
        return
    data = lines.encode(errors="backslashreplace")
    while data:
        data = data[os.write(handle, data) :]


def start_log_writer() -> LogWriter:
    """Return a writer to standard error that has started, and that the end of the process waits for."""
    writer = LogWriter(write_to_standard_error)
    writer.start()
    Finalize(None, writer.finish, exitpriority=_LAST)
    return writer
