"""The driver of the page cache: look up, fetch once, store, hand out."""

import time
from collections.abc import Callable

from gateway.model import CacheOutcome, CampaignQuery, Deadline, FetchPage, ServedPage
from gateway.pages.codec import StoredPage
from gateway.pages.flight import SingleFlight
from gateway.pages.freshness import FreshnessPolicy
from gateway.pages.store import PageStore
from gateway.telemetry.metrics import Metrics


class PageCache:
    """Answers queries from the store while pages are fresh, else from `fetch`, once for all who ask at a time.

    Only pages are stored. A failure is raised to everybody who waits for it, and forgotten.
    """

    def __init__(
        self,
        fetch: FetchPage,
        store: PageStore,
        key: Callable[[CampaignQuery], str],
        freshness: FreshnessPolicy,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._store = store
        self._key = key
        self._freshness = freshness
        self._metrics = metrics
        self._clock = clock
        self._flights: SingleFlight[ServedPage] = SingleFlight()

    def serve(self, query: CampaignQuery, deadline: Deadline) -> ServedPage:
        """Return the page that answers `query`; raises one leaf of `gateway.errors`."""
        key = self._key(query)
        served = self._look_up(key, query)
        if served is None:
            served, leading = self._flights.run(key, lambda: self._refresh(key, query, deadline), deadline)
            if not leading:
                served = ServedPage(served.page, CacheOutcome.COLLAPSED, served.age_s, served.fresh_for_s)
        self._metrics.lookup(served.outcome)
        return served

    def _look_up(self, key: str, query: CampaignQuery) -> ServedPage | None:
        stored = self._store.get(key)
        if stored is None:
            return None
        age = max(0.0, self._clock() - stored.stored_at)
        fresh_for = self._freshness.lifetime(query) - age
        return ServedPage(stored.page, CacheOutcome.HIT, age, fresh_for) if fresh_for > 0 else None

    def _refresh(self, key: str, query: CampaignQuery, deadline: Deadline) -> ServedPage:
        # Between this caller's look-up and its turn to fetch, another one may have fetched and stored the page.
        served = self._look_up(key, query)
        if served is not None:
            return served
        page = self._fetch(query, deadline)
        lifetime = self._freshness.lifetime(query)
        self._store.put(key, StoredPage(page, self._clock()), lifetime)
        return ServedPage(page, CacheOutcome.MISS, 0.0, lifetime)
