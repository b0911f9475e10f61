"""How long a page is good (RFC 9111, section 4.2). Pure: ages in seconds come in, decisions go out."""

from dataclasses import dataclass

from gateway.model import CampaignQuery, CampaignStatus


@dataclass(frozen=True, slots=True)
class FreshnessPolicy:
    """Seconds for which pages are fresh; completed campaigns change less."""

    fresh_s: float
    fresh_completed_s: float

    def lifetime(self, query: CampaignQuery) -> float:
        """Return for how many seconds the page that answers `query` is fresh."""
        return self.fresh_completed_s if query.status is CampaignStatus.COMPLETED else self.fresh_s
