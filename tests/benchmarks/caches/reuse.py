"""What a cache did with a page, from what was asked of it and what of that reached the gateway. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.caches.relay import Heard

_CLOCKS_S = 0.005
"""Browsers tell the time in whole milliseconds."""


@dataclass(frozen=True)
class Asked:
    """A request that a cache was asked to answer: when (seconds of the wall clock), and the status that came."""

    began: float
    ended: float
    status: int


@dataclass(frozen=True)
class Reuse:
    """How a cache reused the first page. Seconds are since it was asked for.

    `told_s` is its `max-age`; `last_s` when it was last shown without waiting for the gateway, 0 where it never was;
    `anew` when the gateway was waited for again, and what it said; `behind` how many requests nobody waited for;
    `stale_s` for how long at most past what the gateway told last a page was shown, 0 where it was not.
    """

    told_s: int
    last_s: float
    anew: tuple[tuple[float, Heard], ...]
    behind: int
    stale_s: float

    def verdict(self, every_s: float) -> str:
        """Say in a word or two whether the page was reused for as long as it was good, asked for each `every_s`."""
        if self.stale_s:
            return "TOO LONG"
        if not self.last_s:
            return "not kept"
        # `Date` has whole seconds: who counts from it may be up to one early.
        return "as told" if self.last_s > self.told_s - 1 - every_s else "less"


def reuse(asked: Sequence[Asked], heard: Sequence[Heard]) -> Reuse:
    """Return how the answer to the first of `asked` was reused for the others, both in the order of time.

    Raises ValueError where the first did not reach the gateway, or not all were answered 200.
    """
    if bad := [one.status for one in asked if one.status != 200]:
        raise ValueError(f"{len(bad)} of {len(asked)} requests were not answered 200; the first of them {bad[0]}")
    reached = [[one for one in heard if _within(one, ask)] for ask in asked]
    if not reached[0]:
        raise ValueError("The first request did not reach the gateway.")
    start = asked[0].began
    anew = [number for number in range(1, len(asked)) if reached[number]]
    last = (anew[0] if anew else len(asked)) - 1
    stale_s = 0.0
    for ask, requests in zip(asked, reached, strict=True):
        if not requests:
            latest = [one for one in heard if one.answered <= ask.began][-1]
            stale_s = max(stale_s, ask.began - latest.answered - latest.max_age_s)
    return Reuse(
        reached[0][0].max_age_s,
        asked[last].began - start,
        tuple((asked[number].began - start, reached[number][-1]) for number in anew),
        len(heard) - sum(map(len, reached)),
        stale_s,
    )


def _within(request: Heard, ask: Asked) -> bool:
    return ask.began - _CLOCKS_S <= request.at and request.answered <= ask.ended + _CLOCKS_S
