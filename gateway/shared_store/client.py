"""redis-py's client for one address as the rest of the gateway sees it: whoever asks waits for one node, and once.

Nobody waits for a cluster's nodes to be asked one after the other who has what, nor for Sentinels that hang: what takes
several of them is done by a thread of its own.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Final, TypeVar, cast

import redis
from redis.cluster import ClusterNode
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    RedisClusterException,
    SlotNotCoveredError,
    TryAgainError,
)

from gateway.settings.shared_url import Kind, SharedUrl
from gateway.shared_store.address import TIMEOUT_S
from gateway.shared_store.single_flight import SingleFlight

T = TypeVar("T")

PAUSE_S: Final = 0.01
MAP_S: Final = 0.2
"""A cluster is asked who has what no more often than this, for it takes a hundredth of a second of the processor."""
TROUBLED_S: Final = 20.0
"""So long after trouble a cluster is asked again and again, for a replica takes over seconds after that."""


class Client:
    """redis-py's client for one address and one time limit, made when it is first needed.

    That of a cluster connects as it is made, so that making it may raise what `guard.TROUBLE` lists. All that is asked
    of this object, but for the methods below, it asks of that client.
    """

    def __init__(self, url: SharedUrl, make: Callable[[], Any], timeout_s: float = TIMEOUT_S) -> None:
        self._kind = url.kind
        self._made: Any = None if url.kind is Kind.CLUSTER else make()
        self._make = make
        self._timeout_s = timeout_s
        self._making = SingleFlight(self._make_now, "redis-cluster")
        self._mapping = SingleFlight(self._map_now, "redis-cluster")
        self._mapped_at = float("-inf")
        self._followed: Any = None
        self._closed = threading.Event()
        self._failed = ""
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
        if self._kind is Kind.SENTINEL:
            return self._master()
        made = self._made
        if made is None or self._kind is not Kind.CLUSTER:
            return ""
        nodes = made.nodes_manager.slots_cache.get(key_slot(key.encode()))
        return nodes[0].name if nodes else "nobody"

    def nodes(self) -> frozenset[str]:
        """Return the names that `node_of` may return now."""
        if self._kind is Kind.SENTINEL:
            return frozenset({self._master()})
        made = self._made
        if made is None or self._kind is not Kind.CLUSTER:
            return frozenset({""})
        return frozenset({"", "nobody", *(nodes[0].name for nodes in tuple(made.nodes_manager.slots_cache.values()))})

    def connect(self) -> None:
        """Connect to a cluster, however long its nodes take; raises what redis-py raises."""
        if self._made is None:
            self._making.result(None)

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
        """Return what `ask` returns of a client for the node that has `key`.

        Where a node of a cluster says that the key is elsewhere, that one is asked, for the time limit and one answer
        more. redis-py's client of a cluster would be told so 16 times, pause, and ask all nodes in turn who has what;
        and a command takes it twice as long.
        """
        client = self._client()
        if self._kind is not Kind.CLUSTER:
            return ask(client)
        slot, until = key_slot(key.encode()), time.monotonic() + self._timeout_s
        while True:
            nodes = client.nodes_manager.slots_cache.get(slot)
            if not nodes:
                self._map()
                raise SlotNotCoveredError(f"no node has slot {slot}")
            try:
                return self._ask(client, nodes[0], ask)
            except MovedError as error:
                client.nodes_manager.move_slot(error)
                # Where one slot has moved, others have.
                self._map()
                if time.monotonic() > until:
                    raise
            except TryAgainError:
                # Of the keys of a script, some have moved already: they all soon will have.
                if time.monotonic() > until:
                    raise
                self._closed.wait(PAUSE_S)
            except (redis.ConnectionError, redis.TimeoutError, ClusterDownError):
                self._map(nodes[0].name)
                raise

    def _ask(self, client: Any, node: ClusterNode, ask: Callable[[Any], T]) -> T:
        """Return what `ask` returns of a node, or of the one that it is just handing the slot over to."""
        try:
            return ask(client.get_redis_connection(node))
        except MovedError:
            # Which is an AskError to redis-py.
            raise
        except AskError as error:
            target = client.get_node(host=error.host, port=error.port) or ClusterNode(error.host, error.port)  # type: ignore[no-untyped-call] # -- redis-py has no types here
            importing = _Asking(connection_pool=client.get_redis_connection(target).connection_pool)
            try:
                return ask(importing)
            finally:
                importing.close()

    def together(self, keys: Iterable[str]) -> list[list[str]]:
        """Return `keys` in groups, each of which one command may name."""
        if self._kind is not Kind.CLUSTER:
            return [list(keys)]
        ordered = sorted(keys, key=lambda key: key_slot(key.encode()))
        return [list(group) for _, group in groupby(ordered, lambda key: key_slot(key.encode()))]

    def follow(self) -> None:
        """Find out who is the master, or who has what, where that may change; raises what redis-py raises.

        Sentinels are asked, and all connections given up if they name another master: after a failover that was
        planned the old one takes ten seconds to hear of it, and loses what it is told then. A cluster is asked only
        where it was in trouble.
        """
        if self._kind is Kind.SENTINEL:
            # Not what the pool has: a connection that was made meanwhile has told it of another one already, while
            # others are to the old one still.
            before, self._followed = self._followed, self._made.connection_pool.get_master_address()
            if before not in (None, self._followed):
                self._leave_now()
        elif self._kind is Kind.CLUSTER and time.monotonic() - self.left_at < TROUBLED_S:
            self._map()

    def leave(self) -> None:
        """Give up all connections, because each may be one to a node that was left; a cluster is asked who has what."""
        self._leave_now()
        if self._kind is Kind.CLUSTER and self._made is not None:
            self._map()

    def _leave_now(self) -> None:
        self.left_at = time.monotonic()
        if self._kind is not Kind.CLUSTER:
            self._made.connection_pool.leave()

    def close(self) -> None:
        """Close all connections."""
        self._closed.set()
        made = self._made
        if made is None:
            return
        if self._kind is Kind.CLUSTER:
            made.disconnect_connection_pools()
        else:
            made.connection_pool.disconnect()

    def _client(self) -> Any:
        made = self._made
        # Twice as long, for it takes several nodes.
        return self._making.result(2 * self._timeout_s) if made is None else made

    def _make_now(self) -> Any:
        made = self._made = self._made or self._make()
        return made

    def _map(self, failed: str = "") -> None:
        """Have it found out who has what, unless that was just done; nobody waits for it."""
        if failed:
            self._failed = failed
        if time.monotonic() - self._mapped_at >= MAP_S:
            self._mapping.begin()

    def _map_now(self) -> None:
        made, failed, self._failed = self._made, self._failed, ""
        self._mapped_at = time.monotonic()
        if made is None:
            return
        try:
            if failed:
                made.nodes_manager.move_node_to_end_of_cached_nodes(failed)
            made.nodes_manager.initialize(last_failed_node_name=failed or None)
        except RedisClusterException:
            # None of the nodes that it knew answers: those in the URL may lead to others.
            self._made = None

    def _master(self) -> str:
        host, port = self._made.connection_pool.master_address or ("", "")
        return f"{host}:{port}" if host else ""


class _Asking(redis.Redis):
    """A client for a node that does not have the slot yet: it is told before each command that this is known."""

    def __init__(self, connection_pool: Any) -> None:
        super().__init__(connection_pool=connection_pool, single_connection_client=True)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        execute: Any = super().execute_command  # redis-py has no types here
        execute("ASKING")
        return execute(*args, **options)
