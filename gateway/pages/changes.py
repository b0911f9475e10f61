"""Callers who hold a page sleep here until it is another one, all of one page together, each in its own thread.

One thread of the process looks at the pages that somebody waits for: when one changes here, and when it is time to
fetch it. Who waits costs nothing meanwhile, and is woken by who was woken before (see `flights`).
"""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import structlog

from gateway.daemon_thread import start_daemon_thread
from gateway.model import CampaignQuery, Urgency
from gateway.pages.flights import Flight
from gateway.pages.watch import AtHand, Seen, Watch

LONGEST_PAUSE_S: Final = 5.0
"""A page that somebody waits for is looked at so often at least: a reload may have changed how long it is fresh."""

log = structlog.get_logger("gateway.pages")


class Woken(Enum):
    """Why a wait is over: the page is another one or gone, its time is, or all are to ask anew."""

    CHANGED = "changed"
    TIME_OVER = "time over"
    ALL = "all"


@dataclass(slots=True, eq=False)
class _Sleepers:
    """Those who wait while a page has one tag."""

    flight: Flight[Woken] = field(default_factory=lambda: Flight(0.0, Urgency()))
    number: int = 0


@dataclass(slots=True)
class _Watched:
    """A page that somebody waits for: its query, when it is to be looked at, and who waits, by the tag they hold."""

    query: CampaignQuery
    due_at: float
    by_etag: dict[str, _Sleepers] = field(default_factory=dict)


class Changes:
    """The waits of one process. It outlives an app: `watch_by` gives it the pages of the next one."""

    def __init__(self, watch: Watch, clock: Callable[[], float] = time.monotonic) -> None:
        self._watch = watch
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        self._noticed: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def watch_by(self, watch: Watch) -> None:
        """Look at the pages of another app from now on."""
        self._watch = watch

    def at_hand(self, key: str) -> AtHand | None:
        """Return the page under `key` that this process holds, or `None`."""
        return self._watch.at_hand(key)

    def notice(self, key: str | None) -> None:
        """Hear that the page of `key`, or any (`None`), may have changed. It is quick."""
        if self._watched and (key is None or key in self._watched):
            self._noticed.put(key)

    def wait(self, key: str, query: CampaignQuery, etag: str, seconds: float) -> Woken:
        """Wait while the page under `key`, which answers `query`, has `etag` (of its identity coding)."""
        with self._lock:
            watched = self._watched.get(key)
            if watched is None:
                watched = self._watched[key] = _Watched(query, self._clock())
            sleepers = watched.by_etag.setdefault(etag, _Sleepers())
            sleepers.number += 1
            if len(watched.by_etag) > 1 or sleepers.number == 1:
                self._noticed.put(key)
        self._start()
        try:
            at_hand = self.at_hand(key)
            # It may have changed since the caller looked, and before anybody knew that it waits.
            if at_hand is None or at_hand.rendered.identity.etag != etag:
                return Woken.CHANGED
            woken = sleepers.flight.wait(seconds)
            return sleepers.flight.result or Woken.CHANGED if woken else Woken.TIME_OVER
        finally:
            self._leave(key, etag, sleepers)

    def wake_all(self) -> None:
        """Have all who wait ask anew."""
        with self._lock:
            everybody = [sleepers for watched in self._watched.values() for sleepers in watched.by_etag.values()]
            self._watched.clear()
        for sleepers in everybody:
            sleepers.flight.land(Woken.ALL)

    def look(self, key: str) -> None:
        """Look at one page, and wake those who wait for another one than there is."""
        watched = self._watched.get(key)
        if watched is None:
            return
        try:
            seen = self._watch.look(key, watched.query)
        except Exception:
            log.exception("watch_failed", key=key)
            seen = Seen("", LONGEST_PAUSE_S)
        watched.due_at = self._clock() + min(seen.again_in_s, LONGEST_PAUSE_S)
        with self._lock:
            late = [etag for etag in watched.by_etag if etag != seen.etag]
            woken = [watched.by_etag.pop(etag) for etag in late]
            self._forget_empty(key, watched)
        for sleepers in woken:
            sleepers.flight.land(Woken.CHANGED)

    def look_at_due(self) -> None:
        """Look at the pages whose time has come."""
        now = self._clock()
        for key, watched in list(self._watched.items()):
            if watched.due_at <= now:
                self.look(key)

    def close(self) -> None:
        """End the thread, and have all who wait ask anew."""
        self._closed = True
        self.wake_all()
        self._noticed.put(None)

    def _leave(self, key: str, etag: str, sleepers: _Sleepers) -> None:
        with self._lock:
            sleepers.number -= 1
            watched = self._watched.get(key)
            if sleepers.number == 0 and watched is not None and watched.by_etag.get(etag) is sleepers:
                del watched.by_etag[etag]
                self._forget_empty(key, watched)

    def _forget_empty(self, key: str, watched: _Watched) -> None:
        if not watched.by_etag and self._watched.get(key) is watched:
            del self._watched[key]

    def _start(self) -> None:
        """See to it that the thread runs; a fork ends it in the child."""
        if self._closed or (self._thread is not None and self._thread.is_alive()):
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = start_daemon_thread(self._run, "page-watch")

    def _run(self) -> None:
        while not self._closed:
            with suppress(queue.Empty):
                noticed = {self._noticed.get(timeout=self._until_due())}
                while not self._noticed.empty():
                    noticed.add(self._noticed.get())
                for key in list(self._watched) if None in noticed else noticed:
                    self.look(str(key))
            self.look_at_due()

    def _until_due(self) -> float | None:
        due = [watched.due_at for watched in list(self._watched.values())]
        return max(0.0, min(due) - self._clock()) if due else None
