"""A Flask-Caching backend that keeps bytes in Redis: bytes in, bytes out, no pickle, and never a long wait.

Flask-Caching's own RedisCache, RedisSentinelCache and RedisClusterCache unpickle values, connect while an app is made,
and keep redis-py's patience; the one for Sentinels reads from replicas, which are behind. So this is the first of them
with a serializer and a client of ours, whatever is behind `cache.shared_url`.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import redis
from flask_caching import Cache
from flask_caching.backends.rediscache import RedisCache

from gateway.shared_store.address import KEY_PREFIX, TIMEOUT_S, StoreAddress
from gateway.shared_store.client import Client
from gateway.shared_store.clients import client_of
from gateway.shared_store.faults import Fault, fault_of

__all__ = ["KEY_PREFIX", "TIMEOUT_S", "WAIT_S", "RedisBackend", "Script", "redis_backend"]

# Redis ends a blocking command up to 0.1 s late, because it looks at its clock ten times a second when it is idle.
WAIT_S: Final = 0.1

INSTEAD_CLUSTER: Final = (
    "cache.shared_url points to a node of a cluster: write redis+cluster://host:port,host:port "
    "(rediss+cluster:// with TLS)"
)
INSTEAD_SENTINEL: Final = (
    "cache.shared_url points to a Sentinel: write redis+sentinel://host:26379,host:26379/mymaster/0, with the name "
    "that the Sentinels give the master"
)
INSTEAD_PLAIN: Final = "cache.shared_url points to a Redis that is no cluster: write redis://host:port/0"
INSTEAD_NO_SENTINEL: Final = (
    "cache.shared_url points to a Redis that is no Sentinel: write redis://host:port/0, or name the Sentinels, whose "
    "own port is 26379"
)

INSTEAD_PROXY: Final = (
    "cache.shared_url points to a proxy that spreads keys without heeding what stands in braces: have it do so "
    '(Envoy: enable_hashtagging: true; twemproxy: hash_tag: "{}")'
)

# Both in one step, because a value that is replaced in between would get the age of the other one. A transaction
# would do as well but for a full Redis, which refuses even to queue reads.
_LOOK: Final = """
local value = redis.call('GET', KEYS[1])
if not value then return false end
return {value, redis.call('PTTL', KEYS[1])}
"""

# All on the node that has the first key, wherever they would be looked for.
_MARK: Final = """
for i = 2, #KEYS do redis.call('SET', KEYS[i], '', 'PX', ARGV[1]) end
"""
MARKS: Final = 12
"""Of so many keys of one tag, hardly ever all are on one node by chance."""
MARK_MS: Final = 10_000


class BytesSerializer:
    """Bytes as they are, for cachelib, whose own serializers load pickles."""

    def dumps(self, value: bytes) -> bytes:
        """Return `value`."""
        return value

    def loads(self, value: bytes | None) -> bytes | None:
        """Return `value`."""
        return value


class Script:
    """A Lua script. A node that does not know it is sent it with the call.

    redis-py's own has it loaded first, into all nodes of a cluster, so that one that is lost would keep all others from
    knowing it; and a user of Redis would need one more permission.
    """

    def __init__(self, client: Client, text: str | bytes) -> None:
        self._client = client
        self._text = text
        encoded = text.encode() if isinstance(text, str) else text
        self._sha = hashlib.sha1(encoded, usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
        """Return what it returns. In a cluster one node must have all `keys`. Raises what redis-py raises."""

        def ask(node: Any) -> Any:
            try:
                return node.evalsha(self._sha, len(keys), *keys, *args)
            except redis.exceptions.NoScriptError:
                return node.eval(self._text, len(keys), *keys, *args)

        return self._client.ask_node_of(keys[0], ask)


class RedisBackend(RedisCache):
    """Flask-Caching's Redis backend with our serializer and time limits, and with what leases need besides.

    `client` is for commands that answer at once, `waiting` for those that block for up to `WAIT_S`. Both raise
    what `faults.TROUBLE` lists. Names of keys begin with `prefix`; those with `tag` are on one node of a cluster.
    """

    serializer = BytesSerializer()  # type: ignore[assignment] # -- cachelib's base class would bring pickle along

    def __init__(self, address: StoreAddress, default_timeout: int = 300) -> None:
        self.prefix: Final = address.prefix
        self.namespace: Final = address.namespace
        self.tag: Final = f"{{{self.namespace}}}"
        self.client = client_of(address)
        self.waiting = client_of(address, WAIT_S)
        super().__init__(self.client, default_timeout=default_timeout, key_prefix=self.prefix)
        self.when_left: Final[list[Callable[[], None]]] = []
        """Are called whenever connections were given up; they must be quick."""
        self.closed: Final = threading.Event()
        self._look = self.script(_LOOK)
        names = (f"{self.prefix}nothing:{tag}" for tag in (self.tag, "{}", "{0}"))
        self._nothing = [next(names)] if self.client.is_cluster else list(names)
        self._mark = self.script(_MARK)
        self._heeds_tags = self.client.is_cluster

    @classmethod
    def factory(cls, app: Any, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> "RedisBackend":
        """Make the backend as Flask-Caching asks for it, from `CACHE_ADDRESS`, which is a StoreAddress."""
        return cls(config["CACHE_ADDRESS"], kwargs["default_timeout"])

    def script(self, text: str | bytes) -> Script:
        """Return a Lua script to be called with keys and arguments."""
        return Script(self.client, text)

    def look(self, key: str) -> tuple[bytes, int] | None:
        """Return the value under `key` and the milliseconds that are left to it (-1 for no end).

        A value of another type than string comes back as no bytes without end.
        """
        try:
            found: tuple[bytes, int] | None = self._look(keys=[self.prefix + key])
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

    def delete(self, key: str) -> bool:
        """Remove what is under `key`; tell whether there was something."""
        name = self.prefix + key
        return bool(self.client.ask_node_of(name, lambda node: node.delete(name)))

    def instead(self) -> Fault | None:
        """Return what is behind the address if that is no Redis of the kind that it says, or `None`.

        Of a replica it raises what that says of itself: reads alone would never tell. It asks for two keys at once that
        no cluster has together, which only a node of one refuses.
        """
        try:
            self.client.ask_node_of(self._nothing[0], lambda node: node.delete(*self._nothing))
        except redis.ResponseError as error:
            kind = fault_of(error).kind
            if kind == "cluster" and len(self._nothing) > 1:
                return Fault("cluster", INSTEAD_CLUSTER)
            if kind == "command" and "SENTINEL" in str(error):
                return Fault("role", INSTEAD_NO_SENTINEL)
            if kind == "command" and self._is_sentinel():
                return Fault("role", INSTEAD_SENTINEL)
            raise
        except redis.exceptions.RedisClusterException as error:
            if "Cluster mode is not enabled" in str(error):
                return Fault("cluster", INSTEAD_PLAIN)
            raise
        # One that is full, or refuses the user something, says so elsewhere.
        with suppress(redis.ResponseError):
            self._heeds_tags = self._heeds_tags or self._finds_marks()
            return None if self._heeds_tags else Fault("cluster", INSTEAD_PROXY)
        return None

    def _finds_marks(self) -> bool:
        """Tell whether keys of one tag are together, which is found out once: scripts rely on it."""
        # Of its own name, for other processes remove theirs.
        name = f"{self.prefix}mark:{uuid4().hex}"
        marks = [f"{name}:{number}:{self.tag}" for number in range(MARKS)]
        self._mark(marks, [MARK_MS])
        found = [self.client.get(mark) for mark in marks[1:]]
        self.client.delete(*marks)
        return None not in found

    def _is_sentinel(self) -> bool:
        try:
            role: Any = self.client.execute_command("ROLE")
        except redis.RedisError:
            return False
        return isinstance(role, list) and role[:1] == [b"sentinel"]

    def follow(self) -> None:
        """Find out whether Sentinels name another master than before; raises what redis-py raises."""
        before = self.client.left_at
        try:
            self.client.follow()
            self.waiting.follow()
        finally:
            if self.client.left_at != before:
                self._tell_of_leaving()

    def leave(self) -> None:
        """Give up all connections, because they may be to a node that was left."""
        self.client.leave()
        self.waiting.leave()
        self._tell_of_leaving()

    def _tell_of_leaving(self) -> None:
        for tell in tuple(self.when_left):
            tell()

    def close(self) -> None:
        """Close all connections."""
        self.closed.set()
        self.client.close()
        self.waiting.close()


def redis_backend(app: Any, address: StoreAddress) -> RedisBackend:
    """Return the backend for the Redis at `address`, made by Flask-Caching for the Flask `app`.

    Nothing is connected yet. Raises ValueError, without the URL in it, when its URL cannot be used.
    """
    config = {"CACHE_TYPE": f"{__name__}.RedisBackend", "CACHE_ADDRESS": address}
    cache = Cache(app, with_jinja2_ext=False, config=config)
    backend: RedisBackend = app.extensions["cache"][cache]
    return backend
