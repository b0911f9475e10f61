"""Trouble with Redis ends here: it is caught, counted by kind, said once, and after a few times not even tried."""

from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from redis import exceptions

from gateway.shared_store.breaker import Breaker, Permit

log = structlog.get_logger("gateway.shared_store")
T = TypeVar("T")

TROUBLE: Final = (exceptions.RedisError, OSError, ValueError, TypeError, LookupError, AttributeError)
"""What an operation on Redis may end in: behind the name may be something that does not speak as Redis does, and
redis-py takes its answers apart with whatever Python raises then."""

# Socket timeouts alone would let answers in drips hold one caller after the other. Far above them, because in a busy
# process an operation also waits for its thread's turn.
SLOW_S = 1.0
KINDS: Final = ("timeout", "refused", "full", "auth", "readonly", "other")
# With these Redis still answers reads, so they are no reason to stop reading.
_WRITES_ONLY = frozenset({"full", "readonly"})
# Inside a script Redis puts its own words before the code, so that redis-py does not know the error by class.
_CODES = {
    "OOM ": "full",
    "READONLY": "readonly",
    "MISCONF": "readonly",
    "NOREPLICAS": "readonly",
    "NOAUTH": "auth",
    "NOPERM": "auth",
    "WRONGPASS": "auth",
}
_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.TimeoutError, "timeout"),
    (TimeoutError, "timeout"),
    (exceptions.AuthenticationError, "auth"),
    (exceptions.AuthorizationError, "auth"),
    (exceptions.NoPermissionError, "auth"),
    (exceptions.OutOfMemoryError, "full"),
    (exceptions.ReadOnlyError, "readonly"),
    (exceptions.BusyLoadingError, "other"),
    (exceptions.MaxConnectionsError, "other"),
    (exceptions.ConnectionError, "refused"),
    (OSError, "refused"),
)


def fault_kind(error: Exception) -> str:
    """Return which of `KINDS` an exception of redis-py or of the socket is."""
    for known, kind in _CLASSES:
        if isinstance(error, known):
            return kind
    return next((kind for code, kind in _CODES.items() if code in str(error)), "other")


class RedisGuard:
    """Runs operations on Redis, or skips them. `faults` is called with one of `KINDS` for each that failed.

    There are two breakers: a Redis that is full or read-only is not written to any more but still read.
    """

    def __init__(self, faults: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._faults = faults
        self._clock = clock
        self._connection = Breaker(clock)
        self._writes = Breaker(clock)

    @property
    def failing(self) -> bool:
        """Whether operations are being skipped."""
        return not (self._connection.closed and self._writes.closed)

    def run(self, work: Callable[[], T], otherwise: T, *, writing: bool = False) -> T:
        """Return what `work` returns, or `otherwise` when Redis is in trouble now or was so lately.

        `writing` is for operations that need memory in Redis. A success that took longer than `SLOW_S` counts as a
        timeout.
        """
        writes = self._writes.admit() if writing else None
        if writing and writes is None:
            return otherwise
        permit = self._connection.admit()
        if permit is None:
            return otherwise
        began = self._clock()
        fault = None
        result = otherwise
        try:
            result = work()
            fault = "timeout" if self._clock() - began > SLOW_S else None
            if fault is not None:
                self._faults(fault)
        except TROUBLE as error:
            fault = self.count(error)
        self._note(permit, writes, fault)
        return result

    def count(self, error: Exception) -> str:
        """Count one failed operation; return its kind."""
        kind = fault_kind(error)
        self._faults(kind)
        return kind

    def discard(self, key: str, delete: Callable[[str], bool]) -> None:
        """Count a value under `key` that cannot be ours, say so, and have it deleted."""
        self._faults("other")
        log.warning("shared cache entry deleted", key=key, reason="it was not stored by the gateway")
        self.run(lambda: delete(key), otherwise=False)

    def _note(self, permit: Permit, writes: Permit | None, fault: str | None) -> None:
        if fault is not None and fault not in _WRITES_ONLY:
            if self._connection.failed(permit):
                log.warning(
                    "shared cache failing",
                    fault=fault,
                    consequence="each process keeps pages and counts calls and requests for itself",
                )
            return
        if self._connection.succeeded(permit):
            log.info("shared cache works again")
        if writes is None:
            return
        if fault is not None and self._writes.failed(writes):
            log.warning(
                "shared cache takes no pages",
                fault=fault,
                consequence="it is still read, and each process counts calls and requests for itself",
            )
        if fault is None and self._writes.succeeded(writes):
            log.info("shared cache takes pages again")
