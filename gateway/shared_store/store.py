"""One process' way to the shared Redis, for all who use it: if one of them meets trouble, all leave it alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.settings.model import Secret
from gateway.shared_store.backend import RedisBackend, redis_backend
from gateway.shared_store.guard import RedisGuard


@dataclass(frozen=True, slots=True)
class SharedStore:
    """The connections, and the guard that every operation on them goes through."""

    backend: RedisBackend
    guard: RedisGuard


def shared_store(
    app: Any, url: Secret, faults: Callable[[str], None], clock: Callable[[], float] = time.monotonic
) -> SharedStore:
    """Return the way to the Redis at `url`, made for the Flask `app`; nothing is connected yet.

    `faults` is called with a kind for each operation that failed, `clock` is monotonic. Raises ValueError, without the
    URL in it, when `url` cannot be used.
    """
    return SharedStore(redis_backend(app, url), RedisGuard(faults, clock))
