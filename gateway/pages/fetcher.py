"""Brings pages: one fetch for all who want the same page at the same time, in this process and in all that share."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from gateway.errors import GatewayError, InternalError, UpstreamRejectedParameters
from gateway.impatience import is_impatience
from gateway.model import CacheOutcome, CampaignQuery, Deadline, FetchPage
from gateway.pages.failures import RecentFailures
from gateway.pages.flight import SingleFlight
from gateway.pages.freshness import FreshnessPolicy, Rung
from gateway.pages.held import HeldPage
from gateway.pages.shared import Landing, Lease, SharedTier
from gateway.pages.tiers import Tiers

LOOKS = 50
"""A shared tier that gives neither a lease nor a leader to follow, nor a page, is left alone after so many looks."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A page, and how it came: `MISS` fetched by this caller, `COLLAPSED` by another one, `HIT` by another process.

    `stored` tells of a page that was fetched whether it was kept, here or in the shared tier.
    """

    held: HeldPage
    outcome: CacheOutcome
    stored: bool = False


class Fetcher:
    """Fetches pages and puts them into the tiers.

    Who leads in this process asks the shared tier first, then leads all processes or follows the one that does.
    Followers are woken when their leader lands, and share its failure.
    """

    def __init__(
        self,
        fetch: FetchPage,
        tiers: Tiers,
        shared: SharedTier,
        freshness: FreshnessPolicy,
        failures: RecentFailures,
        clock: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._tiers = tiers
        self._shared = shared
        self._freshness = freshness
        self._failures = failures
        self._clock = clock
        self._flights: SingleFlight[Brought] = SingleFlight()

    def bring(self, key: str, query: CampaignQuery, deadline: Deadline, enough: Collection[Rung]) -> Brought:
        """Return the page of `query`; one of another process will do if its rung is in `enough`.

        Raises one leaf of `gateway.errors`, at the latest when `deadline` has passed.
        """
        brought, leading = self._flights.run(key, lambda: self._lead(key, query, deadline, enough), deadline)
        collapsed = not leading and brought.outcome is CacheOutcome.MISS
        return Brought(brought.held, CacheOutcome.COLLAPSED) if collapsed else brought

    def is_under_way(self, key: str) -> bool:
        """Tell whether this process is fetching `key`, or waits for a process that does."""
        return self._flights.is_under_way(key)

    def _lead(self, key: str, query: CampaignQuery, deadline: Deadline, enough: Collection[Rung]) -> Brought:
        # Between this caller's look and its turn to lead, another one may have landed.
        held = self._good(self._tiers.held(key), enough)
        for _ in range(LOOKS):
            if held is None:
                held = self._good(self._tiers.adopt(key, self._freshness.lifetimes(query)), enough)
            if held is not None:
                return Brought(held, CacheOutcome.HIT)
            lease = self._shared.try_lead(key)
            if lease is not None:
                return self._lead_all(lease, key, query, deadline)
            self._shared.follow(key, deadline)
        return self._lead_all(Lease(key), key, query, deadline)

    def _good(self, held: HeldPage | None, enough: Collection[Rung]) -> HeldPage | None:
        return held if held is not None and held.rung(self._clock()) in enough else None

    def _lead_all(self, lease: Lease, key: str, query: CampaignQuery, deadline: Deadline) -> Brought:
        if lease.shared:
            # The same again: between the look at the shared tier and the lease, another process may have landed.
            held = self._good(self._tiers.adopt(key, self._freshness.lifetimes(query)), {Rung.FRESH})
            if held is not None:
                self._shared.land(lease, b"", 0.0)
                return Brought(held, CacheOutcome.HIT)
        generation = self._tiers.generation
        try:
            page = self._fetch(query, deadline)
            held = self._tiers.make(key, page, self._freshness.lifetimes(query))
        except GatewayError as error:
            if is_impatience(error, deadline):
                # Nothing to learn from: the others are woken to fetch for themselves.
                self._shared.land(lease, b"", 0.0)
            else:
                self._shared.fail(lease, error)
                self._learn_of(key, error)
            raise
        except BaseException:
            self._shared.fail(lease, InternalError("The process that was fetching this page failed."))
            raise
        self._failures.forget(key)
        landing = self._shared.land(lease, held.entry, held.lifetimes.keep_s)
        stored = landing is Landing.DONE and held.lifetimes.keep_s > 0
        if landing is not Landing.OVERTAKEN:
            stored = self._tiers.hold(held, generation) or stored
        return Brought(held, CacheOutcome.MISS, stored)

    def _learn_of(self, key: str, error: GatewayError) -> None:
        if isinstance(error, UpstreamRejectedParameters):
            # An answer, not a failure: what CC-iSales answered to this question before is no longer its answer.
            self._tiers.discard(key)
        else:
            self._failures.remember(key, error)
