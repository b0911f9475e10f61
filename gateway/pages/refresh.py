"""Refreshes of stale pages in the background: one a key, by a bounded number of threads."""

import queue
import threading
from collections.abc import Callable

from gateway.daemon_thread import start_daemon_thread
from gateway.model import CampaignQuery


class Refresher:
    """Calls `work(key, query)` for keys that are kicked, each at most once at a time, in `workers` daemon threads.

    At most `backlog` keys wait; a kick beyond that is dropped, for the next caller of that page kicks again. Threads
    start with the first kick, because a server may fork after the app was made. They are daemons: a process that ends
    does not wait for refreshes.
    """

    def __init__(self, work: Callable[[str, CampaignQuery], None], workers: int, backlog: int = 1000) -> None:
        self._work = work
        self._workers = workers
        self._waiting: queue.Queue[tuple[str, CampaignQuery] | None] = queue.Queue(backlog)
        self._under_way: set[str] = set()
        self._lock = threading.Lock()
        self._started = 0
        self._closed = False

    def close(self) -> None:
        """Begin no refresh any more, and let the threads end when those under way have ended."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            while True:
                try:
                    waiting = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if waiting is not None:
                    self._under_way.discard(waiting[0])
            # One reaches each of them in turn.
            self._waiting.put_nowait(None)

    def kick(self, key: str, query: CampaignQuery) -> bool:
        """See to it that the page under `key` is refreshed. `False` when that is under way already, or dropped."""
        # A look without the lock first: a hot page that is stale is kicked by every caller.
        if key in self._under_way:
            return False
        with self._lock:
            if key in self._under_way or self._closed:
                return False
            if self._started < self._workers and start_daemon_thread(self._run, f"refresh-{self._started + 1}"):
                self._started += 1
            if self._started == 0:
                return False
            # Before a thread can be done with it.
            self._under_way.add(key)
            try:
                self._waiting.put_nowait((key, query))
            except queue.Full:
                self._under_way.discard(key)
                return False
            return True

    def is_under_way(self, key: str) -> bool:
        """Tell whether the page under `key` is being refreshed or waits for it."""
        return key in self._under_way

    def _run(self) -> None:
        while (kicked := self._waiting.get()) is not None:
            key, query = kicked
            try:
                self._work(key, query)
            finally:
                self._under_way.discard(key)
        self._waiting.put(None)
