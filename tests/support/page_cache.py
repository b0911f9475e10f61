"""A page cache whose clock, upstream and shared tier the test holds in its hands."""

from collections.abc import Callable

from gateway.api.public import page_body
from gateway.api.representation import render
from gateway.errors import GatewayError
from gateway.model import (
    NO_DIRECTIVES,
    CampaignPage,
    CampaignQuery,
    CampaignStatus,
    Deadline,
    FetchPage,
    RenderedPage,
    RequestDirectives,
    ServedPage,
)
from gateway.pages.decision import Policy
from gateway.pages.failures import RecentFailures
from gateway.pages.fetches import Fetches
from gateway.pages.freshness import FreshnessPolicy, Lifetimes
from gateway.pages.key import page_key
from gateway.pages.memory import ProcessCache
from gateway.pages.page_cache import PageCache
from gateway.pages.purge_marks import PurgeMarks
from gateway.pages.shared import Found, Landing, Lease, NoSharedTier, SharedTier
from gateway.pages.tiers import Tiers
from gateway.shared_store.address import namespace_of
from gateway.telemetry.metrics import Metrics
from tests.support.campaigns import page_of
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until

QUERY = CampaignQuery(vdn=1)
COMPLETED = CampaignQuery(vdn=1, status=CampaignStatus.COMPLETED)
LIFETIMES = Lifetimes(fresh_s=15, stale_while_revalidate_s=60, stale_if_error_s=3600)


class OtherProcesses(NoSharedTier):
    """A shared tier with what others have put there.

    `found` is the entry that is there, with its age and how long its fetch took. With `leases` its leases are shared
    and what lands is there; without, it takes nothing, as a Redis that is full. `after_a_look` and `while_announcing`
    are called when somebody has been given what there is, and is telling of a page.
    """

    def __init__(self, *, leases: bool = False) -> None:
        super().__init__()
        self.leases = leases
        self.found: Found | None = None
        self.landing = Landing.DONE
        self.leased_elsewhere = False
        self.done: list[str] = []
        self.after_a_look: Callable[[], object] = lambda: None
        self.while_announcing: Callable[[], object] = lambda: None

    def get(self, key: str) -> Found | None:
        """Return what there is, and let the test do something then."""
        found = self.found
        self.after_a_look()
        return found

    def try_lead(self, key: str) -> Lease | None:
        """Return a lease, unless another process is said to have it."""
        if self.leased_elsewhere:
            return None
        return Lease(key, "token", shared=True) if self.leases else super().try_lead(key)

    def follow(self, key: str, deadline: Deadline) -> None:
        """Find nobody to follow."""
        self.done.append("follow")

    def announce(self, lease: Lease) -> None:
        """Let the test do something."""
        self.done.append("announce")
        self.while_announcing()

    def land(self, lease: Lease, entry: bytes, keep_s: float, took_s: float, age_s: float = 0.0) -> Landing:
        """Have `entry` from now on, if it is to be kept."""
        if not lease.shared:
            return super().land(lease, entry, keep_s, took_s)
        self.done.append("land")
        if keep_s > 0 and self.landing is Landing.DONE:
            self.found = Found(entry, age_s, took_s)
        return self.landing

    def fail(self, lease: Lease, error: GatewayError) -> None:
        """Note it."""
        self.done.append("fail")


class House:
    """A page cache in front of `fetch`, or of an upstream that gives `answer`: a page, or an error to raise.

    `slow_s` is how long a caller waits beside a page: real seconds, unlike all others.
    """

    def __init__(
        self,
        fetch: FetchPage | None = None,
        shared: SharedTier | None = None,
        lifetimes: Lifetimes = LIFETIMES,
        clock: Callable[[], float] | None = None,
        max_bytes: int = 1_000_000,
        *,
        slow_s: float = 30.0,
        min_refresh_s: float = 1.0,
        refresh_ahead: float = 1.0,
    ) -> None:
        self.clock = FakeClock()
        now = clock or self.clock
        self.fetched: list[CampaignQuery] = []
        self.rendered: list[CampaignPage] = []
        self.answer: CampaignPage | Exception = page_of(1, 2)
        self.metrics = Metrics()
        self.memory = ProcessCache(max_bytes, clock=now)
        shared = shared or NoSharedTier()
        freshness = FreshnessPolicy(lifetimes, Lifetimes(300, 60, 3600))
        self.tiers = Tiers(
            self.memory,
            PurgeMarks(),
            shared,
            self.render,
            freshness,
            self.metrics,
            refresh_ahead,
            now,
            chance=lambda: 0.0,
        )
        self.failures = RecentFailures(clock=now)
        self.fetches = Fetches(
            fetch or self.fetch, self.tiers, shared, self.failures, self.metrics, deadline_s=5, clock=now
        )
        policy = Policy(slow_s, min_refresh_s)
        self.cache = PageCache(self.fetches, self.tiers, shared, self.failures, self.key, policy, now)

    def fetch(self, query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        """Answer as the test has set it."""
        self.fetched.append(query)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def render(self, page: CampaignPage) -> RenderedPage:
        """Make the bytes of a page, as the gateway does."""
        self.rendered.append(page)
        return render(page_body(page))

    def key(self, query: CampaignQuery) -> str:
        """Return the cache key of a query."""
        return page_key(query, "test", namespace_of(""))

    def ask(self, query: CampaignQuery = QUERY, directives: RequestDirectives = NO_DIRECTIVES) -> ServedPage:
        """Ask the cache, then wait until no fetch for the query is under way."""
        try:
            return self.cache.serve(query, Deadline.after(10), directives)
        finally:
            wait_until(lambda: not self.cache.explain(query).fetch_under_way)

    def count(self, name: str, **labels: str) -> float:
        """Return a number of the metrics."""
        return self.metrics.registry.get_sample_value(f"campaign_gateway_{name}", labels) or 0.0
