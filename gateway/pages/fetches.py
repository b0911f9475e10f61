"""Brings pages: one fetch for all who want the same page at the same time, in this process and in all that share."""

import time
from collections.abc import Callable
from typing import NamedTuple

import structlog

from gateway.errors import GatewayError, InternalError, UpstreamRejectedParameters
from gateway.model import CampaignQuery, Deadline, FetchPage, Priority
from gateway.pages.background import Background
from gateway.pages.failures import RecentFailures
from gateway.pages.flights import Flight, Flights
from gateway.pages.freshness import Rung
from gateway.pages.held import HeldPage
from gateway.pages.shared import OFF, Landing, Lease, SharedTier
from gateway.pages.tiers import Tiers
from gateway.pages.unshared import Unshared
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import VDN, Kind, NoTracer, Tracer, Work, under_way

log = structlog.get_logger("gateway.pages")

LOOKS = 50
"""A shared tier that gives neither a lease nor a leader to follow, nor a page, is left alone after so many looks."""

REFRESHED = "ok"
FAILED = "The request that was fetching this page failed."


class Brought(NamedTuple):
    """A page, whether this process `fetched` it or found that another one had, and whether it was kept anywhere."""

    held: HeldPage
    fetched: bool
    stored: bool = False


class Boarding(NamedTuple):
    """The flight that brings a page, and whether this caller is the one who began it."""

    flight: Flight[Brought]
    leading: bool


