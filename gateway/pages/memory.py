"""A Flask-Caching backend that keeps pages in this process, bounded in bytes and aged by a monotonic clock.

Flask-Caching's own SimpleCache bounds the number of entries, not their size, ages them by the wall clock, and pickles.
"""

import time
from collections.abc import Callable, Sized
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_caching.backends.base import BaseCache

from gateway.bounded_lru import BoundedLru


@dataclass(frozen=True, slots=True)
class _Timed:
    value: Sized
    expires_at: float

    def __len__(self) -> int:
        return len(self.value)


class ProcessCache(BaseCache):
    """Values by key, as they are: nothing is copied or encoded. A value counts as its length in bytes."""

    def __init__(self, max_bytes: int, default_timeout: int = 300, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(default_timeout)
        self.entries: BoundedLru[str, _Timed] = BoundedLru(max_bytes)
        self._clock = clock

    @classmethod
    def factory(cls, app: Any, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> "ProcessCache":
        """Make the backend as Flask-Caching asks for it, from `CACHE_MAX_BYTES` and `CACHE_CLOCK`."""
        return cls(config["CACHE_MAX_BYTES"], kwargs["default_timeout"], config["CACHE_CLOCK"])

    def get(self, key: str) -> Any:
        """Return the value under `key`, or `None` when there is none or its time is over."""
        timed = self.entries.get(key)
        if timed is None:
            return None
        if self._clock() >= timed.expires_at:
            self.entries.remove(key, timed)
            return None
        return timed.value

    def set(self, key: str, value: Any, timeout: int | timedelta | None = None) -> bool:
        """Keep `value` under `key` for `timeout` seconds. `False` when it alone is larger than the bound."""
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        lifetime = self.default_timeout if seconds is None else seconds
        return self.entries.put(key, _Timed(value, self._clock() + lifetime))

    def delete(self, key: str) -> bool:
        """Forget `key`. `False` when it was not there."""
        return self.entries.remove(key)

    def keys(self, prefix: str) -> list[str]:
        """Return every key that begins with `prefix`."""
        return [key for key in self.entries if key.startswith(prefix)]

    def clear(self) -> bool:
        """Forget everything."""
        self.entries.clear()
        return True

    def has(self, key: str) -> bool:
        """Tell whether there is a value under `key` whose time is not over."""
        return self.get(key) is not None
