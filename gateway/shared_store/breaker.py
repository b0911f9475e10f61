"""When to leave a failing Redis alone. Pure: results and a monotonic clock come in, permits go out."""

import threading
from collections.abc import Callable
from enum import Enum

LIMIT = 3
OPEN_S = 5.0


class Permit(Enum):
    """The permission to try one operation: an ordinary one, or the probe that may close the breaker."""

    ORDINARY = "ordinary"
    PROBE = "probe"


class Breaker:
    """Opens after so many failures in a row, and then admits one probe per `OPEN_S` seconds until one succeeds.

    Operations that were admitted before it opened do not count any more, whatever becomes of them. A probe that
    never reports costs nothing but its turn.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._probe_at: float | None = None
        self._lock = threading.Lock()

    @property
    def closed(self) -> bool:
        """Whether operations are admitted freely."""
        return self._probe_at is None

    def admit(self) -> Permit | None:
        """Return a permit for one operation, or `None` when it is to be skipped."""
        if self.closed:
            return Permit.ORDINARY
        with self._lock:
            if self._probe_at is None:
                return Permit.ORDINARY
            now = self._clock()
            if now < self._probe_at:
                return None
            self._probe_at = now + OPEN_S
            return Permit.PROBE

    def succeeded(self, permit: Permit) -> bool:
        """Take note of a success; return whether it closed the breaker."""
        if self._failures == 0:
            return False
        with self._lock:
            closes = permit is Permit.PROBE and self._probe_at is not None
            if closes:
                self._probe_at = None
            if self._probe_at is None:
                self._failures = 0
            return closes

    def failed(self, permit: Permit) -> bool:
        """Take note of a failure; return whether it opened the breaker."""
        with self._lock:
            if self._probe_at is not None:
                if permit is Permit.PROBE:
                    self._probe_at = self._clock() + OPEN_S
                return False
            self._failures += 1
            if self._failures < LIMIT:
                return False
            self._probe_at = self._clock() + OPEN_S
            return True
