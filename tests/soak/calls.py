"""How many calls to CC-iSales there were, against how many the lifetimes of pages require. Pure."""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.soak.announced import Window
from tests.soak.mix import Page

FRESH_S = 4.0
FRESH_COMPLETED_S = 8.0

AHEAD = 0.72
"""A page that is asked for is refreshed from this share of its lifetime on, at the soonest."""

LATE = "hit, late"
"""The kind of hits that may have had their page refreshed."""

ALONE = frozenset({"redis-hangs", "redis-killed"})
"""While these are under way each process keeps pages for itself."""

ALONE_AFTER_S = 5.0
"""A gateway leaves a Redis that failed alone for so long; then it has pages that Redis has not, for their lifetime."""

GOOD_ROOM = 1.05
"""Refreshes at the turn of a lifetime, a leader that was killed, pages that were dropped when two answers differ."""

ATTEMPTS_ROOM = 1.2
"""Retries are a tenth of the calls, and a call whose signature was refused for its time is made twice."""


@dataclass
class Upstream:
    """Calls as the simulator saw them: those that it answered well, those that failed, by what was wrong."""

    good: int = 0
    failed: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of them."""
        return self.good + sum(self.failed.values())


@dataclass(frozen=True)
class Required:
    """`least` calls would have been enough; `most` with pages refreshed ahead, and alone while Redis was in trouble."""

    least: int
    most: int


Ask = tuple[float, Page]
"""When a page was asked for, and which."""


def required(asks: Iterable[Ask], windows: Sequence[Window], processes: int) -> Required:
    """Return how many good calls are required by `asks`, the requests in order of time that no failure came between.

    With one cache for all, and calls that take no time and never fail: the first request for a page fetches it, and
    then the first one after it is not fresh any more, or `AHEAD` of that. Where each process is alone it is the same
    for each of them, and requests for a page go to them in turn.
    """
    alone = [(window.began, window.ended + ALONE_AFTER_S) for window in windows if window.fault in ALONE]
    fetched_at: dict[Page, float] = {}
    by_each: dict[Page, deque[float]] = {}
    least = most = 0
    for at, page in asks:
        lifetime = lifetime_s(page)
        if at - fetched_at.get(page, -math.inf) >= lifetime:
            fetched_at[page] = at
            least += 1
        each = by_each.setdefault(page, deque([-math.inf] * processes))
        is_alone = any(began <= at <= ended + lifetime for began, ended in alone)
        if at - (each[0] if is_alone else max(each)) >= AHEAD * lifetime:
            each[0] = at
            most += 1
        each.rotate()
    return Required(least, most)


def lifetime_s(page: Page) -> float:
    """Return for how long `page` is fresh, seconds."""
    return FRESH_COMPLETED_S if page.status == "completed" else FRESH_S


def faults_of(upstream: Upstream, needed: Required, kinds: Mapping[str, int]) -> list[str]:
    """Return what is wrong with the number of calls; `kinds` are the answers to callers.

    No call without a caller: each is made for an answer that no fresh page gave, or for the refresh that it began.
    """
    found = []
    if upstream.good > GOOD_ROOM * needed.most:
        found.append(f"{upstream.good} good calls, and {needed.most} were required")
    callers = callers_of(needed, kinds)
    if upstream.total > ATTEMPTS_ROOM * callers:
        found.append(f"{upstream.total} calls for {callers} answers that may have taken one")
    return found


def callers_of(needed: Required, kinds: Mapping[str, int]) -> int:
    """Return how many answers may have taken a call: those of no fresh page, and of hits as many as are refreshed."""
    late = sum(count for kind, count in kinds.items() if LATE in kind)
    return sum(count for kind, count in kinds.items() if not_from_fresh(kind)) + min(late, needed.most)


def not_from_fresh(kind: str) -> bool:
    """Tell whether an answer of this kind may have taken a call."""
    return any(word in kind for word in ("miss", "stale", "upstream-", "internal-error", "no answer"))
