"""Keeps pages fresh that somebody waits for a change of, with one call to CC-iSales for all who do."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.model import CampaignQuery, RenderedPage
from gateway.pages.failures import RecentFailures
from gateway.pages.fetches import Fetches
from gateway.pages.freshness import Rung
from gateway.pages.held import HeldPage
from gateway.pages.tiers import Tiers

FETCHING_S: Final = 0.25
"""How often it is looked whether a fetch has failed; that one has landed is told."""

DOUBTED_S: Final = 0.01
"""How often it is looked for a page that another process has announced, which is about to be there."""

LEAST_S: Final = 0.01


class Seen(NamedTuple):
    """The page at hand as one who watches sees it: its entity tag, empty for none, and when to look again."""

    etag: str
    again_in_s: float


class AtHand(NamedTuple):
    """The bytes of a page that this process holds, and whether it is fresh beyond doubt."""

    rendered: RenderedPage
    fresh: bool


class Watch:
    """Looks at pages for those who wait, and has a page fetched as soon as it is not fresh any more.

    Not ahead of that, as for callers who ask: nobody waits for the page that is fetched, but for another one. After a
    failure it is tried again when the pause after it is over, as for everybody. No page is fetched more often than once
    in `min_refresh_s`, however short its freshness is.
    """

    def __init__(
        self,
        fetches: Fetches,
        tiers: Tiers,
        failures: RecentFailures,
        min_refresh_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetches = fetches
        self._tiers = tiers
        self._failures = failures
        self._min_refresh_s = min_refresh_s
        self._clock = clock

    def at_hand(self, key: str) -> AtHand | None:
        """Return the page under `key` that this process holds, or `None`. Nothing is looked for or fetched."""
        held = self._tiers.held(key)
        if held is None:
            return None
        return AtHand(held.rendered, held.doubted_at is None and held.rung(self._clock()) is Rung.FRESH)

    def look(self, key: str, query: CampaignQuery) -> Seen:
        """Look at the page under `key`, which answers `query`, and see to it that it is fetched if it is time."""
        held = self._tiers.held(key)
        if held is None or held.doubted_at is not None:
            held = self._tiers.adopt(key, query)
        if held is None:
            # Whoever waited is told what there is to tell: who asks anew has it fetched.
            return Seen("", FETCHING_S)
        etag = held.rendered.identity.etag
        if held.doubted_at is not None:
            return Seen(etag, DOUBTED_S)
        wait_s = self._not_before(key, held)
        if wait_s > 0:
            return Seen(etag, max(wait_s, LEAST_S))
        if self._fetches.of(key) is None:
            self._fetches.behind(key, query, held.stored_at)
        return Seen(etag, FETCHING_S)

    def _not_before(self, key: str, held: HeldPage) -> float:
        """Return the seconds for which there is no reason to fetch the page, or one not to; not above 0 for none."""
        age_s = self._clock() - held.stored_at
        failure = self._failures.of(key)
        return max(
            self._min_refresh_s - age_s,
            0.0 if held.purged else held.lifetimes.fresh_s - age_s,
            0.0 if failure is None else self._failures.retry_in_s(failure),
        )
