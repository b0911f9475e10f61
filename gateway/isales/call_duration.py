"""How long a call to CC-iSales takes these days, and so how much time an attempt needs. Pure: the clock comes in."""

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

REMEMBERED: Final = 32
LASTING_S: Final = 30.0
LEAST_S: Final = 0.05


class CallDuration:
    """Remembers the latest good calls, on a monotonic clock in seconds.

    The estimate is their median: half of the calls take longer, but one slow answer does not turn callers away. It is
    never more than half of `deadline_s`, so that somebody always gets to try, and things can turn out to be better.
    """

    def __init__(self, deadline_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_s = deadline_s / 2
        self._clock = clock
        self._latest: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()

    def record(self, seconds: float) -> None:
        """Remember a good call that has just ended."""
        with self._lock:
            self._latest.append((self._clock(), seconds))

    def estimate_s(self) -> float:
        """Return the median of the last 32 good calls of the last 30 s, from 0.05 to half of the deadline."""
        with self._lock:
            since = self._clock() - LASTING_S
            while self._latest and self._latest[0][0] < since:
                self._latest.popleft()
            lately = [seconds for _, seconds in self._latest]
        return min(max(statistics.median(lately) if lately else 0.0, LEAST_S), self._most_s)
