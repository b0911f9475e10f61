"""How calls have ended lately: good and bad ones within a span of time, in memory that does not grow. Pure."""

from collections import deque
from dataclasses import dataclass
from typing import Final

SLICES: Final = 10
"""The span is counted in so many slices. The oldest is dropped as a whole, so at most this part of it is missing."""


@dataclass(slots=True)
class _Slice:
    number: int
    calls: int = 0
    failures: int = 0


class OutcomeWindow:
    """Counts the calls that ended within the last `seconds`, never older ones. Times are of one monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._slice_s = seconds / SLICES
        self._slices: deque[_Slice] = deque(maxlen=SLICES)

    def add(self, now: float, *, failed: bool) -> None:
        """Count a call that ended at `now`."""
        number = self._number(now)
        if not self._slices or self._slices[-1].number != number:
            self._slices.append(_Slice(number))
        newest = self._slices[-1]
        newest.calls += 1
        newest.failures += failed

    def counts(self, now: float) -> tuple[int, int]:
        """Return how many calls there were as of `now`, and how many of them failed."""
        oldest = self._number(now) - SLICES + 1
        while self._slices and self._slices[0].number < oldest:
            self._slices.popleft()
        return sum(part.calls for part in self._slices), sum(part.failures for part in self._slices)

    def clear(self) -> None:
        """Forget all."""
        self._slices.clear()

    def _number(self, now: float) -> int:
        return int(now // self._slice_s)
