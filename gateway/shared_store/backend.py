"""A Flask-Caching backend that keeps bytes in Redis: bytes in, bytes out, no pickle, and never a long wait.

Flask-Caching's own RedisCache unpickles values, and redis-py waits 5 s and tries eleven times unless it is told not to.
"""

from typing import Any

import redis
from flask_caching import Cache
from flask_caching.backends.rediscache import RedisCache
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.connection import ConnectionPool, parse_url
from redis.retry import Retry

from gateway.settings.model import Secret
from gateway.shared_store.connections import FollowingPool, named

KEY_PREFIX = "campaign-gateway:"
TIMEOUT_S = 0.2
# Redis ends a blocking command up to 0.1 s late, because it looks at its clock ten times a second when it is idle.
WAIT_S = 0.1
WAIT_TIMEOUT_S = 0.3
# Far more than a process has threads: connections are made as they are needed, and running out of them is an error.
MAX_CONNECTIONS = 1024

# Both in one step, because a value that is replaced in between would get the age of the other one. A transaction
# would do as well but for a full Redis, which refuses even to queue reads.
_LOOK = """
local value = redis.call('GET', KEYS[1])
if not value then return false end
return {value, redis.call('PTTL', KEYS[1])}
"""


class BytesSerializer:
    """Bytes as they are, for cachelib, whose own serializers load pickles."""

    def dumps(self, value: bytes) -> bytes:
        """Return `value`."""
        return value

    def loads(self, value: bytes | None) -> bytes | None:
        """Return `value`."""
        return value


class RedisBackend(RedisCache):
    """Flask-Caching's Redis backend with our serializer and time limits, and with what leases need besides.

    `client` is for commands that answer at once, `waiting` for those that block for up to `WAIT_S`. Both raise
    what `guard.TROUBLE` lists.
    """

    serializer = BytesSerializer()  # type: ignore[assignment] # -- cachelib's base class would bring pickle along

    def __init__(self, url: Secret, default_timeout: int = 300) -> None:
        self.client = redis.Redis(connection_pool=_pool(url, TIMEOUT_S))
        self.waiting = redis.Redis(connection_pool=_pool(url, WAIT_TIMEOUT_S))
        super().__init__(self.client, default_timeout=default_timeout, key_prefix=KEY_PREFIX)
        self._look = self.script(_LOOK)

    @classmethod
    def factory(cls, app: Any, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> "RedisBackend":
        """Make the backend as Flask-Caching asks for it, from `CACHE_REDIS_URL`, which is a Secret."""
        return cls(config["CACHE_REDIS_URL"], kwargs["default_timeout"])

    def script(self, text: str) -> Script:
        """Return a Lua script to be called with keys and arguments; Redis learns it when it does not know it yet."""
        return self.client.register_script(text)

    def look(self, key: str) -> tuple[bytes, int] | None:
        """Return the value under `key` and the milliseconds that are left to it (-1 for no end).

        A value of another type than string comes back as no bytes without end.
        """
        try:
            found: tuple[bytes, int] | None = self._look(keys=[KEY_PREFIX + key])
        except redis.ResponseError as error:
            if "WRONGTYPE" in str(error):
                return b"", -1
            raise
        if found is None:
            return None
        value, left_ms = found
        if not isinstance(value, bytes) or not isinstance(left_ms, int):
            raise TypeError("the answer is not one of Redis")
        return value, left_ms

    def close(self) -> None:
        """Close all connections."""
        self.client.connection_pool.disconnect()
        self.waiting.connection_pool.disconnect()


def redis_backend(app: Any, url: Secret) -> RedisBackend:
    """Return the backend for the Redis at `url` (redis, rediss or unix), made by Flask-Caching for the Flask `app`.

    Nothing is connected yet. Raises ValueError, without the URL in it, when `url` cannot be used.
    """
    config = {"CACHE_TYPE": f"{__name__}.RedisBackend", "CACHE_REDIS_URL": url}
    cache = Cache(app, with_jinja2_ext=False, config=config)
    backend: RedisBackend = app.extensions["cache"][cache]
    return backend


def _pool(url: Secret, timeout_s: float) -> ConnectionPool:
    """Return a pool of connections. What the URL says of timeouts, retries and decoding does not count."""
    pool = _pool_if_usable(url, timeout_s)
    if pool is None:
        # Raised here, because cause and variables of where it failed show parts of the URL, and so of the password.
        raise ValueError(
            "cache.shared_url is no URL of a Redis: write redis://host:port/0, rediss://host:port/0 or "
            "unix:///path/to/socket, with a percent-encoded password if any (redis://:password@host:port/0)."
        )
    return pool


def _pool_if_usable(url: Secret, timeout_s: float) -> ConnectionPool | None:
    try:
        options = {
            **parse_url(url.reveal()),  # type: ignore[no-untyped-call] # -- redis-py has no types here
            "socket_timeout": timeout_s,
            "socket_connect_timeout": TIMEOUT_S,
            "retry": Retry(NoBackoff(), 0),
            "retry_on_timeout": False,
            "decode_responses": False,
            "max_connections": MAX_CONNECTIONS,
            # Each of these saves a round trip when a connection is made.
            "protocol": 2,
            "driver_info": None,
        }
        pool = FollowingPool(**{**options, "connection_class": named(options.get("connection_class"))})
        # An option that redis-py does not know shows only when a connection is made; this one is never connected.
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, redis.RedisError):
        return None
    return pool
