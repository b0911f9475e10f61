"""A caller waits for the node that has its key, and for no other: who has what is found out by a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace

import pytest
import redis
from redis.exceptions import SlotNotCoveredError

from gateway.settings.model import Secret
from gateway.settings.shared_url import Kind, SharedUrl
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.client import Client
from gateway.shared_store.clients import client_of
from tests.support.redis_cluster import RedisCluster, redis_cluster
from tests.support.redis_engines import REDIS_7, engine
from tests.support.redis_sentinels import SERVICE
from tests.support.redis_server import RedisServer, redis_server
from tests.support.waiting import wait_until

KEY = "page:{1}"
BOTH = "return redis.call('MGET', KEYS[1], KEYS[2])"


def asking(name: str) -> bool:
    """Tell whether nodes are being asked in the background."""
    return any(thread.name == name for thread in threading.enumerate())


@pytest.fixture(scope="module")
def _cluster() -> Iterator[RedisCluster]:
    with redis_cluster(engine(REDIS_7), ("--cluster-require-full-coverage", "no"), replicas=False) as cluster:
        yield cluster


@pytest.fixture
def cluster(_cluster: RedisCluster) -> RedisCluster:
    """Return a cluster that is well and empty."""
    _cluster.wait_until_well()
    _cluster.empty()
    return _cluster


def test_all_nodes_of_a_cluster_hang(cluster: RedisCluster) -> None:
    """It is told so by the time limit of one of them, while the others are still asked who has what."""
    with closing(client_of(StoreAddress(cluster.url))) as client:
        client.ask_node_of(KEY, lambda node: node.set(KEY, "x"))
        for node in cluster.nodes:
            node.pause()
        try:
            with pytest.raises(redis.TimeoutError):
                client.ask_node_of(KEY, lambda node: node.get(KEY))
            assert asking("redis-cluster")
            wait_until(lambda: not asking("redis-cluster"))
            # Of those that it knew, none has answered.
            with pytest.raises(redis.TimeoutError):
                client.ask_node_of(KEY, lambda node: node.get(KEY))
            assert asking("redis-cluster")
        finally:
            for node in cluster.nodes:
                node.resume()
        wait_until(lambda: answers(client_of(StoreAddress(cluster.url))))


def answers(client: object) -> bool:
    """Tell whether a client gets an answer."""
    try:
        return bool(client.ask_node_of(KEY, lambda node: node.get(KEY)))  # type: ignore[attr-defined] # -- a Client
    except (redis.RedisError, redis.exceptions.RedisClusterException):
        return False


def test_a_slot_that_is_half_moved(cluster: RedisCluster) -> None:
    """A new key is asked for where it goes to, and keys that belong together soon are together again."""
    source = cluster.master_of(KEY)
    target = next(node for node in cluster.nodes if node is not source)
    other = "lease:{1}"
    with closing(client_of(StoreAddress(cluster.url))) as client:
        client.ask_node_of(KEY, lambda node: node.set(KEY, "x"))
        with cluster.moving(KEY, target):
            # Not yet there, so that it is made where the slot goes to.
            assert client.ask_node_of(other, lambda node: node.set(other, "y"))
            assert client.ask_node_of(other, lambda node: node.get(other)) == b"y"
            finish = threading.Thread(target=lambda: cluster.move_keys(KEY, source, target))
            finish.start()
            found = client.ask_node_of(KEY, lambda node: node.eval(BOTH, 2, KEY, other))
            finish.join()
            assert found == [b"x", b"y"]
        assert client.ask_node_of(KEY, lambda node: node.get(KEY)) == b"x"
        assert client.node_of(KEY) == f"127.0.0.1:{target.port}"


def test_keys_that_never_come_together_are_given_up(cluster: RedisCluster) -> None:
    """Where the move of a slot has stopped halfway."""
    source = cluster.master_of(KEY)
    target = next(node for node in cluster.nodes if node is not source)
    other = "lease:{1}"
    with closing(client_of(StoreAddress(cluster.url))) as client:
        client.ask_node_of(KEY, lambda node: node.set(KEY, "x"))
        with cluster.moving(KEY, target):
            client.ask_node_of(other, lambda node: node.set(other, "y"))
            with pytest.raises(redis.exceptions.TryAgainError):
                client.ask_node_of(KEY, lambda node: node.eval(BOTH, 2, KEY, other))
            cluster.move_keys(KEY, source, target)


def test_a_slot_that_nobody_has(cluster: RedisCluster) -> None:
    """It is told at once, and found when somebody has it."""
    with closing(client_of(StoreAddress(cluster.url))) as client:
        client.connect()
        slots = client.nodes_manager.slots_cache
        known = dict(slots)
        slots.clear()
        with pytest.raises(SlotNotCoveredError):
            client.ask_node_of(KEY, lambda node: node.get(KEY))
        wait_until(lambda: set(client.nodes_manager.slots_cache) == set(known))
        assert client.ask_node_of(KEY, lambda node: node.get(KEY)) is None


def test_all_sentinels_hang() -> None:
    """The time limit of one of them is all that a caller waits for the name of the master."""
    sentinels: list[RedisServer] = []
    with redis_server() as one, redis_server() as two, redis_server() as three:
        sentinels = [one, two, three]
        for server in sentinels:
            server.pause()
        url = f"redis+sentinel://{','.join(f'127.0.0.1:{one.port}' for one in sentinels)}/{SERVICE}/0"
        with closing(client_of(StoreAddress(Secret(url)))) as client:
            with pytest.raises(redis.TimeoutError):
                client.ask_node_of(KEY, lambda node: node.get(KEY))
            assert asking("redis-sentinels")
            wait_until(lambda: not asking("redis-sentinels"))


class Pool:
    """Connections to the master that Sentinels name, as redis-py has them: each that is made tells them who that is."""

    def __init__(self, master: str) -> None:
        self.named = (master, 6379)
        self.master_address: tuple[str, int] | None = None
        self.left = 0

    def get_master_address(self) -> tuple[str, int]:
        """Ask who is the master, and keep it."""
        self.master_address = self.named
        return self.named

    def leave(self) -> None:
        """Give up all connections."""
        self.left += 1


def test_another_master_is_followed_that_a_new_connection_was_the_first_to_find() -> None:
    """Those that were made before are to the old one still, and what that was told the new one has to be told too."""
    pool = Pool("one")
    client = Client(SharedUrl(Kind.SENTINEL, Secret("redis://")), lambda: SimpleNamespace(connection_pool=pool))
    for _ in range(2):
        client.follow()
    pool.named = ("two", 6379)
    pool.get_master_address()
    assert pool.left == 0
    client.follow()
    assert (pool.left, client.left_at > float("-inf")) == (1, True)
    client.follow()
    assert pool.left == 1
