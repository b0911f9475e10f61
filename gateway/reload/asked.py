"""Where a worker is asked to reload: a pipe, which no server has a use of its own for, unlike any signal.

Its workers' SIGHUP is uWSGI's, which may end by it. The pipe is found as what a worker shows is found, by
`/proc/<pid>/fd` (see `published`), so whoever may not look into a process cannot ask it either.
"""

import os
import select
from contextlib import suppress
from typing import Final

_AT_ONCE: Final = 4096


class Asked:
    """The pipe of this process. `number` is that of the end that is written to."""

    def __init__(self) -> None:
        self._end, self.number = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._end, select.POLLIN)

    def __del__(self) -> None:
        os.close(self._end)
        os.close(self.number)

    def put(self) -> None:
        """Ask; safe to call in a signal handler."""
        # Where it is full, there is somebody who asked.
        with suppress(BlockingIOError):
            os.write(self.number, b"\n")

    def wait(self, limit_s: float | None) -> bool:
        """Wait until somebody asks, at most `limit_s` seconds; tell whether anybody did. Takes all who asked so far."""
        if not self._poll.poll(None if limit_s is None else limit_s * 1000):
            return False
        with suppress(BlockingIOError):
            while len(os.read(self._end, _AT_ONCE)) == _AT_ONCE:
                pass
        return True


def ask(pid: int, number: int) -> None:
    """Ask the process `pid`, whose pipe has this number there; nothing where it has ended, or shows no pipe."""
    with suppress(OSError):
        pipe = os.open(f"/proc/{pid}/fd/{number}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(pipe, b"\n")
        finally:
            os.close(pipe)
