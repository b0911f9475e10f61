"""What a process holds of a page: its bytes, ready to be sent, and how good they are when."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.model import FRESH, CacheOutcome, CampaignPage, Paging, RenderedPage, ServedPage
from gateway.pages.codec import decode
from gateway.pages.decision import AtHand
from gateway.pages.freshness import Lifetimes, Rung

CLOSE_S = 1.0
"""An age that the shared tier tells may have been this long on its way here."""

PROCESS = "process"
SHARED = "shared"


@dataclass(slots=True, eq=False)
class HeldPage:
    """One page in the memory of this process. Its length is the bytes that it takes.

    `entry` is the page as `gateway.pages.codec` encodes it. `began_at` and `stored_at` are the seconds on the monotonic
    clock at which its fetch began and from which its age counts; `as_of_ms` is when CC-iSales answered, milliseconds
    since 1970 by the clock of who fetched it. `refresh_share` is the share of its freshness after which it is refreshed
    ahead.

    Two marks change while it is held: it was `purged`, or since `doubted_at` another process may have a newer one.
    """

    key: str
    entry: bytes
    paging: Paging
    rendered: RenderedPage
    lifetimes: Lifetimes
    began_at: float
    stored_at: float
    as_of_ms: int
    refresh_share: float
    purged: bool = False
    doubted_at: float | None = None

    def __len__(self) -> int:
        packed = self.rendered.packed
        return len(self.entry) + len(self.rendered.identity.body) + (len(packed.body) if packed else 0)

    def is_newer_than(self, other: "HeldPage") -> bool:
        """Tell whether CC-iSales gave it after `other`, of the same key; by the clock on the wall if that is close."""
        apart_s = self.stored_at - other.stored_at
        return apart_s > 0 if abs(apart_s) >= CLOSE_S else self.as_of_ms > other.as_of_ms

    def plainly_fresh_until(self) -> float:
        """Return until when there is nothing to decide, unless it is marked: `decide` says `Serve()` to everybody."""
        if self.purged or self.doubted_at is not None:
            return float("-inf")
        return self.stored_at + self.lifetimes.fresh_s * self.refresh_share

    def rung(self, now: float) -> Rung:
        """Return the rung of the page at the second `now`; the freshness of one that was purged is over."""
        return self.lifetimes.rung(now - self.stored_at, purged=self.purged)

    def at_hand(self, now: float) -> AtHand:
        """Return what is known of it at the second `now`."""
        refresh_at_s = self.lifetimes.fresh_s * self.refresh_share
        return AtHand(now - self.stored_at, self.lifetimes, refresh_at_s, self.purged)

    def served(
        self,
        outcome: CacheOutcome,
        now: float,
        tier: str,
        detail: str = "",
        *,
        forward: str = "",
        stored: bool = False,
        waited: bool = False,
    ) -> ServedPage:
        """Return the page as it is handed out at the second `now`, found in `tier`, or fetched where that is empty."""
        # Clocks of threads that overtake each other: no age is below 0.
        age_s = now - self.stored_at if now > self.stored_at else 0.0
        return ServedPage(
            self.key,
            self.rendered,
            outcome,
            tier,
            str(self.rung(now)) if tier else "",
            age_s,
            min(self.lifetimes.fresh_s - age_s, 0.0) if self.purged else self.lifetimes.fresh_s - age_s,
            self.lifetimes.good_if_error_s(age_s),
            self.as_of_ms // 1000,
            detail,
            forward,
            stored,
            waited,
            self.paging,
            self.page,
        )

    def fresh_hit(self, now: float) -> ServedPage:
        """Return what `served` does for a plainly fresh page of this process, of which there are many a second."""
        age_s = now - self.stored_at if now > self.stored_at else 0.0
        return ServedPage(
            self.key,
            self.rendered,
            CacheOutcome.HIT,
            PROCESS,
            FRESH,
            age_s,
            self.lifetimes.fresh_s - age_s,
            self.lifetimes.stale_if_error_s,
            self.as_of_ms // 1000,
            "",
            "",
            stored=False,
            waited=False,
            paging=self.paging,
            load=self.page,
        )

    def page(self) -> CampaignPage:
        """Return the page as an object."""
        return decode(self.key, self.entry).page


Render = Callable[[CampaignPage], RenderedPage]
"""Makes the bytes of a page; the same bytes for the same page."""
