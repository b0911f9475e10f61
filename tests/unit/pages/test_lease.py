"""Leases over processes: one leads, the others follow, and nobody waits for the dead."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import GatewayError, UpstreamFailed, UpstreamOverloaded, UpstreamResult, UpstreamTimeout, leaves
from gateway.model import Deadline
from gateway.pages.lease import LEASE_MS
from gateway.pages.lease_keeper import LeaseKeeper
from gateway.pages.lease_outcome import LANDED, failure_in, outcome_of
from gateway.pages.redis_tier import RedisTier
from gateway.pages.shared import Landing, Lease
from gateway.shared_store.backend import KEY_PREFIX
from tests.support.gateway import PROJECT
from tests.support.page_cache import House
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import PURGE_CHANNEL, Faults, shared_tier
from tests.support.threads import no_more_threads
from tests.support.waiting import wait_until

KEY = "page:2:7:abc"
LEASE_KEY = f"{KEY_PREFIX}lease:{KEY}"


@pytest.fixture
def leader(redis: RedisServer) -> Iterator[RedisTier]:
    """Return the tier of one process."""
    with shared_tier(redis.url) as tier:
        yield tier


@pytest.fixture
def follower(redis: RedisServer) -> Iterator[RedisTier]:
    """Return the tier of another process."""
    with shared_tier(redis.url) as tier:
        yield tier


def lead(tier: RedisTier, key: str = KEY) -> Lease:
    """Take a lease that nobody else has."""
    lease = tier.try_lead(key)
    assert lease is not None
    assert lease.shared
    return lease


def wait_until_blocked(redis: RedisServer, followers: int) -> None:
    """Return when so many followers wait in Redis at the same time."""
    with redis.client() as client:
        give_up = time.monotonic() + 10
        while time.monotonic() < give_up:
            if client.info("clients")["blocked_clients"] >= followers:
                return
    raise AssertionError(f"{followers} followers did not wait within 10 s")


def test_of_many_threads_one_leads(redis: RedisServer) -> None:
    """Twenty threads of as many tiers want the same lease at once; exactly one gets it."""
    start = threading.Barrier(20)

    def race() -> bool:
        with shared_tier(redis.url) as tier:
            start.wait(10)
            lease = tier.try_lead(KEY)
            start.wait(10)
            return lease is not None

    with ThreadPoolExecutor(20) as pool:
        led = [racer.result(20) for racer in [pool.submit(race) for _ in range(20)]]
    assert sum(led) == 1


def racers(redis: RedisServer, count: int) -> "list[subprocess.Popen[str]]":
    """Return processes that are ready to race."""
    command = [sys.executable, "-m", "tests.support.shared_tier", redis.url.reveal(), KEY]
    processes = [
        subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return processes


def test_of_two_processes_one_leads_and_its_death_costs_one_lease(redis: RedisServer, follower: RedisTier) -> None:
    """Two processes race; the leader is killed while it holds the lease, and the follower returns within one lease."""
    processes = racers(redis, 2)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.stdout.readline() for process in processes if process.stdout is not None]
    assert sorted(said) == ["follow\n", "lead\n"]
    assert follower.try_lead(KEY) is None
    leader = processes[said.index("lead\n")]
    leader.kill()
    killed = time.monotonic()
    follower.follow(KEY, Deadline.after(20))
    assert time.monotonic() - killed < LEASE_MS / 1000 + 1.5
    assert follower.try_lead(KEY) is not None
    for process in processes:
        process.communicate(timeout=20)


def test_followers_are_woken_by_the_landing(redis: RedisServer, leader: RedisTier) -> None:
    """Ten followers in as many processes return soon after the landing, and find the page."""
    lease = lead(leader)
    tiers = [shared_tier(redis.url) for _ in range(10)]
    followers = [tier.__enter__() for tier in tiers]
    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(follower.follow, KEY, Deadline.after(20)) for follower in followers]
        wait_until_blocked(redis, 5)
        assert leader.land(lease, b"entry", 60, 0) is Landing.DONE
        landed = time.monotonic()
        for each in waiting:
            assert each.result(20) is None
        assert time.monotonic() - landed < 1.0
    assert all(follower.get(KEY) is not None for follower in followers)
    for tier in tiers:
        tier.__exit__(None, None, None)


def test_followers_share_the_failure(redis: RedisServer, leader: RedisTier, follower: RedisTier) -> None:
    """It is raised as the same leaf with the same words, and the next caller leads afresh."""
    lease = lead(leader)
    failure = UpstreamFailed("CC-iSales failed: 数", upstream=UpstreamResult("0200009", "错误"), retry_after_s=7)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(follower.follow, KEY, Deadline.after(20)) for _ in range(3)]
        wait_until_blocked(redis, 3)
        leader.fail(lease, failure)
        shared = [each.exception(20) for each in waiting]
    for error in shared:
        assert isinstance(error, UpstreamFailed)
        assert (error.detail, error.upstream, error.retry_after_s) == (failure.detail, failure.upstream, 7)
    assert lead(follower).shared
    assert follower.get(KEY) is None


def test_who_comes_after_the_landing_does_not_wait(leader: RedisTier, follower: RedisTier) -> None:
    """Without a leader there is nobody to follow."""
    follower.follow(KEY, Deadline.after(20))
    leader.land(lead(leader), b"entry", 60, 0)
    follower.follow(KEY, Deadline.after(20))


def test_a_follower_waits_no_longer_than_its_own_deadline(leader: RedisTier, follower: RedisTier) -> None:
    """It gets a timeout while the leader goes on."""
    lease = lead(leader)
    began = time.monotonic()
    with pytest.raises(UpstreamTimeout, match="another process was already fetching"):
        follower.follow(KEY, Deadline.after(0.05))
    assert time.monotonic() - began < 2.0
    assert leader.land(lease, b"entry", 60, 0) is Landing.DONE


def test_different_keys_do_not_wait_for_each_other(leader: RedisTier, follower: RedisTier) -> None:
    """A lease of one key leaves the others alone, and its landing wakes its own followers only."""
    one, two = lead(leader, "page:2:7:one"), lead(follower, "page:2:7:two")
    assert leader.land(one, b"entry", 60, 0) is Landing.DONE
    with pytest.raises(UpstreamTimeout):
        leader.follow(two.key, Deadline.after(0.05))


def test_a_lease_lives_for_as_long_as_it_is_held(leader: RedisTier, follower: RedisTier) -> None:
    """Longer than it would without renewal: a follower with more patience than one lease is still waiting."""
    lease = lead(leader)
    with pytest.raises(UpstreamTimeout):
        follower.follow(KEY, Deadline.after(LEASE_MS / 1000 + 0.5))
    assert follower.try_lead(KEY) is None
    assert leader.land(lease, b"entry", 60, 0) is Landing.DONE


def test_a_lease_that_nobody_holds_runs_out(leader: RedisTier, follower: RedisTier) -> None:
    """A leader that forgot its lease without giving it up does not keep others waiting for ever."""
    lead(leader)
    follower.follow(KEY, Deadline.after(20))
    assert lead(follower).shared


def test_a_late_leader_cannot_overwrite_a_newer_page(
    redis: RedisServer, leader: RedisTier, follower: RedisTier
) -> None:
    """Once the lease was lost, neither landing nor failing does anything, while it is free or another one's."""
    late = lead(leader)
    with redis.client() as client:
        client.delete(LEASE_KEY)
    assert leader.land(late, b"old", 60, 0) is Landing.OVERTAKEN
    newer = lead(follower)
    assert leader.land(late, b"old", 60, 0) is Landing.OVERTAKEN
    leader.fail(late, UpstreamFailed("late"))
    assert leader.try_lead(KEY) is None
    assert follower.land(newer, b"new", 60, 0) is Landing.DONE
    assert leader.land(late, b"old", 60, 0) is Landing.OVERTAKEN
    found = leader.get(KEY)
    assert found is not None
    assert found[0] == b"new"


