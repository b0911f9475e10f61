"""The driver of the page cache: from a query down the ladder to a page, or to a failure.

fresh                   served
stale while revalidate  served, and refreshed in the background
stale if error          fetched; served if that fails, or failed a moment ago
expired, or none        fetched; a failure is a failure
"""

import threading
import time
from collections.abc import Callable

import structlog

from gateway.errors import GatewayError, InternalError, UpstreamError, UpstreamRejectedParameters
from gateway.model import CacheOutcome, CampaignQuery, Deadline, FetchPage, Priority, ServedPage
from gateway.pages.explanation import Explanation
from gateway.pages.failures import RecentFailures
from gateway.pages.fetcher import Fetcher
from gateway.pages.freshness import FreshnessPolicy, Rung
from gateway.pages.held import PROCESS, SHARED, HeldPage
from gateway.pages.refresh import Refresher
from gateway.pages.shared import SharedTier
from gateway.pages.tiers import Tiers
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import Kind, NoTracer, Tracer, Work, under_way

log = structlog.get_logger("gateway.pages")

REFRESHED = "ok"
FRESH = frozenset({Rung.FRESH})
PROMPT = frozenset({Rung.FRESH, Rung.STALE_WHILE_REVALIDATE})


class PageCache:
    """Answers queries from pages that are good enough, else by fetching, once for all who ask at a time.

    Only pages are kept; a failure is shared by those who wait for it, and never replaces a page. Parameters that
    CC-iSales refuses are an answer, not a failure: they go to the caller whatever page there was.
    """

    def __init__(
        self,
        fetch: FetchPage,
        tiers: Tiers,
        shared: SharedTier,
        key: Callable[[CampaignQuery], str],
        freshness: FreshnessPolicy,
        metrics: Metrics,
        tracer: Tracer = NoTracer(),  # noqa: B008 -- it has no state
        *,
        refresh_workers: int,
        refresh_deadline_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tiers = tiers
        self._shared = shared
        self.key = key
        """Returns the key of a query."""
        self._freshness = freshness
        self._metrics = metrics
        self._tracer = tracer
        self._refresh_deadline_s = refresh_deadline_s
        self._clock = clock
        self._failures = RecentFailures(clock=clock)
        self._fetcher = Fetcher(fetch, tiers, shared, freshness, self._failures, clock)
        self._refresher = Refresher(self._refresh, refresh_workers)
        self._subscribed = False
        self._subscribing = threading.Lock()

    def serve(self, query: CampaignQuery, deadline: Deadline) -> ServedPage:
        """Return the page that answers `query`; raises one leaf of `gateway.errors`."""
        self.subscribe()
        return self._serve(self.key(query), query, deadline)

    def fresh(self, query: CampaignQuery) -> ServedPage | None:
        """Return the page that answers `query` if there is a fresh one, here or in the shared tier, else `None`.

        Nothing is fetched or refreshed for it.
        """
        self.subscribe()
        key = self.key(query)
        served = self.peek_fresh(key)
        if served is None:
            served = self._if_fresh(self._tiers.adopt(key, self._freshness.lifetimes(query)), SHARED)
        if served is not None:
            self._metrics.lookup(served.outcome, served.rung, served.tier)
        return served

    def peek(self, key: str, query: CampaignQuery) -> ServedPage | None:
        """Return the page under `key` if this process can serve it at once, and see to its refresh; else `None`.

        It is for the caller to count, who may have no use for it after all.
        """
        return self._at_once(self._tiers.held(key), query, PROCESS)

    def join(self, key: str, query: CampaignQuery, deadline: Deadline) -> ServedPage | None:
        """Serve `query`, whose key is `key`, if its page is being fetched now; return `None` if nobody fetches it.

        A fetch may be a refresh, and the page at hand good enough: nobody waits then. Raises one leaf of
        `gateway.errors`, that of the fetch or UpstreamTimeout.
        """
        return self._serve(key, query, deadline) if self._fetcher.is_under_way(key) else None

    def peek_fresh(self, key: str) -> ServedPage | None:
        """Return the page under `key` if this process has a fresh one, else `None`. It is for the caller to count."""
        return self._if_fresh(self._tiers.held(key), PROCESS)

    def explain(self, query: CampaignQuery) -> Explanation:
        """Tell what is there for `query` and how good it is, without asking CC-iSales."""
        self.subscribe()
        key, tier = self.key(query), PROCESS
        held = self._tiers.held(key)
        if held is None:
            held, tier = self._tiers.adopt(key, self._freshness.lifetimes(query)), SHARED
        under_way = self._fetcher.is_under_way(key) or self._refresher.is_under_way(key)
        if held is None:
            return Explanation(key, None, None, None, None, under_way)
        age = self._clock() - held.stored_at
        return Explanation(key, tier, held.lifetimes.rung(age), age, held.lifetimes.fresh_s - age, under_way)

    def purge(self, vdn: int | None) -> int:
        """Forget the pages of one VDN, or all, in all processes that share; return how many there were.

        Raises InternalError when the shared tier cannot be reached; this process has forgotten by then.
        """
        forgotten = self.forget(vdn)
        return max(forgotten, self._shared.purge(vdn))

    def forget(self, vdn: int | None) -> int:
        """Forget the pages of one VDN, or all, in this process; a fetch under way does not bring one back."""
        return self._tiers.forget(vdn)

    def _serve(self, key: str, query: CampaignQuery, deadline: Deadline) -> ServedPage:
        held = self._tiers.held(key)
        served = self._at_once(held, query, PROCESS)
        if served is None:
            served = self._brought(key, query, deadline, held)
        self._metrics.lookup(served.outcome, served.rung, served.tier)
        return served

    def subscribe(self) -> None:
        """Hear of purges from now on, as the first request sees to by itself.

        Not when it is made: that may start a thread, and a server may fork in between.
        """
        if self._subscribed:
            return
        with self._subscribing:
            if not self._subscribed:
                self._shared.subscribe(self._purged)
                self._subscribed = True

    def drain(self) -> None:
        """Begin no refresh in the background any more: this process is about to end, and others do it."""
        self._refresher.close()

    def close(self) -> None:
        """Let go of the shared tier, which others may go on to use, and of the threads that refresh."""
        self._shared.unsubscribe(self._purged)
        self._refresher.close()

    def _purged(self, vdn: int | None) -> None:
        self.forget(vdn)

    def _if_fresh(self, held: HeldPage | None, tier: str) -> ServedPage | None:
        if held is None:
            return None
        now = self._clock()
        return held.served(CacheOutcome.HIT, now, tier) if held.rung(now) is Rung.FRESH else None

    def _at_once(self, held: HeldPage | None, query: CampaignQuery, tier: str) -> ServedPage | None:
        """Return what can be served of `held` without waiting for anybody, and see to its refresh."""
        if held is None:
            return None
        now = self._clock()
        rung = held.rung(now)
        if rung is Rung.FRESH:
            return held.served(CacheOutcome.HIT, now, tier)
        failure = self._failures.recent(held.key)
        if failure is not None:
            return self._despite(failure, held, tier)
        if rung is not Rung.STALE_WHILE_REVALIDATE:
            return None
        self._refresher.kick(held.key, query)
        return held.served(CacheOutcome.STALE, now, tier, Rung.STALE_WHILE_REVALIDATE)

    def _brought(self, key: str, query: CampaignQuery, deadline: Deadline, before: HeldPage | None) -> ServedPage:
        """Fetch the page, or serve what is there while that fails; `before` is what this process held until now."""
        try:
            brought = self._fetcher.bring(key, query, deadline, PROMPT)
        except UpstreamRejectedParameters:
            raise
        except UpstreamError as failure:
            held = self._tiers.held(key) or self._tiers.adopt(key, self._freshness.lifetimes(query))
            stale = None if held is None else self._despite(failure, held, PROCESS if held is before else SHARED)
            if stale is None:
                raise
            return stale
        if brought.outcome is CacheOutcome.HIT:
            served = self._at_once(brought.held, query, SHARED)
            return served or brought.held.served(CacheOutcome.HIT, self._clock(), SHARED)
        # As of the moment that it was fetched, so that a page that has just come has all of its time before it.
        return brought.held.served(brought.outcome, brought.held.stored_at, "", stored=brought.stored)

    def _despite(self, failure: GatewayError, held: HeldPage, tier: str) -> ServedPage | None:
        """Return `held` as it is served while fetching it fails, unless it is too old even for that."""
        now = self._clock()
        return None if held.rung(now) is Rung.EXPIRED else held.served(CacheOutcome.STALE, now, tier, failure.name)

    def _refresh(self, key: str, query: CampaignQuery) -> None:
        """Refresh one page in the background: take what another process has fetched, or fetch."""
        began, span = self._clock(), self._tracer.begin(Kind.INTERNAL, None)
        work = Work(span.trace)
        with under_way(work):
            outcome = self._refreshed(key, query)
        self._metrics.refresh(outcome)
        problem = "" if outcome == REFRESHED else outcome
        span.end("refresh", {"vdn": query.vdn}, problem)
        log.info(
            "refresh",
            vdn=query.vdn,
            duration_ms=round((self._clock() - began) * 1000, 1),
            **({"problem": problem} if problem else {}),
            **work.told(),
        )

    def _refreshed(self, key: str, query: CampaignQuery) -> str:
        """Refresh one page; return `ok`, or the name of the problem."""
        outcome = REFRESHED
        deadline = Deadline.after(self._refresh_deadline_s, self._clock, Priority.REFRESH)
        try:
            self._fetcher.bring(key, query, deadline, FRESH)
        except GatewayError as failure:
            outcome = failure.name
            if not isinstance(failure, UpstreamRejectedParameters):
                # It may be that of another process, which this one has not met itself.
                self._failures.remember(key, failure)
        except Exception:
            outcome = InternalError.name
            log.exception("refresh failed", key=key)
        return outcome
