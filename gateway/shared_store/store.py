"""One process' way to the shared Redis, for all who use it: if one of them meets trouble, all leave it alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import RedisBackend, redis_backend
from gateway.shared_store.guard import RedisGuard


@dataclass(frozen=True, slots=True)
class SharedStore:
    """The connections, and the guard that every operation on them goes through."""

    backend: RedisBackend
    guard: RedisGuard


def shared_store(
    app: Any, address: StoreAddress, faults: Callable[[str, str], None], clock: Callable[[], float] = time.monotonic
) -> SharedStore:
    """Return the way to the Redis at `address`, made for the Flask `app`; nothing is connected yet.

    `faults` is called with kind and operation for each operation that failed, `clock` is monotonic. Raises ValueError,
    without the URL in it, when the address cannot be used.
    """
    backend = redis_backend(app, address)
    client = backend.client
    guard = RedisGuard(faults, clock, client.node_of, client.nodes, backend.leave, _secrets(address))
    return SharedStore(backend, guard)


def _secrets(address: StoreAddress) -> list[str]:
    password = urlsplit(address.url.reveal()).password or ""
    return [password, unquote(password), address.sentinel_password.reveal()]