@pytest.mark.parametrize("ms", [None, 3_600_000])
def test_a_lease_that_never_ends_is_not_ours(ms: int | None, redis: RedisServer) -> None:
    """A planted lease without an end soon is deleted and counted, and the next caller leads."""
    with redis.client() as client:
        client.set(LEASE_KEY, "planted", px=ms)
    faults = Faults()
    with shared_tier(redis.url, faults) as tier:
        assert tier.try_lead(KEY) is None
        tier.follow(KEY, Deadline.after(20))
        assert lead(tier).shared
    assert faults == {"other": 1}


def test_a_closed_keeper_renews_nothing() -> None:
    """After closing, a lease can still be held, and no thread starts for it."""
    renewed: list[Lease] = []
    before = set(threading.enumerate())
    keeper = LeaseKeeper(renewed.extend)
    keeper.close()
    lease = Lease(KEY, "token", shared=True)
    keeper.hold(lease)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("leaf", list(leaves()), ids=lambda leaf: leaf.name)
def test_every_failure_can_be_left_to_followers(leaf: type[GatewayError]) -> None:
    """Each leaf of the tree comes back as itself."""
    for sent in (True, False):
        error = leaf("detail", upstream=UpstreamResult("1", "d"), retry_after_s=3, sent=sent)
        back = failure_in(outcome_of(error))
        assert type(back) is leaf
        assert (back.detail, back.errors, back.upstream, back.retry_after_s) == ("detail", (), error.upstream, 3)
        assert back.sent is sent, "the pause after it is as long for the followers"