class Fetches:
    """Fetches pages and puts them into the tiers.

    Who leads in this process leads all processes or follows the one that does. Whoever began it, what comes of a fetch
    is for all: a page is kept, a failure is remembered.
    """

    def __init__(
        self,
        fetch: FetchPage,
        tiers: Tiers,
        shared: SharedTier,
        failures: RecentFailures,
        metrics: Metrics,
        tracer: Tracer = NoTracer(),  # noqa: B008 -- it has no state
        *,
        deadline_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._tiers = tiers
        self._shared = shared
        self._failures = failures
        self._metrics = metrics
        self._tracer = tracer
        self._deadline_s = deadline_s
        self._clock = clock
        self._flights: Flights[Brought] = Flights()
        self._background = Background()
        self._unshared = Unshared(self._share)
        tiers.lost = self._lost
        self.of = self._flights.of
        """Returns the flight that brings the page of a key, `None` when nobody in this process is fetching it."""

    def close(self) -> None:
        """Begin nothing in the background any more."""
        self._background.close()
        self._unshared.close()

    def here(
        self,
        key: str,
        query: CampaignQuery,
        after: float,
        deadline: Deadline | None = None,
        beside: HeldPage | None = None,
    ) -> Boarding:
        """Fetch the page in this thread, within `deadline` or a whole one, unless somebody is at it already.

        A page of another process will do if it is fresh and younger than `after` (monotonic seconds). `beside` is the
        page at hand that a newer one is fetched for. A bug is raised.
        """
        deadline = deadline or Deadline.after(self._deadline_s, self._clock)
        flight, leading = self._flights.join(key, self._clock(), deadline.urgency, _beside(beside))
        if leading:
            self._fly(flight, key, query, after, deadline)
        return Boarding(flight, leading)

    def behind(
        self,
        key: str,
        query: CampaignQuery,
        after: float,
        priority: Priority = Priority.REFRESH,
        beside: HeldPage | None = None,
    ) -> Boarding | None:
        """Do the same in a thread of its own, with a whole deadline; return `None` if that cannot be begun now."""
        # A look without a lock first: a page that is stale and hot is asked for by every caller.
        flight = self._flights.of(key)
        if flight is not None and priority is Priority.REFRESH:
            return Boarding(flight, leading=False)
        deadline = Deadline.after(self._deadline_s, self._clock, priority)
        flight, leading = self._flights.join(key, self._clock(), deadline.urgency, _beside(beside))
        if leading and not self._background.start(
            lambda: self._fly_alone(flight, key, query, after, deadline), f"fetch-{query.vdn}"
        ):
            # Without an error: who has joined it meanwhile is to begin another.
            self._flights.land(key, flight, None)
            return None
        return Boarding(flight, leading)

    def _fly_alone(
        self, flight: Flight[Brought], key: str, query: CampaignQuery, after: float, deadline: Deadline
    ) -> None:
        began, span = self._clock(), self._tracer.begin(Kind.INTERNAL, None)
        work = Work(span.trace)
        with under_way(work):
            try:
                self._fly(flight, key, query, after, deadline)
            except Exception:
                log.exception("refresh failed", key=key)
        problem = "" if flight.error is None else flight.error.name
        self._metrics.refresh(problem or REFRESHED)
        span.end("refresh", {VDN: query.vdn}, problem)
        log.info(
            "refresh",
            vdn=query.vdn,
            duration_ms=round((self._clock() - began) * 1000, 1),
            **({"problem": problem} if problem else {}),
            **work.told(),
        )

    def _fly(self, flight: Flight[Brought], key: str, query: CampaignQuery, after: float, deadline: Deadline) -> None:
        """Bring `flight` to its end. What is none of `gateway.errors` is raised too, to be logged once."""
        try:
            brought = self._bring(key, query, after, deadline)
        except GatewayError as error:
            self._learn_of(key, query, error)
            self._flights.land(key, flight, None, error.again())
        except BaseException:
            self._flights.land(key, flight, None, InternalError(FAILED))
            raise
        else:
            self._flights.land(key, flight, brought)

    def _bring(self, key: str, query: CampaignQuery, after: float, deadline: Deadline) -> Brought:
        # Between the caller's look and its turn to lead, another one may have landed.
        held = self._tiers.held(key)
        for _ in range(LOOKS):
            if held is not None and self._is_news(held, after):
                return Brought(held, fetched=False)
            lease = self._shared.try_lead(key)
            if lease is not None:
                return self._lead(lease, query, after, deadline)
            self._shared.follow(key, deadline)
            held = self._tiers.adopt(key, query)
        return self._lead(Lease(key), query, after, deadline)

    def _lead(self, lease: Lease, query: CampaignQuery, after: float, deadline: Deadline) -> Brought:
        key = lease.key
        if lease.shared:
            # The same again: between the look at the shared tier and the lease, another process may have landed.
            held = self._tiers.adopt(key, query)
            if held is not None and self._is_news(held, after):
                self._shared.land(lease, b"", 0.0, 0.0)
                return Brought(held, fetched=False)
        began_at = self._tiers.beginning()
        try:
            page = self._fetch(query, deadline)
            held = self._tiers.make(key, query, page, began_at)
        except GatewayError as error:
            self._shared.fail(lease, error)
            raise
        except BaseException:
            self._shared.fail(lease, InternalError("The process that was fetching this page failed."))
            raise
        self._failures.succeeded(key, query.vdn)
        return self._land(lease, query, held, after)

    def _land(self, lease: Lease, query: CampaignQuery, held: HeldPage, after: float) -> Brought:
        if lease.shared:
            # Also where this process has no older page: another one may have it still.
            self._tiers.doubt(held.key)
            self._shared.announce(lease)
        newest_at = self._clock()
        keep_s = held.lifetimes.keep_s
        landing = self._shared.land(lease, held.entry, keep_s, self._clock() - held.began_at)
        if landing is Landing.OVERTAKEN:
            newer = self._tiers.adopt(held.key, query)
            if newer is not None and self._is_news(newer, after):
                # It is what all others show.
                return Brought(newer, fetched=False)
        stored = landing is Landing.DONE and keep_s > 0
        held_here = self._tiers.hold(held, newest_at)
        if held_here and landing is Landing.NOT_SHARED:
            self._lost(held.key, query)
        return Brought(held, fetched=True, stored=held_here or stored)

    def _lost(self, key: str, query: CampaignQuery) -> None:
        """Hear that the shared tier, if there is one, has not the page of `key` that this process has."""
        if self._shared.state() != OFF:
            self._unshared.note(key, query)

    def _share(self, key: str, query: CampaignQuery) -> Landing:
        """Put the page that this process has into the shared tier, unless there is a newer one; tell all of it.

        `DONE` also where that is of no use any more, `OVERTAKEN` where another process is at it.
        """
        known = self._tiers.held(key)
        found = self._shared.get(key)
        if known is None or (found is not None and found.entry == known.entry):
            # It is there: a look in a moment of trouble has not found it.
            return Landing.DONE
        lease = self._shared.try_lead(key)
        if lease is None:
            return Landing.OVERTAKEN
        if not lease.shared:
            return Landing.NOT_SHARED
        # From here on nobody else lands, and a purge takes the lease away; of those before this process has to know.
        if not self._shared.hear_purges():
            self._shared.land(lease, b"", 0.0, 0.0)
            return Landing.NOT_SHARED
        known, held = self._tiers.held(key), self._tiers.adopt(key, query)
        if held is None or held is not known:
            self._shared.land(lease, b"", 0.0, 0.0)
            return Landing.DONE
        self._shared.announce(lease)
        age_s, took_s = self._clock() - held.stored_at, held.stored_at - held.began_at
        return self._shared.land(lease, held.entry, held.lifetimes.keep_s, took_s, age_s)

    def _is_news(self, held: HeldPage, after: float) -> bool:
        return held.stored_at > after and held.rung(self._clock()) is Rung.FRESH

    def _learn_of(self, key: str, query: CampaignQuery, error: GatewayError) -> None:
        if isinstance(error, UpstreamRejectedParameters):
            # An answer, not a failure: what CC-iSales answered to this question before is no longer its answer.
            self._tiers.discard(key)
        else:
            self._failures.remember(key, query.vdn, error)


def _beside(held: HeldPage | None) -> Brought | None:
    return None if held is None else Brought(held, fetched=False)
