"""The driver of the page cache: it looks, has `decide` decide, and does what that says, until there is an answer."""

import threading
import time
from collections.abc import Callable
from typing import assert_never

from gateway.errors import GatewayError, NotCached, UpstreamRejectedParameters, UpstreamTimeout
from gateway.model import (
    FORWARD_MISS,
    FORWARD_REQUEST,
    FORWARD_STALE,
    NO_DIRECTIVES,
    CacheOutcome,
    CampaignQuery,
    Deadline,
    OthersHear,
    Priority,
    RequestDirectives,
    ServedPage,
)
from gateway.pages.decision import (
    Asked,
    Fetch,
    Known,
    Policy,
    Refuse,
    Serve,
    ServeAndRefresh,
    WaitThenServe,
    decide,
)
from gateway.pages.explanation import Explanation
from gateway.pages.failures import RecentFailures
from gateway.pages.fetches import Boarding, Brought, Fetches
from gateway.pages.freshness import Rung
from gateway.pages.held import PROCESS, SHARED, HeldPage
from gateway.pages.shared import SharedTier
from gateway.pages.tiers import Tiers

NEVER = float("-inf")


class PageCache:
    """Answers queries from pages that are good enough, else by fetching, once for all who ask at a time.

    What is good enough for whom, and who waits for what, is the table of `decision.decide`. Only pages are kept; a
    failure is shared by those who wait for it, and never replaces a page. Parameters that CC-iSales refuses are an
    answer, not a failure: they go to the caller whatever page there was.
    """

    def __init__(
        self,
        fetches: Fetches,
        tiers: Tiers,
        shared: SharedTier,
        failures: RecentFailures,
        key: Callable[[CampaignQuery], str],
        policy: Policy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetches = fetches
        self._tiers = tiers
        self._shared = shared
        self._failures = failures
        self.key = key
        """Returns the key of a query."""
        self.version = tiers.version
        """Its number grows with every change of what this process holds."""
        self._policy = policy
        self._clock = clock
        self._subscribed = False
        self._subscribing = threading.Lock()

    def serve(
        self, query: CampaignQuery, deadline: Deadline, directives: RequestDirectives = NO_DIRECTIVES
    ) -> ServedPage:
        """Return the page that answers `query`; raises one leaf of `gateway.errors`."""
        self.subscribe()
        return self._serve(self.key(query), query, deadline, directives)

    def fresh(self, query: CampaignQuery, directives: RequestDirectives = NO_DIRECTIVES) -> ServedPage | None:
        """Return the page that answers `query` if there is a fresh one at hand that will do, else `None`.

        Nothing is fetched or refreshed for it.
        """
        self.subscribe()
        key = self.key(query)
        held, tier = self._look(key, query)
        now = self._clock()
        step = decide(self._known(key, held, now), Asked(directives, patience_s=0.0), self._policy)
        if held is None or not isinstance(step, Serve | ServeAndRefresh) or step.detail:
            return None
        return held.served(CacheOutcome.HIT, now, tier)

    def peek(self, key: str) -> tuple[ServedPage, float] | None:
        """Return the page under `key` if this process has one that is fresh beyond doubt, else `None`.

        It is what `serve` gives to a caller without directives, from now until the second (of the monotonic clock) that
        is told with it, or until `version` has changed.
        """
        held = self._tiers.held(key)
        if held is None:
            return None
        now, until = self._clock(), held.plainly_fresh_until()
        return (held.fresh_hit(now), until) if now < until else None

    def explain(self, query: CampaignQuery) -> Explanation:
        """Tell what is there for `query` and how good it is, without asking CC-iSales."""
        self.subscribe()
        key = self.key(query)
        held, tier = self._look(key, query)
        under_way = self._fetches.of(key) is not None
        if held is None:
            return Explanation(key, None, None, None, None, under_way)
        served = held.served(CacheOutcome.HIT, self._clock(), tier)
        return Explanation(key, tier, Rung(served.rung), served.age_s, served.fresh_for_s, under_way)

    def purge(self, vdn: int | None, *, hard: bool = False) -> int:
        """End the freshness of the pages of one VDN, or of all, in all processes that share; return their number.

        A `hard` purge forgets them. Raises InternalError when the shared tier cannot be reached; this process has done
        its part by then.
        """
        here = self.purged(vdn, 0.0, hard=hard)
        return max(here, self._shared.purge(vdn, hard=hard))

    def others_hear(self) -> OthersHear:
        """Return how other processes hear of purges, as the latest has shown."""
        return self._shared.others_hear()

    def purged(self, vdn: int | None, ago_s: float, *, hard: bool) -> int:
        """Do to the pages of this process what a purge of any process asks for; return their number."""
        return self._tiers.purge(vdn, ago_s, hard=hard)

    def doubted(self, key: str | None) -> None:
        """Look into the shared tier before the page of `key`, or any, is shown again."""
        self._tiers.doubt(key)

    def beginning(self) -> float:
        """Return the moment at which what is read past the cache now begins, for `is_purged` to tell of it later."""
        self.subscribe()
        return self._tiers.beginning()

    def is_purged(self, vdn: int, began_at: float) -> bool:
        """Tell whether what began to be read from `vdn` then was purged since, by whatever process."""
        return self._tiers.is_purged(vdn, began_at)

    def subscribe(self) -> None:
        """Hear from other processes from now on, as the first request sees to by itself.

        Not when it is made: that may start a thread, and a server may fork in between.
        """
        if self._subscribed:
            return
        with self._subscribing:
            if not self._subscribed:
                self._shared.subscribe(self)
                self._subscribed = True

    def drain(self) -> None:
        """Begin no fetch in the background any more: this process is about to end, and others do it."""
        self._fetches.close()

    def close(self) -> None:
        """Let go of the shared tier, which others may go on to use, and begin nothing in the background."""
        self._shared.unsubscribe(self)
        self._fetches.close()

    def _serve(self, key: str, query: CampaignQuery, deadline: Deadline, directives: RequestDirectives) -> ServedPage:
        came_at, forward, tier, failure, waited = self._clock(), "", "", None, False
        before: HeldPage | None = None
        while True:
            held, found_in = self._look(key, query)
            # Where it was when this request came, also if it was taken from there since.
            before, tier = held, tier if before is not None and held is before else found_in
            forward = forward or self._forward(held)
            after = max(self._newer_than(directives, came_at), NEVER if held is None else held.stored_at)
            failed = "" if failure is None else failure.name
            # What is decided and what is told of the page are of one moment.
            now = self._clock()
            asked = Asked(directives, now - came_at, deadline.remaining(), failed, waited)
            step = decide(self._known(key, held, now), asked, self._policy)
            match step:
                case Serve() | ServeAndRefresh() if held is not None:
                    return self._at_hand(key, query, held, tier, step, now, waited=waited or failure is not None)
                case WaitThenServe(seconds) | Fetch(seconds):
                    boarding = self._board(key, query, after, step, deadline, held)
                case Refuse():
                    raise _refusal(step, failure)
                case Serve() | ServeAndRefresh():
                    raise AssertionError("a page is served only where there is one")
                case _:
                    assert_never(step)
            if boarding is None or not boarding.flight.wait(seconds):
                waited = True
                continue
            brought, failure = boarding.flight.result, boarding.flight.error
            if isinstance(failure, UpstreamRejectedParameters):
                raise failure.again()
            if brought is not None and not brought.held.purged and (brought.fetched or brought.held.stored_at > after):
                return self._served(brought, forward, leading=boarding.leading)

    def _look(self, key: str, query: CampaignQuery) -> tuple[HeldPage | None, str]:
        """Return the page at hand and its tier: that of this process, unless another one may have a newer one."""
        held = self._tiers.held(key)
        if held is not None and held.doubted_at is None:
            return held, PROCESS
        flight = self._fetches.of(key) if held is None else None
        if flight is not None and flight.beside is None:
            # A crowd that wants a page that is on its way does not all look for it.
            return None, ""
        found = self._tiers.adopt(key, query)
        if found is None and flight is not None and flight.beside is not None:
            # This process has no room for it, and the shared tier is in trouble.
            found = self._tiers.unless_gone(flight.beside.held)
        return found, PROCESS if found is held else SHARED

    def _known(self, key: str, held: HeldPage | None, now: float) -> Known:
        flight, failure = self._fetches.of(key), self._failures.of(key)
        return Known(
            None if held is None else held.at_hand(now),
            "" if failure is None else failure.error.name,
            0.0 if failure is None else self._failures.retry_in_s(failure),
            None if flight is None else now - flight.began_at,
        )

    def _forward(self, held: HeldPage | None) -> str:
        """Return why a request with `held` at hand is forwarded, if it is (RFC 9211, section 2.2)."""
        if held is None:
            return FORWARD_MISS
        return FORWARD_REQUEST if held.rung(self._clock()) is Rung.FRESH else FORWARD_STALE

    def _newer_than(self, directives: RequestDirectives, came_at: float) -> float:
        """Return what a page of another process has to be newer than for a caller who asked so, and came then."""
        if directives.max_age_s is None:
            return NEVER
        return came_at - max(directives.max_age_s, self._policy.min_refresh_s)

    def _board(
        self,
        key: str,
        query: CampaignQuery,
        after: float,
        step: WaitThenServe | Fetch,
        deadline: Deadline,
        held: HeldPage | None,
    ) -> Boarding | None:
        """Have a page fetched, or join who fetches it; `None` where that cannot be begun behind a page."""
        if isinstance(step, WaitThenServe):
            return self._fetches.behind(key, query, after, beside=held)
        boarding = None
        if deadline.shortened:
            # A caller in a hurry does not take its fetch along when it leaves, where anything can be begun behind.
            boarding = self._fetches.behind(key, query, after, Priority.INTERACTIVE, held)
        return boarding or self._fetches.here(key, query, after, deadline, held)

    def _at_hand(
        self,
        key: str,
        query: CampaignQuery,
        held: HeldPage,
        tier: str,
        step: Serve | ServeAndRefresh,
        now: float,
        *,
        waited: bool,
    ) -> ServedPage:
        if isinstance(step, ServeAndRefresh):
            self._fetches.behind(key, query, held.stored_at, beside=held)
        outcome = CacheOutcome.HIT if held.rung(now) is Rung.FRESH else CacheOutcome.STALE
        return held.served(outcome, now, tier, step.detail, waited=waited)

    def _served(self, brought: Brought, forward: str, *, leading: bool) -> ServedPage:
        held = brought.held
        if not brought.fetched:
            return held.served(CacheOutcome.HIT, self._clock(), SHARED, waited=True)
        outcome = CacheOutcome.MISS if leading else CacheOutcome.COLLAPSED
        # As of the moment that it was fetched, so that a page that has just come has all of its time before it.
        stored = leading and brought.stored
        return held.served(outcome, held.stored_at, "", forward=forward, stored=stored, waited=True)


def _refusal(why: Refuse, failure: GatewayError | None) -> GatewayError:
    if why is Refuse.FAILED and failure is not None:
        return failure.again()
    if why is Refuse.NOT_CACHED:
        return NotCached("No page that answers this is in the cache, and only-if-cached asks for no other.")
    return UpstreamTimeout(
        "The deadline passed before CC-iSales had answered. Whoever is fetching the page goes on, so another try may "
        "find it."
    )
