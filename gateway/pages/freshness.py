"""How long a page is good (RFC 9111, section 4.2; RFC 5861). Pure: ages in seconds come in, decisions go out."""

from dataclasses import dataclass
from enum import StrEnum

from gateway import model
from gateway.model import CampaignQuery, CampaignStatus


class Rung(StrEnum):
    """Where a page is on its way down. As time passes it only ever goes from one to a later one."""

    FRESH = model.FRESH
    STALE_WHILE_REVALIDATE = model.STALE_WHILE_REVALIDATE
    STALE_IF_ERROR = model.STALE_IF_ERROR
    EXPIRED = "expired"


@dataclass(slots=True)
class Lifetimes:
    """How long a page is on each rung, in seconds; both kinds of staleness begin when freshness ends.

    Not frozen, unlike its likes: all pages of a kind have the same one, so that a reload changes them all at once.
    """

    fresh_s: float
    stale_while_revalidate_s: float
    stale_if_error_s: float

    def change(self, fresh_s: float, stale_while_revalidate_s: float, stale_if_error_s: float) -> None:
        """Have other times from now on, for pages that are held already too."""
        self.fresh_s = fresh_s
        self.stale_while_revalidate_s = stale_while_revalidate_s
        self.stale_if_error_s = stale_if_error_s

    @property
    def keep_s(self) -> float:
        """For how long the page can be of use."""
        return self.fresh_s + max(self.stale_while_revalidate_s, self.stale_if_error_s)

    def rung(self, age_s: float) -> Rung:
        """Return the rung of a page of this age."""
        stale_s = age_s - self.fresh_s
        if stale_s < 0:
            return Rung.FRESH
        if stale_s < self.stale_while_revalidate_s:
            return Rung.STALE_WHILE_REVALIDATE
        return Rung.STALE_IF_ERROR if stale_s < self.stale_if_error_s else Rung.EXPIRED


@dataclass(frozen=True, slots=True)
class FreshnessPolicy:
    """The lifetimes of usual pages, and of pages of completed campaigns, which change less."""

    usual: Lifetimes
    completed: Lifetimes

    def lifetimes(self, query: CampaignQuery) -> Lifetimes:
        """Return the lifetimes of the page that answers `query`."""
        return self.completed if query.status is CampaignStatus.COMPLETED else self.usual
