"""The requests of the last minute in the memory of a process, for the moving window of the library limits."""

import threading
from collections import deque
from collections.abc import Callable
from typing import NoReturn

from limits.storage.base import MovingWindowSupport, Storage


class ProcessWindows(Storage, MovingWindowSupport):
    """A storage of limits for its moving window, by a monotonic `clock` in seconds. Times in it are seconds from now.

    The one that limits brings tells time by the wall clock: put back by an hour, that would shut a client out for an
    hour. It also starts a thread for every few requests. Memory: a float for each request of the last minute that was
    counted, so never more than all limits together.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._windows: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` requests under `key`, unless there were more than `limit` in `expiry` seconds then."""
        with self._lock:
            now = self._clock()
            window = self._window(key, now - expiry)
            if len(window) + amount > limit:
                return False
            window.extend([now] * amount)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return the time of the oldest request under `key` in the last `expiry` seconds, and how many there are."""
        with self._lock:
            now = self._clock()
            window = self._window(key, now - expiry)
            return (window[0] - now if window else 0.0), len(window)

    def clear(self, key: str) -> None:
        """Forget the requests under `key`."""
        with self._lock:
            self._windows.pop(key, None)

    def reset(self) -> int:
        """Forget all requests; return of how many keys."""
        with self._lock:
            forgotten = len(self._windows)
            self._windows.clear()
            return forgotten

    def check(self) -> bool:
        """Return whether it works."""
        return True

    @property
    def base_exceptions(self) -> type[Exception]:
        """What limits is to take for trouble with this storage, which has none."""
        return OSError

    def incr(self, key: str, expiry: int, amount: int = 1) -> NoReturn:
        """Raise NotImplementedError: other strategies of limits are not for this storage."""
        raise NotImplementedError

    def get(self, key: str) -> NoReturn:
        """Raise NotImplementedError, as `incr`."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> NoReturn:
        """Raise NotImplementedError, as `incr`."""
        raise NotImplementedError

    def _window(self, key: str, begin: float) -> deque[float]:
        """Return the times under `key` without those that are not after `begin`."""
        window = self._windows.setdefault(key, deque())
        while window and window[0] <= begin:
            window.popleft()
        return window
