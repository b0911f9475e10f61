"""How long a page is good (RFC 9111, section 4.2; RFC 5861). Pure: ages in seconds come in, decisions go out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway import model
from gateway.model import CampaignPage, CampaignQuery, CampaignStatus


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

    def rung(self, age_s: float, *, purged: bool = False) -> Rung:
        """Return the rung of a page of this age; one that was `purged` is for trouble only, whatever its age."""
        stale_s = age_s - self.fresh_s
        if purged:
            return Rung.STALE_IF_ERROR if max(stale_s, 0.0) < self.stale_if_error_s else Rung.EXPIRED
        if stale_s < 0:
            return Rung.FRESH
        if stale_s < self.stale_while_revalidate_s:
            return Rung.STALE_WHILE_REVALIDATE
        return Rung.STALE_IF_ERROR if stale_s < self.stale_if_error_s else Rung.EXPIRED

    def good_if_error_s(self, age_s: float) -> float:
        """Return for how long past its freshness a page of this age may still be shown in trouble, never below 0.

        Past now, where it is not fresh any more: so `stale-if-error` (RFC 5861, section 4) has it.
        """
        return max(0.0, min(self.stale_if_error_s, self.fresh_s + self.stale_if_error_s - age_s))


@dataclass(frozen=True, slots=True)
class FreshnessPolicy:
    """The lifetimes of usual pages, and of pages of completed campaigns, which change less."""

    usual: Lifetimes
    completed: Lifetimes

    def lifetimes(self, query: CampaignQuery, page: CampaignPage, as_of: datetime) -> Lifetimes:
        """Return the lifetimes of `page`, which CC-iSales gave to `query` at `as_of` (aware).

        Those of completed campaigns are for who asked for them, and for a page of which all rows are completed and
        over, whoever asked.
        """
        if query.status is CampaignStatus.COMPLETED:
            return self.completed
        over = bool(page.campaigns) and all(
            row.status is CampaignStatus.COMPLETED and row.ends_at is not None and row.ends_at <= as_of
            for row in page.campaigns
        )
        return self.completed if over else self.usual
