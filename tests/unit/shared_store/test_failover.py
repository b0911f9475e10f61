"""Another node becomes the master, planned or not: found within seconds, and no purge that was heard of is undone."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import pytest

from gateway.model import CampaignQuery
from gateway.pages.key import page_key
from gateway.pages.redis_tier import RedisTier
from gateway.pages.shared import Landing
from gateway.settings.model import Secret
from gateway.shared_store.address import KEY_PREFIX
from tests.support.moving_proxy import MovingProxy
from tests.support.redis_cluster import RedisCluster, redis_cluster
from tests.support.redis_engines import REDIS_6, REDIS_7, engine
from tests.support.redis_sentinels import Sentinels, redis_sentinels
from tests.support.redis_server import RedisServer, redis_server
from tests.support.shared_tier import NAMESPACE, Faults, Hearing, shared_tier
from tests.support.waiting import wait_until

T = TypeVar("T")
PAGES = [page_key(CampaignQuery(vdn=1, page=number), "test", NAMESPACE) for number in range(1, 13)]
WORST_S = 3.0
"""Far more than an operation takes, and half of what redis-py's own attempts and pauses would make of it."""
WELL_WITHIN_S = 20.0


class Process:
    """One process' tier, and the longest that any operation of it has taken."""

    def __init__(self, tier: RedisTier) -> None:
        self.tier = tier
        self.heard = Hearing()
        self.slowest_s = 0.0
        self._number = 0
        tier.subscribe(self.heard)

    def timed(self, work: Callable[[], T]) -> T:
        """Return what `work` does."""
        began = time.monotonic()
        result = work()
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        return result

    def stores(self, key: str = "") -> bool:
        """Lead and land as callers do; tell whether the page is there for all."""
        self._number += 1
        key = key or PAGES[self._number % len(PAGES)]
        lease = self.timed(lambda: self.tier.try_lead(key))
        if lease is None:
            return False
        self.timed(lambda: self.tier.announce(lease))
        return self.timed(lambda: self.tier.land(lease, b"entry", 60, 0)) is Landing.DONE

    def finds(self, key: str) -> bool:
        """Tell whether the page is there."""
        return self.timed(lambda: self.tier.get(key)) is not None


@pytest.fixture
def make_process() -> Iterator[Callable[[Secret], Process]]:
    """Return a function that makes a process; all of them are seen never to have waited for long."""
    with ExitStack() as stack:
        made: list[Process] = []

        def make(url: Secret) -> Process:
            made.append(Process(stack.enter_context(shared_tier(url, Faults()))))
            return made[-1]

        yield make
        assert all(process.slowest_s < WORST_S for process in made)


def wait_until_shared(one: Process, two: Process, pages: "list[str]") -> None:
    """Return when what one process stores the other finds, for each of `pages`, and both are well."""
    for key in pages:
        wait_until(lambda key=key: one.stores(key) and two.finds(key), WELL_WITHIN_S)  # type: ignore[misc] # -- a default binds it
    wait_until(lambda: one.tier.state() == two.tier.state() == "ok", WELL_WITHIN_S)


def wait_until_heard(one: Process, two: Process) -> None:
    """Return when a purge of one process is heard by the other."""
    wait_until(lambda: _purged(one), WELL_WITHIN_S)
    before = len(two.heard.purges)
    one.tier.purge(1, hard=False)
    wait_until(lambda: len(two.heard.purges) > before, WELL_WITHIN_S)


def _purged(process: Process) -> bool:
    try:
        process.tier.purge(1, hard=False)
    except Exception:  # noqa: BLE001 -- in trouble it says so, and is asked again
        return False
    return True


@pytest.fixture(scope="module")
def _sentinels() -> Iterator[Sentinels]:
    with redis_sentinels(engine(REDIS_7)) as sentinels:
        yield sentinels


@pytest.fixture
def sentinels(_sentinels: Sentinels) -> Sentinels:
    """Return a master with its replicas and Sentinels, all of them well."""
    for server in _sentinels.servers:
        if not server.running:
            server.start()
    wait_until(_sentinels.ready, WELL_WITHIN_S)
    return _sentinels


def test_sentinels_move_the_master(sentinels: Sentinels, make_process: Callable[[Secret], Process]) -> None:
    """As for planned work: the old one answers reads all the time, and would be kept for ever."""
    one, two = make_process(sentinels.url), make_process(sentinels.url)
    wait_until_shared(one, two, PAGES[:1])
    sentinels.fail_over()
    wait_until_shared(one, two, PAGES[:1])
    wait_until_heard(one, two)
    assert listening_to(sentinels.master()) == 2


def listening_to(server: RedisServer) -> int:
    """Return how many processes hear of landings from this server, once there are any."""
    channel = f"{KEY_PREFIX}landing:{{{NAMESPACE}}}"
    with server.client() as client:
        wait_until(lambda: client.pubsub_numsub(channel)[0][1] == 2, WELL_WITHIN_S)
        return int(client.pubsub_numsub(channel)[0][1])


def test_the_master_of_sentinels_hangs_and_comes_back(
    sentinels: Sentinels, make_process: Callable[[Secret], Process]
) -> None:
    """Another takes over while it is stopped; for a moment there are two, and a purge that was heard is not undone."""
    one, two = make_process(sentinels.url), make_process(sentinels.url)
    wait_until_shared(one, two, PAGES[:1])
    one.tier.purge(1, hard=True)
    wait_until(lambda: two.heard.purges)
    master = sentinels.master()
    master.pause()
    try:
        wait_until(lambda: sentinels.master() is not master, WELL_WITHIN_S)
        wait_until_shared(one, two, PAGES[:1])
    finally:
        master.resume()
    wait_until_shared(one, two, PAGES[:1])
    epoch = f"{KEY_PREFIX}epoch:{{{NAMESPACE}}}"
    with sentinels.master().client() as client:
        wait_until(lambda: client.exists(epoch), WELL_WITHIN_S)