def test_a_failure_that_does_not_say_whether_it_reached_cc_isales_counts_as_one_that_did() -> None:
    """A leader of the version before does not say."""
    old = json.loads(outcome_of(UpstreamFailed("x", sent=False)))
    del old["sent"]
    back = failure_in(json.dumps(old).encode())
    assert isinstance(back, UpstreamFailed)
    assert back.sent


FAILURE = outcome_of(UpstreamOverloaded("x", retry_after_s=1))


@pytest.mark.parametrize(
    "planted",
    [
        *(LANDED, b"", b"\xff", b"[]", b"null", b"5", b"{}", b'{"name": "odd", "detail": "x"}', b"[" * 100_000),
        *(FAILURE.replace(b'"retry_after_s": 1', b'"retry_after_s": ' + odd) for odd in (b"[]", b'"x"', b"1e999")),
        *(FAILURE.replace(b'"upstream": null', b'"upstream": ' + odd) for odd in (b"5", b"[1]", b"[1, 2, 3]")),
        *(FAILURE.replace(b'"errors": []', b'"errors": ' + odd) for odd in (b"5", b"[1]", b"[[1]]", b"null")),
    ],
)
def test_what_is_no_failure_is_none(planted: bytes) -> None:
    """A landing, and anything that we did not write, is no failure and no error."""
    assert failure_in(planted) is None


def test_a_lease_that_no_thread_keeps_alive_is_one_all_the_same(redis: RedisServer) -> None:
    """Where the system gives no more threads nothing is heard of purges either, until there is one to be had."""
    with shared_tier(redis.url) as tier, redis.client() as client:
        with no_more_threads():
            tier.subscribe(House().cache)
            assert tier.get(KEY) is None
            lease = lead(tier)
            assert 0 < client.pttl(LEASE_KEY) <= LEASE_MS
        assert tier.land(lease, b"entry", 60_000, 0) is Landing.DONE
        assert client.pubsub_numsub(PURGE_CHANNEL)[0][1] == 0
        assert tier.get(KEY) is not None
        wait_until(lambda: client.pubsub_numsub(PURGE_CHANNEL)[0][1] == 1)
