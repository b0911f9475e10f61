"""redis-py's clients for the three kinds of address: one Redis, the master that Sentinels name, and a cluster.

All of them wait for a fifth of a second and try nothing twice. redis-py 8 has it otherwise in several places, and each
of them matters: `retry` of a connection, that of the Sentinels' connections, and that of the cluster's client, whose
ten attempts with pauses turn a fifth of a second into seconds.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from threading import Lock
from typing import Any, Final, TypeVar, cast

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisClusterException, TryAgainError
from redis.retry import Retry
from redis.sentinel import Sentinel

from gateway.settings.shared_url import Kind, SharedUrl, read_shared_url
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.connections import AskedSentinel, FollowingPool, FollowingSentinelPool, by_sentinels, named

T = TypeVar("T")

TIMEOUT_S: Final = 0.2
# Far more than a process has threads: connections are made as they are needed, and running out of them is an error.
MAX_CONNECTIONS: Final = 1024
_OF_REDIS_ALONE: Final = frozenset({"db", "username", "password", "client_name", "max_connections"})


class Client:
    """redis-py's client for one address and one time limit, made when it is first needed.

    That of a cluster connects as it is made, so that making it may raise what `guard.TROUBLE` lists. All that is asked
    of this object, but for the methods below, it asks of that client.
    """

    def __init__(self, url: SharedUrl, make: Callable[[], Any]) -> None:
        self._kind = url.kind
        self._make = make
        self._made: Any = None if url.kind is Kind.CLUSTER else make()
        self._lock = Lock()
        self.left_at = float("-inf")
        """When connections were given up last, by the monotonic clock."""

    @property
    def is_cluster(self) -> bool:
        """Whether the address is that of a cluster."""
        return self._kind is Kind.CLUSTER

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._client(), name)

    def node_of(self, key: str) -> str:
        """Return the name of the node that has `key`, as far as is known; empty where there is only one."""
        if self._made is None or self._kind is not Kind.CLUSTER:
            return ""
        nodes = self._made.nodes_manager.slots_cache.get(key_slot(key.encode()))
        return nodes[0].name if nodes else "nobody"

    def nodes(self) -> frozenset[str]:
        """Return the names that `node_of` may return now."""
        if self._made is None or self._kind is not Kind.CLUSTER:
            return frozenset({""})
        return frozenset(
            {"", "nobody", *(nodes[0].name for nodes in tuple(self._made.nodes_manager.slots_cache.values()))}
        )

    def primaries(self) -> "Sequence[redis.Redis]":
        """Return a client for each node that has keys of its own."""
        client = self._client()
        if self._kind is not Kind.CLUSTER:
            return [client]
        return [client.get_redis_connection(node) for node in client.get_primaries()]

    def on_node_of(self, key: str) -> "redis.Redis":
        """Return a client for the node that has `key`, for what is not about keys."""
        client = self._client()
        if self._kind is not Kind.CLUSTER:
            return cast(redis.Redis, client)
        return cast(redis.Redis, client.get_redis_connection(client.get_node_from_key(key)))

    def ask_node_of(self, key: str, ask: Callable[[Any], T]) -> T:
        """Return what `ask` returns of a client for the node that has `key`, or for the cluster where that has moved.

        A cluster's client takes twice as long for a command as that of one of its nodes, so that is asked first.
        """
        client = self._client()
        if self._kind is not Kind.CLUSTER:
            return ask(client)
        nodes = client.nodes_manager.slots_cache.get(key_slot(key.encode()))
        if not nodes:
            return ask(client)
        try:
            return ask(client.get_redis_connection(nodes[0]))
        except (MovedError, AskError, TryAgainError):
            return ask(client)
        except (redis.ConnectionError, redis.TimeoutError, ClusterDownError):
            # As the cluster's client does itself.
            client.nodes_manager.move_node_to_end_of_cached_nodes(nodes[0].name)
            client.nodes_manager.initialize(last_failed_node_name=nodes[0].name)
            raise

    def together(self, keys: Iterable[str]) -> list[list[str]]:
        """Return `keys` in groups, each of which one command may name."""
        if self._kind is not Kind.CLUSTER:
            return [list(keys)]
        ordered = sorted(keys, key=lambda key: key_slot(key.encode()))
        return [list(group) for _, group in groupby(ordered, lambda key: key_slot(key.encode()))]

    def follow(self) -> None:
        """Ask the Sentinels, where there are any, for the master, and give up all connections if it is another one.

        After a failover that was planned the old one takes ten seconds to hear of it, and loses what it is told then.
        """
        if self._kind is not Kind.SENTINEL:
            return
        pool = self._made.connection_pool
        before = pool.master_address
        if pool.get_master_address() != before and before is not None:
            self._leave_now()

    def leave(self, error: Exception) -> None:
        """Give up all connections, because after `error` each may be one to a node that was left.

        A cluster's client asks by itself who has what; where none of the nodes that it knew answers it is made anew, of
        those in the URL.
        """
        self._leave_now()
        if self._kind is Kind.CLUSTER and isinstance(error, RedisClusterException):
            with self._lock:
                self._made = None

    def _leave_now(self) -> None:
        self.left_at = time.monotonic()
        if self._kind is not Kind.CLUSTER:
            self._made.connection_pool.leave()

    def close(self) -> None:
        """Close all connections."""
        if self._made is None:
            return
        if self._kind is Kind.CLUSTER:
            self._made.disconnect_connection_pools()
        else:
            self._made.connection_pool.disconnect()

    def _client(self) -> Any:
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = self._make()
        return self._made


def client_of(address: StoreAddress, timeout_s: float = TIMEOUT_S) -> Client:
    """Return a client that waits for at most `timeout_s`. Nothing is connected yet.

    What the URL says of timeouts, retries and decoding does not count. Raises ValueError, without the URL in it, when
    it cannot be used.
    """
    client = _client_if_usable(address, timeout_s)
    if isinstance(client, str):
        # Raised here, because cause and variables of where it failed show parts of the URL, and so of the password.
        raise ValueError(f"cache.shared_url is no URL of a Redis: {client}.")  # noqa: TRY004 -- what is wrong, in words
    return client


def _client_if_usable(address: StoreAddress, timeout_s: float) -> Client | str:
    try:
        url = read_shared_url(address.url.reveal())
    except ValueError as fault:
        return str(fault)
    try:
        options = _options(url, address, timeout_s)
        pool = FollowingPool(**options)
        # An option that redis-py does not know shows only when a connection is made; this one is never connected.
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, redis.RedisError):
        return "behind `?` it has an option that redis-py does not know, or a value that it does not take"
    makers: dict[Kind, Callable[[], Any]] = {
        Kind.PLAIN: lambda: redis.Redis(connection_pool=pool),
        Kind.SENTINEL: lambda: _of_sentinels(url, options, address),
        Kind.CLUSTER: lambda: _of_cluster(url, options),
    }
    return Client(url, makers[url.kind])


def _options(url: SharedUrl, address: StoreAddress, timeout_s: float) -> dict[str, Any]:
    options: dict[str, Any] = {
        **parse_url(url.options.reveal()),  # type: ignore[no-untyped-call] # -- redis-py has no types here
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
    if url.tls:
        files = {"ssl_ca_certs": address.ca_file, "ssl_certfile": address.cert_file, "ssl_keyfile": address.key_file}
        options.update({name: path for name, path in files.items() if path})
    options["connection_class"] = named(options.get("connection_class"))
    return options


def _of_sentinels(url: SharedUrl, options: Mapping[str, Any], address: StoreAddress) -> "redis.Redis":
    to_sentinels = {name: value for name, value in options.items() if name not in _OF_REDIS_ALONE}
    password = address.sentinel_password.reveal() or None
    manager = Sentinel([])  # type: ignore[no-untyped-call] # -- redis-py has no types here
    # Its own would look names up for as long as the system does.
    manager.sentinels = [
        AskedSentinel(
            connection_pool=FollowingPool(**{**to_sentinels, "host": host, "port": port, "password": password})
        )
        for host, port in url.nodes
    ]
    to_master = {name: value for name, value in options.items() if name not in {"host", "port"}}
    to_master["connection_class"] = by_sentinels(options["connection_class"])
    pool = FollowingSentinelPool(url.service, manager, **to_master)  # type: ignore[no-untyped-call] # -- the same
    return redis.Redis(connection_pool=pool)


def _of_cluster(url: SharedUrl, options: Mapping[str, Any]) -> "redis.RedisCluster":
    (host, port), *others = url.nodes
    first = f"redis://[{host}]:{port}" if ":" in host else f"redis://{host}:{port}"
    to_nodes = {name: value for name, value in options.items() if name not in {"host", "port", "db", "retry"}}
    return RedisCluster(
        url=first,
        startup_nodes=[ClusterNode(*node) for node in others],  # type: ignore[no-untyped-call] # -- the same
        retry=options["retry"],
        # A node that is lost without a replica takes its own keys away, no others.
        require_full_coverage=False,
        connection_pool_class=FollowingPool,
        **to_nodes,
    )
