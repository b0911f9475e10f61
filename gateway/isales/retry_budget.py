"""How many retries there may be: a share of the calls, so that retries never make an outage worse. Pure."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 60


@dataclass(slots=True)
class _Counts:
    """What happened since the second `since` of the clock."""

    since: int
    calls: int = 0
    retries: int = 0


class RetryBudget:
    """Allows at most `share` retries for each first attempt, or one, over the last minute; none if `share` is 0.

    The same holds over the calls since the last good one: what good times have saved is not spent on an outage. `clock`
    is monotonic, in seconds; time is counted in whole seconds, to the strict side. Safe to use from any thread.
    """

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._minute: deque[_Counts] = deque()
        self._outage = _Counts(0)
        self._lock = threading.Lock()

    def first_attempt(self) -> None:
        """Take note of a call that was made for the first time."""
        with self._lock:
            self._now().calls += 1
            self._outage.calls += 1

    def good(self) -> None:
        """Take note of a call, first or not, that was good."""
        with self._lock:
            self._outage = _Counts(0)

    def spend(self) -> None:
        """Take note of a call that was sent once more without asking: there are so many fewer retries for others."""
        with self._lock:
            self._spend()

    def take(self) -> bool:
        """Take one retry out of the budget; return whether it had one."""
        with self._lock:
            now = self._now()
            # The oldest second lies within the minute in part: its retries count, its calls do not.
            calls = sum(second.calls for second in self._minute if second.since > now.since - WINDOW_S)
            retries = sum(second.retries for second in self._minute)
            if not (self._allows(calls, retries) and self._allows(self._outage.calls, self._outage.retries)):
                return False
            self._spend()
            return True

    def _spend(self) -> None:
        self._now().retries += 1
        self._outage.retries += 1

    def _allows(self, calls: int, retries: int) -> bool:
        return self._share > 0 and retries + 1 <= max(1.0, self._share * calls)

    def _now(self) -> _Counts:
        second = int(self._clock())
        while self._minute and self._minute[0].since < second - WINDOW_S:
            self._minute.popleft()
        if not self._minute or self._minute[-1].since != second:
            self._minute.append(_Counts(second))
        return self._minute[-1]
