"""A page cache whose clock, upstream and shared tier the test holds in its hands."""

from collections.abc import Callable

from gateway.api.public import page_body
from gateway.api.representation import render
from gateway.model import CampaignPage, CampaignQuery, CampaignStatus, Deadline, FetchPage, ServedPage
from gateway.pages.freshness import FreshnessPolicy, Lifetimes
from gateway.pages.key import page_key
from gateway.pages.memory import ProcessCache
from gateway.pages.page_cache import PageCache
from gateway.pages.shared import NoSharedTier, SharedTier
from gateway.pages.tiers import Tiers
from gateway.telemetry.metrics import Metrics
from tests.support.campaigns import page_of
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until

QUERY = CampaignQuery(vdn=1)
COMPLETED = CampaignQuery(vdn=1, status=CampaignStatus.COMPLETED)
LIFETIMES = Lifetimes(fresh_s=15, stale_while_revalidate_s=60, stale_if_error_s=3600)


class House:
    """A page cache in front of `fetch`, or of an upstream that gives `answer`: a page, or an error to raise."""

    def __init__(
        self,
        fetch: FetchPage | None = None,
        shared: SharedTier | None = None,
        lifetimes: Lifetimes = LIFETIMES,
        clock: Callable[[], float] | None = None,
        max_bytes: int = 1_000_000,
    ) -> None:
        self.clock = FakeClock()
        now = clock or self.clock
        self.fetched: list[CampaignQuery] = []
        self.answer: CampaignPage | Exception = page_of(1, 2)
        self.metrics = Metrics()
        self.memory = ProcessCache(max_bytes, clock=now)
        shared = shared or NoSharedTier()
        self.cache = PageCache(
            fetch or self.fetch,
            Tiers(self.memory, shared, lambda page: render(page_body(page)), self.metrics, now),
            shared,
            self.key,
            FreshnessPolicy(lifetimes, Lifetimes(300, 60, 3600)),
            self.metrics,
            refresh_workers=2,
            refresh_deadline_s=5,
            clock=now,
        )

    def fetch(self, query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        """Answer as the test has set it."""
        self.fetched.append(query)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def key(self, query: CampaignQuery) -> str:
        """Return the cache key of a query."""
        return page_key(query, "test")

    def ask(self, query: CampaignQuery = QUERY) -> ServedPage:
        """Ask the cache, then wait until no fetch for the query is under way."""
        try:
            return self.cache.serve(query, Deadline.after(10))
        finally:
            wait_until(lambda: not self.cache.explain(query).fetch_under_way)

    def count(self, name: str, **labels: str) -> float:
        """Return a number of the metrics."""
        return self.metrics.registry.get_sample_value(f"campaign_gateway_{name}", labels) or 0.0
