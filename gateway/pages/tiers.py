"""The two places where pages are: the memory of this process, and the shared tier that several processes have."""

import math
import random
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from gateway.model import CampaignPage, CampaignQuery
from gateway.pages.codec import UnreadableEntry, decode, encode
from gateway.pages.freshness import FreshnessPolicy, Lifetimes
from gateway.pages.held import HeldPage, Render
from gateway.pages.key import prefix_of, vdn_of
from gateway.pages.memory import ProcessCache
from gateway.pages.purge_marks import PurgeMarks
from gateway.pages.shared import Found, SharedTier
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger("gateway.pages")

DOUBT_S = 3.0
"""A leader that has not put its page into the shared tier so long after it was announced never will."""

HEARD_NEWS = 1000
"""Far more news than there may be between a landing and the look that finds it."""

JITTER = 0.1
"""Pages of one moment are refreshed ahead within this share of their time before it, not all at once."""

JITTER_OF_COUNTS = 0.5
"""The same for counts, many of which are asked for together."""


class Tiers:
    """Keeps pages in this process, and takes from the shared tier what others have put there.

    What is found in the shared tier and cannot be read is a miss: deleted, counted, logged. `refresh_ahead` is the
    share of its freshness at which a page is refreshed, and `chance` gives a number from 0 to 1 for each page.
    """

    def __init__(
        self,
        memory: ProcessCache,
        marks: PurgeMarks,
        shared: SharedTier,
        render: Render,
        freshness: FreshnessPolicy,
        metrics: Metrics,
        refresh_ahead: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._memory = memory
        self._marks = marks
        self.held: Callable[[str], HeldPage | None] = memory.get
        """Returns the page under a key that this process holds, whatever its age, or `None`."""
        self._shared = shared
        self._render = render
        self._freshness = freshness
        self._metrics = metrics
        self._refresh_ahead = refresh_ahead
        self._clock = clock
        self._wall = wall
        self._chance = chance
        self._lock = marks.lock
        self._news: deque[tuple[float, str | None]] = deque(maxlen=HEARD_NEWS)
        self.version = marks.version
        self.noticed: Callable[[str | None], None] = lambda _key: None
        """Is told the key of each page that may have changed, `None` for any; it must be quick."""
        self.lost: Callable[[str, CampaignQuery], None] = lambda _key, _query: None
        """Is told of a page that is held, and of which the shared tier has none or an older one; it must be quick."""

    def adopt(self, key: str, query: CampaignQuery) -> HeldPage | None:
        """Take the page that answers `query` from the shared tier and hold it, unless the one that is held is newer.

        Returns the newer one, `None` when there is none.
        """
        looked_at, before = self._clock(), self.held(key)
        found = self._shared.get(key)
        known = self.held(key)
        held = None
        if found is not None and (known is None or known.entry != found.entry):
            # Of what is held already, no page is made again: that takes a hundred times as long as a hit.
            held = self._read(key, query, found, looked_at)
        if found is None or held is None or (known is not None and not held.is_newer_than(known)):
            # A Redis that takes no writes keeps what it had; so does a replica that is behind.
            # Of one that has landed since it was looked there, that look tells nothing.
            missing = found is None or (held is not None and known is not None and known.is_newer_than(held))
            if missing and known is not None and known is before:
                self.lost(key, query)
            with self._lock:
                if known is not None and known.doubted_at is not None and looked_at - known.doubted_at > DOUBT_S:
                    known.doubted_at = None
            return known
        # Of another one that was announced since this one landed it is not known yet whether it is there.
        self.hold(held, looked_at - found.age_s)
        return held if not self._marks.is_gone(query.vdn, held.began_at) else None

    def beginning(self) -> float:
        """Return when a fetch begins that begins now."""
        with self._lock:
            return self._marks.beginning(self._clock())

    def make(self, key: str, query: CampaignQuery, page: CampaignPage, began_at: float) -> HeldPage:
        """Return `page` as it is held, fresh as of now; it is not held yet. Its fetch began at `began_at`."""
        now = self._wall()
        return self._held(key, query, page, encode(key, page, round(now.timestamp() * 1000)), now, began_at, 0.0)

    def discard(self, key: str) -> None:
        """Forget the page under `key` in both tiers."""
        with self._lock:
            self._memory.delete(key)
            self.version.number += 1
        self.noticed(key)
        self._shared.delete(key)

    def purge(self, vdn: int | None, ago_s: float, *, hard: bool) -> int:
        """End the freshness of the pages of one VDN, or of all, that were fetched before `ago_s`; return their number.

        Where it is `hard` they are forgotten. Pages whose fetch is under way, or which the shared tier gives later,
        are no exception.
        """
        with self._lock:
            self._marks.note(vdn, self._clock() - ago_s, hard=hard)
            pages = [held for held in map(self.held, self._memory.keys(prefix_of(vdn))) if held is not None]
            purged = sum(self.mark(held) for held in pages)
            self.version.number += 1
            self.noticed(None)
            return purged

    def is_purged(self, vdn: int, began_at: float) -> bool:
        """Tell whether what began to be fetched from `vdn` then was purged since."""
        with self._lock:
            return self._marks.is_stale(vdn, began_at)

    def doubt(self, key: str | None) -> None:
        """Note that another process may have, or soon has, a newer page of `key`, or of any where that is `None`."""
        with self._lock:
            now = self._clock()
            self._news.append((now, key))
            for name in self._memory.keys("") if key is None else (key,):
                held = self.held(name)
                if held is not None:
                    held.doubted_at = now
            self.version.number += 1
        self.noticed(key)

    def hold(self, held: HeldPage, newest_at: float | None = None) -> bool:
        """Hold a page in this process for as long as it can be of use, unless a newer one is held.

        It was the newest of its key at `newest_at`, or now, so of what was announced since it is not known whether it
        is there. `False` when it is of no use any more, was purged for good, or is larger than all that may be held.
        """
        left = held.lifetimes.keep_s - (self._clock() - held.stored_at)
        with self._lock:
            self.mark(held)
            if left <= 0 or self._marks.is_gone(vdn_of(held.key), held.began_at):
                return False
            known = self.held(held.key)
            if known is not None and known.is_newer_than(held):
                return True
            if newest_at is not None:
                held.doubted_at = self._announced_at(held.key, newest_at)
            # A whole number, as Flask-Caching has it: the lifetimes decide, this only ends what is of no use at all.
            kept = self._memory.set(held.key, held, timeout=math.ceil(left))
            self.version.number += 1
            self.noticed(held.key)
            return kept

    def mark(self, held: HeldPage) -> bool:
        """Mark `held`, or forget it, as the purges have it that were heard of; tell whether any concerns it."""
        vdn = vdn_of(held.key)
        if not self._marks.is_stale(vdn, held.began_at):
            return False
        held.purged = True
        if self._marks.is_gone(vdn, held.began_at) and self.held(held.key) is held:
            self._memory.delete(held.key)
        return True

    def unless_gone(self, held: HeldPage) -> HeldPage | None:
        """Return `held`, which need not be in memory, marked as the purges have it; `None` where it was forgotten."""
        with self._lock:
            self.mark(held)
            return None if self._marks.is_gone(vdn_of(held.key), held.began_at) else held

    def _announced_at(self, key: str, since: float) -> float | None:
        since = max(since, self._clock() - DOUBT_S)
        for at, name in reversed(self._news):
            if at <= since:
                return None
            if name is None or name == key:
                return at
        return None

    def _read(self, key: str, query: CampaignQuery, found: Found, looked_at: float) -> HeldPage | None:
        entry, age_s, took_s = found
        try:
            page, as_of_ms = decode(key, entry)
            as_of = datetime.fromtimestamp(as_of_ms / 1000, UTC)
        except (UnreadableEntry, OverflowError, ValueError, OSError) as fault:
            self._shared.delete(key)
            self._metrics.unreadable_entry()
            log.warning("cache entry deleted", key=key, reason=str(fault))
            return None
        # Counted from when it was asked for, so that no fetch is said to have begun later than it did.
        return self._held(key, query, page, entry, as_of, looked_at - age_s - took_s, age_s)

    def _held(
        self,
        key: str,
        query: CampaignQuery,
        page: CampaignPage,
        entry: bytes,
        as_of: datetime,
        began_at: float,
        age_s: float,
    ) -> HeldPage:
        lifetimes = self._freshness.lifetimes(query, page, as_of)
        share = self._refresh_share(query, lifetimes)
        stored_at, rendered = self._clock() - age_s, self._render(page)
        return HeldPage(
            key, entry, page.paging, rendered, lifetimes, began_at, stored_at, round(as_of.timestamp() * 1000), share
        )

    def _refresh_share(self, query: CampaignQuery, lifetimes: Lifetimes) -> float:
        """Return the share of its freshness after which the page that answers `query` is refreshed, if it is asked for.

        A page of one row is asked for as a count, and counts are compared with each other: where those of completed
        campaigns were refreshed later than others, campaigns that have just ended would be in none. So all are
        refreshed at the pace of usual pages.
        """
        is_count = query.page_size == 1
        jitter = JITTER_OF_COUNTS if is_count else JITTER
        share = self._refresh_ahead * (1 - jitter * self._chance()) if self._refresh_ahead < 1 else 1.0
        usual_s = self._freshness.usual.fresh_s
        return share * usual_s / lifetimes.fresh_s if is_count and lifetimes.fresh_s > usual_s else share
