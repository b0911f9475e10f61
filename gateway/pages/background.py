"""Threads for fetches that nobody, or not everybody, waits for to the end."""

import threading
from collections.abc import Callable

from gateway.daemon_thread import start_daemon_thread

MOST = 100
"""Far more than there are calls at once: those above that only wait for a slot."""


class Background:
    """Does work in threads of its own, at most `most` at a time.

    They are daemons: a process that ends does not wait for them. Each begins with its work, because a server may fork
    after the app was made.
    """

    def __init__(self, most: int = MOST) -> None:
        self._places = threading.Semaphore(most)
        self._closed = False

    def close(self) -> None:
        """Begin nothing any more; what is under way goes on."""
        self._closed = True

    def start(self, work: Callable[[], None], name: str) -> bool:
        """Do `work` in a thread called `name`; `False` when it is closed, there are too many, or none can be had."""
        if self._closed or not self._places.acquire(blocking=False):
            return False

        def run() -> None:
            try:
                work()
            finally:
                self._places.release()

        if start_daemon_thread(run, name) is not None:
            return True
        self._places.release()
        return False
