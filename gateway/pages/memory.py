"""A Flask-Caching backend that keeps bytes in this process, bounded in bytes, least recently used going first.

Flask-Caching's own SimpleCache bounds the number of entries, not their size, and ages them by the wall clock.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask_caching.backends.base import BaseCache

OVERHEAD_BYTES = 200


class ProcessCache(BaseCache):
    """Bytes by key. Each entry counts as its key, its value and an allowance for the objects around them."""

    def __init__(self, max_bytes: int, default_timeout: int = 300, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(default_timeout)
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self._clock = clock
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def factory(cls, app: Any, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> "ProcessCache":
        """Make the backend as Flask-Caching asks for it, from `CACHE_MAX_BYTES` and the optional `CACHE_CLOCK`."""
        return cls(config["CACHE_MAX_BYTES"], kwargs["default_timeout"], config.get("CACHE_CLOCK", time.monotonic))

    def get(self, key: str) -> bytes | None:
        """Return the value under `key`, or `None` when there is none or its time is over."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            value, expires_at = entry
            if self._clock() >= expires_at:
                self._drop(key)
                return None
            self._entries.move_to_end(key)
            return value

    def set(self, key: str, value: bytes, timeout: int | timedelta | None = None) -> bool:
        """Keep `value` under `key` for `timeout` seconds. `False` when it alone is larger than the bound."""
        if isinstance(timeout, timedelta):
            timeout = int(timeout.total_seconds())
        size = _size(key, value)
        with self._lock:
            self._drop(key)
            if size > self.max_bytes:
                return False
            while self.held_bytes + size > self.max_bytes:
                self._drop(next(iter(self._entries)))
            self._entries[key] = (value, self._clock() + (self.default_timeout if timeout is None else timeout))
            self.held_bytes += size
            return True

    def delete(self, key: str) -> bool:
        """Forget `key`. `False` when it was not there."""
        with self._lock:
            return self._drop(key)

    def clear(self) -> bool:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self.held_bytes = 0
            return True

    def has(self, key: str) -> bool:
        """Tell whether there is a value under `key` whose time is not over."""
        return self.get(key) is not None

    def _drop(self, key: str) -> bool:
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self.held_bytes -= _size(key, entry[0])
        return True


def _size(key: str, value: bytes) -> int:
    return len(key) + len(value) + OVERHEAD_BYTES
