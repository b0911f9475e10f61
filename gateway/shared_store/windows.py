"""The requests of the last minute of all processes, in Redis, as the library limits counts them with a moving window.

The storage that limits brings has each process stamp its requests by its own clock, so that a process whose clock is
ahead or behind would count wrongly for all. Here the same scripts tell time by Redis' clock.
"""

from hashlib import sha256
from typing import Final

from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from gateway.access.limits import Quota, take
from gateway.shared_store.backend import KEY_PREFIX
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
    """Takes and gives times as seconds from now."""

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
    """The requests of clients to gateways of `upstream`, a base URL, in all processes that say the same to this Redis.

    Two round trips for each, over the connections and through the guard that all operations share: trouble with Redis
    is the guard's.
    """

    def __init__(self, store: SharedStore, upstream: str) -> None:
        storage = _RedisStorage(
            "redis://", connection_pool=store.backend.client.connection_pool, key_prefix=f"{KEY_PREFIX}requests"
        )
        self._limiter = MovingWindowRateLimiter(storage)
        self._guard = store.guard
        self._upstream = sha256(upstream.encode()).hexdigest()[:16]

    def take(self, client: str, limit: int) -> Quota | None:
        """Count one request of `client`, unless `limit` were made in the last minute; `None` for trouble with Redis."""
        return self._guard.run(lambda: take(self._limiter, client, limit, self._upstream), None, writing=True)
