"""What operators are told of one page, without touching the upstream."""

from dataclasses import dataclass

from gateway.pages.freshness import Rung


@dataclass(frozen=True, slots=True)
class Explanation:
    """The key of a query, the tier where its page is (`process`, `shared`), its rung, age and time left in seconds.

    All but the key are `None` when there is no page. `fetch_under_way` tells whether this process is fetching it.
    """

    key: str
    tier: str | None
    rung: Rung | None
    age_s: float | None
    fresh_for_s: float | None
    fetch_under_way: bool
