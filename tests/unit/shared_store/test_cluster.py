"""A cluster: what belongs together is on one node, all the rest is spread, and a lost node takes only its own away."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from redis.crc import key_slot

from gateway.errors import UpstreamFailed
from gateway.model import CampaignQuery, Deadline, Priority
from gateway.pages.key import page_key
from gateway.pages.redis_tier import RedisTier
from gateway.pages.shared import Landing
from gateway.shared_store.address import KEY_PREFIX, StoreAddress
from gateway.shared_store.signature_budget import RedisSignatureBudget
from gateway.shared_store.slots import RedisSlots
from gateway.shared_store.store import SharedStore, shared_store
from gateway.shared_store.windows import RedisWindows
from tests.support.redis_cluster import MASTERS, RedisCluster, redis_cluster
from tests.support.redis_engines import REDIS_6, VALKEY_9, engine
from tests.support.shared_tier import LANDING_CHANNEL, NAMESPACE, Faults, Hearing, shared_tier
from tests.support.waiting import wait_until

PATIENCE_S = 5.0
"""How long a node may take on a busy machine: no test here is about one that takes too long."""
PAGES = [page_key(CampaignQuery(vdn=1, page=number), "test", NAMESPACE) for number in range(1, 13)]


@pytest.fixture(scope="module", params=(REDIS_6, VALKEY_9))
def _cluster(request: pytest.FixtureRequest) -> Iterator[RedisCluster]:
    with redis_cluster(engine(request.param), replicas=False) as cluster:
        yield cluster


@pytest.fixture
def cluster(_cluster: RedisCluster) -> RedisCluster:
    """Return a cluster that is empty, and that the test must leave well."""
    _cluster.empty()
    return _cluster


@pytest.fixture
def faults() -> Faults:
    """Return a count of what went wrong in any process."""
    return Faults()


@pytest.fixture
def make_tier(cluster: RedisCluster, faults: Faults) -> Iterator[Callable[[], RedisTier]]:
    """Return a function that makes the tier of one more process."""
    made = []

    def make() -> RedisTier:
        context = shared_tier(StoreAddress(cluster.url, timeout_s=PATIENCE_S), faults)
        tier = context.__enter__()
        made.append(context)
        return tier

    yield make
    for context in made:
        context.__exit__(None, None, None)
    assert faults == {}


def store(tier: RedisTier, key: str, entry: bytes = b"entry") -> None:
    """Lead and land."""
    lease = tier.try_lead(key)
    assert lease is not None
    assert lease.shared
    tier.announce(lease)
    assert tier.land(lease, entry, 60, 0) is Landing.DONE


def test_pages_are_shared_and_spread(cluster: RedisCluster, make_tier: Callable[[], RedisTier]) -> None:
    """Each master has some of them, and every process finds all."""
    one, two = make_tier(), make_tier()
    for key in PAGES:
        store(one, key, key.encode())
    for key in PAGES:
        found = two.get(key)
        assert found is not None
        assert found.entry == key.encode()
    assert len({cluster.master_of(KEY_PREFIX + key) for key in PAGES}) == MASTERS


def test_all_keys_about_one_page_are_on_one_node(cluster: RedisCluster, make_tier: Callable[[], RedisTier]) -> None:
    """Page, lease and outcome; else one script could not see to them together."""
    tier = make_tier()
    lease = tier.try_lead(PAGES[0])
    assert lease is not None
    held = cluster.keys(f"{KEY_PREFIX}*")
    assert tier.land(lease, b"entry", 60, 0) is Landing.DONE
    names = {*held, *cluster.keys(f"{KEY_PREFIX}*")}
    assert {name.removeprefix(KEY_PREFIX.encode()).partition(b":")[0] for name in names} == {b"lease", b"page", b"wake"}
    assert len({key_slot(name) for name in names}) == 1


def test_one_leads_and_others_follow(make_tier: Callable[[], RedisTier]) -> None:
    """Also to a failure, on whichever node the page is."""
    leader, follower = make_tier(), make_tier()
    with ThreadPoolExecutor(1) as pool:
        for key in PAGES[:6]:
            lease = leader.try_lead(key)
            assert lease is not None
            assert follower.try_lead(key) is None
            following = pool.submit(follower.follow, key, Deadline.after(10))
            leader.fail(lease, UpstreamFailed("no"))
            # It may find the lease gone before it began to wait for the outcome.
            assert isinstance(following.exception(), UpstreamFailed | None)


def test_leases_of_all_nodes_are_renewed(cluster: RedisCluster, make_tier: Callable[[], RedisTier]) -> None:
    """Those of one node with one command, for a script's keys have to be together."""
    tier = make_tier()
    leases = [tier.try_lead(key) for key in PAGES]
    assert all(lease is not None and lease.shared for lease in leases)
    names = [f"{KEY_PREFIX}lease:{key}" for key in PAGES]
    for name in names:
        cluster.ask(cluster.master_of(name), "PEXPIRE", name, 1000)
    wait_until(lambda: all(cluster.ask(cluster.master_of(name), "PTTL", name) > 1200 for name in names))


