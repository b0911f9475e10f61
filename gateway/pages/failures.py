"""What failed lately, so that who has a page does not wait, and CC-iSales is asked ever more rarely."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import GatewayError

SHORTEST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Failure:
    """How fetching a page ended the last time, when (monotonic seconds), and after how long a pause it is tried again.

    The pause doubles with each failure in a row.
    """

    vdn: int
    error: GatewayError
    failed_at: float
    pause_s: float


class RecentFailures:
    """The last failure of each key until a page comes, or nobody has asked for a while; at most `most` keys.

    Only callers who have a page are spared by it: without a page every caller asks, for a failure is not cached.
    """

    def __init__(self, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._failures: OrderedDict[str, Failure] = OrderedDict()
        self._good_at: dict[int, float] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._failures)

    def remember(self, key: str, vdn: int, error: GatewayError) -> None:
        """Remember that fetching `key` of `vdn` failed just now; what never reached CC-iSales doubles no pause."""
        error, now = error.again(), self._clock()
        with self._lock:
            before = self._failures.pop(key, None)
            pause_s = SHORTEST_PAUSE_S
            if before is not None and self.is_current(before, now) and not self._healed(before):
                pause_s = min(2 * before.pause_s, LONGEST_PAUSE_S) if error.sent else before.pause_s
            if not error.sent:
                # Nothing was tried, and nothing will be before then.
                pause_s = min(max(pause_s, error.retry_after_s or 0), LONGEST_PAUSE_S)
            self._failures[key] = Failure(vdn, error, now, pause_s)
            while len(self._failures) > self._most:
                self._failures.popitem(last=False)

    def succeeded(self, key: str, vdn: int) -> None:
        """Forget what is remembered of `key`, and try other pages of `vdn` again soon: CC-iSales answers."""
        with self._lock:
            self._failures.pop(key, None)
            self._good_at[vdn] = self._clock()

    def of(self, key: str) -> Failure | None:
        """Return the last failure of `key`, `None` where it says nothing any more."""
        failure = self._failures.get(key)
        return failure if failure is not None and self.is_current(failure, self._clock()) else None

    def retry_in_s(self, failure: Failure) -> float:
        """Return the seconds left until the page is to be tried again, not above 0 when it is."""
        pause_s = SHORTEST_PAUSE_S if self._healed(failure) else failure.pause_s
        return failure.failed_at + pause_s - self._clock()

    def is_current(self, failure: Failure, now: float) -> bool:
        """Tell whether it is not so long ago that it says nothing of now."""
        return now - failure.failed_at < failure.pause_s + LONGEST_PAUSE_S

    def _healed(self, failure: Failure) -> bool:
        return self._good_at.get(failure.vdn, float("-inf")) > failure.failed_at
