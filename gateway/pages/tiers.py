"""The two places where pages are: the memory of this process, and the shared tier that several processes have."""

import math
import threading
import time
from collections.abc import Callable

import structlog

from gateway.model import CampaignPage
from gateway.pages.codec import FORMAT_VERSION, UnreadableEntry, decode, encode
from gateway.pages.freshness import Lifetimes
from gateway.pages.held import HeldPage, Render
from gateway.pages.memory import ProcessCache
from gateway.pages.shared import SharedTier
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger("gateway.pages")


class Tiers:
    """Keeps pages in this process, and takes from the shared tier what others have put there.

    What is found in the shared tier and cannot be read is a miss: deleted, counted, logged.
    """

    def __init__(
        self,
        memory: ProcessCache,
        shared: SharedTier,
        render: Render,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memory = memory
        self.held: Callable[[str], HeldPage | None] = memory.get
        """Returns the page under a key that this process holds, whatever its age, or `None`."""
        self._shared = shared
        self._render = render
        self._metrics = metrics
        self._clock = clock
        self.generation = 0
        """How often pages were forgotten: what was asked for before that is not held after it."""
        self._lock = threading.Lock()

    def adopt(self, key: str, lifetimes: Lifetimes) -> HeldPage | None:
        """Take the page under `key` from the shared tier and hold it, unless the one that is held is newer.

        Returns the newer one, `None` when the shared tier has none.
        """
        generation = self.generation
        found = self._shared.get(key)
        if found is None:
            return None
        entry, age_s = found
        try:
            page = decode(key, entry)
        except UnreadableEntry as fault:
            self._shared.delete(key)
            self._metrics.unreadable_entry()
            log.warning("cache entry deleted", key=key, reason=str(fault))
            return None
        stored_at = self._clock() - age_s
        known = self.held(key)
        if known is not None and known.stored_at >= stored_at:
            # A Redis that takes no writes keeps what it had; so does a replica that is behind.
            return known
        held = HeldPage(key, entry, page.paging, self._render(page), lifetimes, stored_at)
        self.hold(held, generation)
        return held

    def make(self, key: str, page: CampaignPage, lifetimes: Lifetimes) -> HeldPage:
        """Return `page` as it is held, fresh as of now; it is not held yet."""
        return HeldPage(key, encode(key, page), page.paging, self._render(page), lifetimes, self._clock())

    def discard(self, key: str) -> None:
        """Forget the page under `key` in both tiers."""
        self._memory.delete(key)
        self._shared.delete(key)

    def forget(self, vdn: int | None) -> int:
        """Forget the pages of one VDN, or all, that this process holds; return how many there were."""
        with self._lock:
            self.generation += 1
            return self._memory.delete_prefix(f"page:{FORMAT_VERSION}:" + ("" if vdn is None else f"{vdn}:"))

    def hold(self, held: HeldPage, generation: int) -> bool:
        """Hold a page in this process for as long as it can be of use; `generation` is that of before it was asked for.

        `False` when pages were forgotten since, when it is of no use any more, or when it alone is larger than all
        that may be held.
        """
        left = held.lifetimes.keep_s - (self._clock() - held.stored_at)
        # A whole number, as Flask-Caching has it: the lifetimes decide, this only ends what is of no use at all.
        with self._lock:
            wanted = left > 0 and generation == self.generation
            return wanted and self._memory.set(held.key, held, timeout=math.ceil(left))
