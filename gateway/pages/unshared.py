"""Pages that this process has and the shared tier has not: it was in trouble when they landed, or has lost them since.

Until it has them other processes go on showing the pages before, for as long as those are fresh or CC-iSales fails. So
they are put there as soon as it takes them.
"""

import threading
from collections.abc import Callable
from typing import Final

from gateway.daemon_thread import start_daemon_thread
from gateway.model import CampaignQuery
from gateway.pages.shared import Landing

AGAIN_S: Final = 0.5
MOST: Final = 1000
"""Of more pages, those that were noted first are put there when they are fetched anew."""


class Unshared:
    """Remembers the keys of such pages, and has `share` put the pages there, again and again until that is done.

    `share` gets a key and what is asked under it, and tells what became of it: `OVERTAKEN` is to be tried again, and
    after `NOT_SHARED` no other one is tried for a while either.
    """

    def __init__(self, share: Callable[[str, CampaignQuery], Landing]) -> None:
        self._share = share
        self._noted: dict[str, list[CampaignQuery]] = {}
        self._closed = threading.Event()
        self._working = False
        self._lock = threading.Lock()

    def note(self, key: str, query: CampaignQuery) -> None:
        """Remember the page of `key`, which answers `query`."""
        with self._lock:
            # A list of its own tells this note from others of the same query.
            self._noted[key] = [query]
            if len(self._noted) > MOST:
                del self._noted[next(iter(self._noted))]
            if self._working or self._closed.is_set():
                return
            self._working = True
        if start_daemon_thread(self._run, "unshared-pages") is None:
            self._working = False

    def close(self) -> None:
        """End the thread."""
        self._closed.set()

    def _run(self) -> None:
        try:
            while self._is_wanted():
                self._closed.wait(AGAIN_S)
                self._share_all()
        except BaseException:
            self._working = False
            raise

    def _is_wanted(self) -> bool:
        with self._lock:
            self._working = bool(self._noted) and not self._closed.is_set()
            return self._working

    def _share_all(self) -> None:
        with self._lock:
            noted = dict(self._noted)
        for key, (query,) in noted.items():
            if self._closed.is_set():
                return
            # Last of the next round, for whatever keeps it from being there may be about this key alone.
            self._move_to_the_end(key)
            landing = self._share(key, query)
            if landing is Landing.NOT_SHARED:
                return
            if landing is Landing.DONE:
                self._forget(key, noted[key])

    def _move_to_the_end(self, key: str) -> None:
        with self._lock:
            if key in self._noted:
                self._noted[key] = self._noted.pop(key)

    def _forget(self, key: str, note: list[CampaignQuery]) -> None:
        with self._lock:
            # Not one that came meanwhile: it may be about a newer page.
            if self._noted.get(key) is note:
                del self._noted[key]