@pytest.mark.parametrize("hard", [True, False])
def test_a_purge_reaches_all_nodes_and_all_processes(
    hard: bool,  # noqa: FBT001 -- a column of the table
    cluster: RedisCluster,
    make_tier: Callable[[], RedisTier],
) -> None:
    """Wherever the pages are, whichever node a process listens to."""
    one, two = make_tier(), make_tier()
    here, there = Hearing(), Hearing()
    one.subscribe(here)
    two.subscribe(there)
    wait_until_listening(cluster, 2)
    for key in PAGES:
        store(one, key)
    assert one.purge(1, hard=hard) == len(PAGES)
    wait_until(lambda: there.purges)
    assert [len(heard.purges) for heard in (here, there)] == [1, 1]
    assert len(cluster.keys(f"{KEY_PREFIX}page:*")) == (0 if hard else len(PAGES))


def wait_until_listening(cluster: RedisCluster, processes: int) -> None:
    """Return when so many processes hear the news of each other, on one node."""

    def listening() -> list[int]:
        return sorted(cluster.ask(node, "PUBSUB", "NUMSUB", LANDING_CHANNEL)[1] for node in cluster.nodes)

    wait_until(lambda: listening() == [0] * (len(cluster.nodes) - 1) + [processes])


def test_all_processes_have_heard_when_a_page_lands(cluster: RedisCluster, make_tier: Callable[[], RedisTier]) -> None:
    """Redis counts who listens on its own node only, so all of them listen on one."""
    one, two, leader = make_tier(), make_tier(), make_tier()
    here, there = Hearing(), Hearing()
    one.subscribe(here)
    two.subscribe(there)
    wait_until_listening(cluster, 2)
    for times, key in enumerate(PAGES[:10], 1):
        lease = leader.try_lead(key)
        assert lease is not None
        leader.announce(lease)
        heard = [{doubt for doubt in hearing.doubts if doubt} for hearing in (here, there)]
        assert [len(keys) for keys in heard] == [times, times]


def test_who_listens_follows_when_slots_move(cluster: RedisCluster, make_tier: Callable[[], RedisTier]) -> None:
    """Nothing is missed meanwhile, for a message goes to all nodes; and soon all listen together again."""
    tag = f"{{{NAMESPACE}}}"
    one, two = make_tier(), make_tier()
    heard = Hearing()
    two.subscribe(heard)
    one.subscribe(Hearing())
    wait_until_listening(cluster, 2)
    before = cluster.master_of(tag)
    after = next(node for node in cluster.nodes if node is not before)
    cluster.move(tag, after)
    try:
        one.purge(1, hard=True)
        wait_until(lambda: heard.purges)
        wait_until(lambda: cluster.ask(after, "PUBSUB", "NUMSUB", LANDING_CHANNEL)[1] == 2)
        assert len(heard.purges) == 1
    finally:
        cluster.move(tag, before)


def test_pages_are_shared_while_slots_move(cluster: RedisCluster, make_tier: Callable[[], RedisTier]) -> None:
    """A page that goes to another node is found there, a lease that does is kept and landed."""
    one, two = make_tier(), make_tier()
    key = PAGES[0]
    store(one, key)
    assert two.get(key) is not None
    lease = one.try_lead(key)
    assert lease is not None
    before = cluster.master_of(KEY_PREFIX + key)
    after = next(node for node in cluster.nodes if node is not before)
    cluster.move(KEY_PREFIX + key, after)
    try:
        assert two.get(key) is not None
        assert two.try_lead(key) is None
        assert one.land(lease, b"moved", 60, 0) is Landing.DONE
        found = two.get(key)
        assert found is not None
        assert found.entry == b"moved"
    finally:
        cluster.move(KEY_PREFIX + key, before)


@pytest.fixture
def make_store(cluster: RedisCluster) -> Iterator[Callable[[], SharedStore]]:
    """Return a function that makes one more process' way there."""
    made: list[SharedStore] = []

    def make() -> SharedStore:
        made.append(
            shared_store(Flask("test"), StoreAddress(cluster.url, timeout_s=PATIENCE_S), Faults(), time.monotonic)
        )
        return made[-1]

    yield make
    for one in made:
        assert not one.guard.failing
        one.backend.close()


def test_the_call_budget_is_one(make_store: Callable[[], SharedStore]) -> None:
    """Two processes share two slots."""
    one, two = (RedisSlots(make_store(), 2) for _ in range(2))
    assert one.try_take("a", 5, Priority.INTERACTIVE) is True
    assert two.try_take("b", 5, Priority.INTERACTIVE) is True
    assert one.try_take("c", 5, Priority.INTERACTIVE) is False
    two.give_back("b")
    assert one.try_take("c", 5, Priority.INTERACTIVE) is True


def test_limits_and_refused_signatures_are_counted_together(make_store: Callable[[], SharedStore]) -> None:
    """Over all processes, each client and each tenant for itself."""
    one, two = make_store(), make_store()
    limits = [RedisWindows(one), RedisWindows(two)]
    taken = [limits[number % 2].take(client, 3) for client in ("web", "app", "x") for number in range(4)]
    assert [quota is not None and quota.allowed for quota in taken] == [True, True, True, False] * 3
    budgets = [RedisSignatureBudget(store, 300, 5, 60) for store in (one, two)]
    assert budgets[0].ask("tenant", "pair", 5) == (True, 0.0, 0, False)
    asked = budgets[1].ask("tenant", "pair", 5)
    assert asked is not None
    assert (asked[0], asked[3]) == (False, True)
    assert budgets[0].refused("tenant", "pair", 1, 10) == 10
    budgets[1].settled("tenant", "pair", accepted=True)
    assert budgets[0].ask("tenant", "pair", 5) == (True, 0.0, 0, False)
