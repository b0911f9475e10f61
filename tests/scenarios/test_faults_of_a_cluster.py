"""Two processes and a cluster: whatever becomes of its nodes, callers have good answers, soon."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.support.redis_cluster import RedisCluster, redis_cluster
from tests.support.redis_engines import VALKEY_9, engine
from tests.support.redis_server import RedisServer, forget_scripts, kill_clients
from tests.support.sharing_gateways import Fault, SharingGateways, go_through, sharing_gateways
from tests.support.waiting import wait_until

LOST: Final = frozenset({"refused", "timeout", "cluster"})
MOVED_SLOTS: Final = 8
SHARED_PAGES: Final = 6


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    """Return a cluster of three masters, each with a replica."""
    with redis_cluster(engine(VALKEY_9), ("--cluster-require-full-coverage", "no")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def pair(cluster: RedisCluster) -> Iterator[SharingGateways]:
    """Return two gateways that share it."""
    with sharing_gateways(cluster.url, SHARED_PAGES) as pair:
        yield pair


def moves_a_master(cluster: RedisCluster, tag: str) -> Fault:
    """Have a replica take over as planned, on the node that has the call budget and all who listen."""
    before = cluster.master_of(tag)
    after = cluster.replica_of(before)

    def fail_over() -> None:
        cluster.ask(after, "CLUSTER", "FAILOVER")
        wait_until(lambda: cluster.master_of(tag) is after, 20)

    return Fault(fail_over)


def loses_a_master(cluster: RedisCluster, tag: str) -> Fault:
    """Have one crash, and return when its replica has taken over."""
    lost = cluster.master_of(tag)

    def come_back() -> None:
        wait_until(lambda: cluster.master_of(tag) is not lost, 20)
        lost.start()

    return Fault(lost.kill, come_back, LOST)


def has_a_master_that_hangs(cluster: RedisCluster, tag: str) -> Fault:
    """Have one answer nothing, and go on when its replica has taken over."""
    lost = cluster.master_of(tag)
    others = [node for node in cluster.nodes if node is not lost]

    def goes_on() -> None:
        wait_until(lambda: any(cluster.ask(node, "ROLE")[0] == b"master" and node in replicas for node in others), 20)
        lost.resume()

    replicas = [cluster.replica_of(lost)]
    return Fault(lost.pause, goes_on, LOST)


def is_down(cluster: RedisCluster, _: str) -> Fault:
    """Have two of three masters answer nothing, so that nobody can take over."""
    masters = [node for node in cluster.nodes if cluster.ask(node, "ROLE")[0] == b"master"]

    def hang() -> None:
        for node in masters[1:]:
            node.pause()
        wait_until(lambda: b"cluster_state:fail" in cluster.ask(masters[0], "CLUSTER", "INFO"), 20)

    def go_on() -> None:
        for node in masters[1:]:
            node.resume()

    return Fault(hang, go_on, LOST)


def moves_slots(cluster: RedisCluster, tag: str) -> Fault:
    """Have slots go from one master to another, that of the call budget among them, and all come back."""
    keys = [tag, *(f"{{{number}}}" for number in range(MOVED_SLOTS))]
    masters = [node for node in cluster.nodes if cluster.ask(node, "ROLE")[0] == b"master"]
    before = {key: cluster.master_of(key) for key in keys}

    def move() -> None:
        for key in keys:
            cluster.move(key, next(node for node in masters if node is not before[key]))

    def move_back() -> None:
        for key in keys:
            cluster.move(key, before[key])

    return Fault(move, move_back)


def loses_a_replica(cluster: RedisCluster, tag: str) -> Fault:
    """Have a replica crash; nobody notices."""
    replica = cluster.replica_of(cluster.master_of(tag))
    return Fault(replica.kill, replica.start)


def has_a_full_node(cluster: RedisCluster, tag: str) -> Fault:
    """Have the one that has the call budget take nothing more; it is still read."""
    full = cluster.master_of(tag)
    return Fault(full.fill, full.make_room, frozenset({"full"}))


def cuts_all_connections(cluster: RedisCluster, _: str) -> Fault:
    """Have all nodes close all connections, those of who listens too."""
    return Fault(lambda: each(cluster, kill_clients))


def knows_no_script(cluster: RedisCluster, _: str) -> Fault:
    """Have all nodes forget all scripts."""
    return Fault(lambda: each(cluster, forget_scripts))


def each(cluster: RedisCluster, do: Callable[[RedisServer], None]) -> None:
    """Do it to each node that runs."""
    for node in cluster.nodes:
        if node.running:
            do(node)


FAULTS: Final = (
    *(cuts_all_connections, knows_no_script, loses_a_replica, moves_slots, moves_a_master),
    *(has_a_full_node, loses_a_master, has_a_master_that_hangs, is_down),
)


@pytest.mark.parametrize("what", FAULTS, ids=lambda what: what.__name__)
def test_the_cluster(pair: SharingGateways, cluster: RedisCluster, what: Callable[[RedisCluster, str], Fault]) -> None:
    """Good answers all the time, and soon all is shared again."""
    cluster.wait_until_well()
    go_through(pair, what(cluster, pair.tag))
