"""Which campaigns each VDN has: as many as are set, and other ones after every call where that is set."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from threading import Lock

from gateway.simulator.campaigns import CAMPAIGNS_PER_VDN, Campaign, campaign, campaigns_of

MOST = 1_000_000
MOST_SHIFTS = 1000
STATUSES = (1, 2, 3, 4)


@dataclass(frozen=True)
class Arrangement:
    """How many campaigns a VDN begins with, and what happens after each of its calls.

    So many `appear` on top, with ids of their own, so many `vanish` anywhere, and so many `change` their status and
    stay where they are. `seed` decides which. Raises `ValueError` for a number out of range.
    """

    count: int = CAMPAIGNS_PER_VDN
    appear: int = 0
    vanish: int = 0
    change: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, most in (("count", MOST), ("appear", MOST_SHIFTS), ("vanish", MOST_SHIFTS), ("change", MOST_SHIFTS)):
            number = getattr(self, name)
            if not 0 <= number <= most:
                raise ValueError(f"{name} is {number}; give 0 to {most}")

    @property
    def shifts(self) -> bool:
        """Whether anything happens after a call."""
        return bool(self.appear or self.vanish or self.change)


@dataclass
class _Listing:
    rows: tuple[Campaign, ...]
    next_number: int
    dice: random.Random
    gone: set[int] = field(default_factory=set)
    came: set[int] = field(default_factory=set)


class Listings:
    """The campaigns of all VDNs, newest id first, as the vendor's sample has it; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._arrangement = Arrangement()
        self._of: dict[int, _Listing] = {}

    @property
    def arrangement(self) -> Arrangement:
        """What was set."""
        return self._arrangement

    def arrange(self, arrangement: Arrangement) -> None:
        """Begin anew with every VDN."""
        with self._lock:
            self._arrangement = arrangement
            self._of = {}

    def of(self, vdn: int, more: int = 0) -> tuple[Campaign, ...]:
        """Return the campaigns of `vdn` now; or those that it began with and so many `more` (fewer, below 0)."""
        if more:
            return campaigns_of(vdn, max(0, self._arrangement.count + more))
        with self._lock:
            return self._listing(vdn).rows

    def show(self, vdn: int, rows: Iterable[Campaign]) -> None:
        """Have `vdn` list these campaigns, in their order, until it is shown or arranged anew."""
        with self._lock:
            self._of[vdn] = replace(self._listing(vdn), rows=tuple(rows))

    def called(self, vdn: int) -> None:
        """Have happen what does after a call for `vdn`."""
        if not self._arrangement.shifts:
            return
        with self._lock:
            listing, arrangement = self._listing(vdn), self._arrangement
            rows = list(listing.rows)
            for _ in range(min(arrangement.vanish, len(rows))):
                listing.gone.add(rows.pop(listing.dice.randrange(len(rows))).id)
            for _ in range(arrangement.change if rows else 0):
                place = listing.dice.randrange(len(rows))
                rows[place] = replace(rows[place], status=listing.dice.choice(STATUSES))
            for _ in range(arrangement.appear):
                rows.insert(0, campaign(vdn, listing.next_number))
                listing.came.add(rows[0].id)
                listing.next_number += 1
            listing.rows = tuple(rows)

    def always(self, vdn: int) -> set[int]:
        """Return the ids that `vdn` has had since it was arranged, in whatever status."""
        with self._lock:
            listing = self._listing(vdn)
            return {row.id for row in listing.rows} - listing.came

    def ever(self, vdn: int) -> set[int]:
        """Return all ids that `vdn` has had since it was arranged."""
        with self._lock:
            listing = self._listing(vdn)
            return {row.id for row in listing.rows} | listing.gone | listing.came

    def _listing(self, vdn: int) -> _Listing:
        found = self._of.get(vdn)
        if found is None:
            count = self._arrangement.count
            dice = random.Random(f"{self._arrangement.seed} {vdn}")  # noqa: S311  # nosec B311 -- a dice, no secret
            found = self._of[vdn] = _Listing(campaigns_of(vdn, count), count + 1, dice)
        return found
