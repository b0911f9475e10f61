"""The requests of the last minute of all processes, in Redis, as the library limits counts them with a moving window.

The storage that limits brings has each process stamp its requests by its own clock, so that a process whose clock is
ahead or behind would count wrongly for all. Here the same scripts tell time by Redis' clock.
"""

from typing import Any, Final

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from gateway.access.limits import Quota, take
from gateway.shared_store.backend import RedisBackend
from gateway.shared_store.operations import Operation
from gateway.shared_store.store import SharedStore

# Stands before the scripts of limits: their first argument, a time, is given as seconds from now. What is under the key
# and cannot be ours is removed, and so are requests of the future, for then Redis' clock went back. Nothing is written
# without need, because a full Redis refuses the first write of a script and lets pass what follows another.
_BY_REDIS_CLOCK: Final = b"""
local redis_time = redis.call('TIME')
local redis_now = redis_time[1] + redis_time[2] / 1000000
local found = redis.call('TYPE', KEYS[1]).ok
local newest = found == 'list' and tonumber(redis.call('LINDEX', KEYS[1], 0))
if found ~= 'none' and (not newest or newest > redis_now) then redis.call('DEL', KEYS[1]) end
ARGV[1] = redis_now + ARGV[1]
"""


class _RedisStorage(RedisStorage):
    """Takes and gives times as seconds from now.

    That of limits for a cluster makes connections of its own, with other time limits, as it is made; each script here
    has one key, so that this one does for a cluster too.
    """

    def __init__(self, backend: RedisBackend) -> None:
        self._backend = backend
        # The client that it makes by this URL is never used, and so never connected.
        super().__init__("redis://", key_prefix=f"{backend.prefix}requests")

    def initialize_storage(self, _uri: str) -> None:
        """Make the scripts of the moving window."""
        self.lua_moving_window: Any = self._backend.script(self.SCRIPT_MOVING_WINDOW)
        self.lua_acquire_moving_window: Any = self._backend.script(self.SCRIPT_ACQUIRE_MOVING_WINDOW)

    SCRIPT_ACQUIRE_MOVING_WINDOW = _BY_REDIS_CLOCK + RedisStorage.SCRIPT_ACQUIRE_MOVING_WINDOW
    SCRIPT_MOVING_WINDOW = b"%s\nlocal function window()\n%s\nend\n%s" % (
        _BY_REDIS_CLOCK,
        RedisStorage.SCRIPT_MOVING_WINDOW,
        b"local window = window()\nreturn window and {tostring(window[1] - redis_now), window[2]}",
    )

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` requests under `key`, unless there were more than `limit` in `expiry` seconds then."""
        return bool(self.lua_acquire_moving_window([self.prefixed_key(key)], [0, limit, expiry, amount]))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return the time of the oldest request under `key` in the last `expiry` seconds, and how many there are."""
        window = self.lua_moving_window([self.prefixed_key(key)], [-expiry, limit])
        return (float(window[0]), window[1]) if window else (0.0, 0)


class RedisWindows:
    """The requests of clients to gateways of the upstream of `store`, in all processes that share it.

    Two round trips for each, over the connections and through the guard that all operations share: trouble with Redis
    is the guard's.
    """

    def __init__(self, store: SharedStore) -> None:
        self._storage = _RedisStorage(store.backend)
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._guard = store.guard
        self._upstream = store.backend.namespace

    def take(self, client: str, limit: int) -> Quota | None:
        """Count one request of `client`, unless `limit` were made in the last minute; `None` for trouble with Redis."""
        key = self._storage.prefixed_key(RateLimitItemPerMinute(limit, namespace=self._upstream).key_for(client))
        return self._guard.run(
            Operation.LIMIT,
            lambda: take(self._limiter, client, limit, self._upstream),
            None,
            key=key,
            writing=True,
        )
