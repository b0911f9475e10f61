"""What a process holds of a page: its bytes, ready to be sent, and how good they are when."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.model import CacheOutcome, CampaignPage, Paging, RenderedPage, ServedPage
from gateway.pages.codec import decode
from gateway.pages.freshness import Lifetimes, Rung

PROCESS = "process"
SHARED = "shared"


@dataclass(frozen=True, slots=True)
class HeldPage:
    """One page in the memory of this process. Its length is the bytes that it takes.

    `entry` is the page as `gateway.pages.codec` encodes it, `stored_at` the second on the monotonic clock from which
    its age counts.
    """

    key: str
    entry: bytes
    paging: Paging
    rendered: RenderedPage
    lifetimes: Lifetimes
    stored_at: float

    def __len__(self) -> int:
        packed = self.rendered.packed
        return len(self.entry) + len(self.rendered.identity.body) + (len(packed.body) if packed else 0)

    def rung(self, now: float) -> Rung:
        """Return the rung of the page at the second `now`."""
        return self.lifetimes.rung(now - self.stored_at)

    def served(
        self, outcome: CacheOutcome, now: float, tier: str, detail: str = "", *, stored: bool = False
    ) -> ServedPage:
        """Return the page as it is handed out at the second `now`, found in `tier`, or fetched where that is empty."""
        # Clocks of threads that overtake each other: no age is below 0.
        age = now - self.stored_at if now > self.stored_at else 0.0
        fresh_for_s = self.lifetimes.fresh_s - age
        return ServedPage(
            self.key, self.rendered, outcome, tier, age, fresh_for_s, detail, stored, self.paging, self.page
        )

    def page(self) -> CampaignPage:
        """Return the page as an object."""
        return decode(self.key, self.entry)


Render = Callable[[CampaignPage], RenderedPage]
"""Makes the bytes of a page; the same bytes for the same page."""
