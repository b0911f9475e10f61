"""What failed a moment ago, so that a page that is stale is not asked for again at once."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from gateway.errors import GatewayError

PAUSE_S = 2.0
MOST = 10_000


class RecentFailures:
    """The last failure of each key, for `pause_s` seconds; at most `most` keys.

    Only callers who get a stale page instead are spared: without a page every caller asks, for a failure is not cached.
    """

    def __init__(self, pause_s: float = PAUSE_S, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_s = pause_s
        self._most = most
        self._clock = clock
        self._failures: OrderedDict[str, tuple[GatewayError, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._failures)

    def remember(self, key: str, error: GatewayError) -> None:
        """Remember that fetching `key` failed just now."""
        error = error.again()
        with self._lock:
            now = self._clock()
            self._failures.pop(key, None)
            self._failures[key] = (error, now + self._pause_s)
            while len(self._failures) > self._most or self._oldest_ends_at() <= now:
                self._failures.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forget what is remembered of `key`."""
        with self._lock:
            self._failures.pop(key, None)

    def recent(self, key: str) -> GatewayError | None:
        """Return the failure of `key` if it is recent."""
        failure = self._failures.get(key)
        return failure[0] if failure is not None and self._clock() < failure[1] else None

    def _oldest_ends_at(self) -> float:
        return next((ends_at for _, ends_at in self._failures.values()), float("inf"))