def test_a_name_moves_to_the_replica(make_process: Callable[[Secret], Process]) -> None:
    """A plain URL behind a name, a Service or a proxy: connections to the demoted one are given up by themselves."""
    with redis_server() as before, redis_server() as after, MovingProxy(before.port) as proxy:
        one, two = make_process(proxy.url), make_process(proxy.url)
        wait_until_shared(one, two, PAGES[:1])
        proxy.port = after.port
        with before.client() as client:
            client.execute_command("REPLICAOF", "127.0.0.1", after.port)
        wait_until_shared(one, two, PAGES[:1])
        wait_until_heard(one, two)
        assert listening_to(after) == 2


def test_idle_connections_are_cut(sentinels: Sentinels, make_process: Callable[[Secret], Process]) -> None:
    """A proxy that does so, and Redis itself on CLIENT KILL: each is made anew, and what is heard goes on."""
    with MovingProxy(sentinels.master().port) as proxy:
        one, two = make_process(proxy.url), make_process(proxy.url)
        for cut in (proxy.cut, lambda: kill_clients(sentinels.master()), lambda: forget_scripts(sentinels.master())):
            wait_until_shared(one, two, PAGES[:1])
            cut()
            wait_until_heard(one, two)


def kill_clients(server: RedisServer) -> None:
    """Close the connections of all who talk and listen to it."""
    with server.client() as client:
        for kind in ("normal", "pubsub"):
            client.execute_command("CLIENT", "KILL", "TYPE", kind)


def forget_scripts(server: RedisServer) -> None:
    """Have it know no script any more."""
    with server.client() as client:
        client.script_flush()


@pytest.fixture(scope="module")
def _cluster() -> Iterator[RedisCluster]:
    with redis_cluster(engine(REDIS_6), ("--cluster-require-full-coverage", "no")) as cluster:
        yield cluster


@pytest.fixture
def cluster(_cluster: RedisCluster) -> RedisCluster:
    """Return a cluster with replicas, all of them well."""
    _cluster.wait_until_well()
    return _cluster


def pages_of(cluster: RedisCluster, node: RedisServer) -> list[str]:
    """Return those of PAGES that are on a node."""
    return [key for key in PAGES if cluster.master_of(KEY_PREFIX + key) is node]


def test_a_replica_of_a_cluster_takes_over_as_planned(
    cluster: RedisCluster, make_process: Callable[[Secret], Process]
) -> None:
    """Whoever asks the old one is sent to the new one, and all listen there."""
    one, two = make_process(cluster.url), make_process(cluster.url)
    wait_until_shared(one, two, PAGES)
    before = cluster.master_of(f"{{{NAMESPACE}}}")
    after = cluster.replica_of(before)
    cluster.ask(after, "CLUSTER", "FAILOVER")
    wait_until(lambda: cluster.master_of(f"{{{NAMESPACE}}}") is after, WELL_WITHIN_S)
    wait_until_shared(one, two, PAGES)
    wait_until_heard(one, two)
    assert listening_to(after) == 2


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_master_of_a_cluster_is_lost(
    how: str, cluster: RedisCluster, make_process: Callable[[Secret], Process]
) -> None:
    """Its replica takes over within seconds, until then its pages are not shared, and all others are."""
    one, two = make_process(cluster.url), make_process(cluster.url)
    wait_until_shared(one, two, PAGES)
    lost = cluster.master_of(f"{{{NAMESPACE}}}")
    elsewhere = [key for key in PAGES if key not in pages_of(cluster, lost)]
    one.tier.purge(2, hard=True)
    wait_until(lambda: two.heard.purges)
    if how == "killed":
        lost.kill()
    else:
        lost.pause()
    try:
        for _ in range(3):
            assert all(one.stores(key) and two.finds(key) for key in elsewhere)
        wait_until_shared(one, two, PAGES)
        wait_until_heard(one, two)
    finally:
        if how == "killed":
            lost.start()
        else:
            lost.resume()
    cluster.wait_until_well()
    wait_until_shared(one, two, PAGES)


def test_a_replica_of_a_cluster_is_lost(cluster: RedisCluster, make_process: Callable[[Secret], Process]) -> None:
    """Nobody notices."""
    one, two = make_process(cluster.url), make_process(cluster.url)
    wait_until_shared(one, two, PAGES)
    replica = cluster.replica_of(cluster.master_of(PAGES[0]))
    replica.kill()
    try:
        assert all(one.stores(key) and two.finds(key) for key in PAGES)
        assert one.tier.state() == two.tier.state() == "ok"
    finally:
        replica.start()


def test_a_cluster_that_is_down(make_process: Callable[[Secret], Process]) -> None:
    """Two of three masters are lost: nothing is shared, nobody waits for long, and it is used when it is back."""
    with redis_cluster(engine(REDIS_6), replicas=False) as cluster:
        one, two = make_process(cluster.url), make_process(cluster.url)
        wait_until_shared(one, two, PAGES)
        lost = cluster.nodes[1:]
        for node in lost:
            node.pause()
        wait_until(lambda: b"cluster_state:fail" in cluster.ask(cluster.nodes[0], "CLUSTER", "INFO"), WELL_WITHIN_S)
        for _ in range(3):
            for key in PAGES:
                one.stores(key)
                two.finds(key)
        assert one.tier.state() == "failing"
        for node in lost:
            node.resume()
        wait_until_shared(one, two, PAGES)
        wait_until_heard(one, two)
