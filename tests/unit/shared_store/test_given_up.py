"""What was given up while nobody heard of it keeps nobody waiting until it runs out."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from flask import Flask

from gateway.model import CampaignQuery, Priority
from gateway.pages.key import page_key
from gateway.pages.redis_tier import RedisTier
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.given_up import GivenUp
from gateway.shared_store.slots import RedisSlots
from gateway.shared_store.store import SharedStore, shared_store
from tests.support.moving_proxy import MovingProxy
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import NAMESPACE, Faults
from tests.support.waiting import wait_until

PAGE = page_key(CampaignQuery(vdn=1), "test", NAMESPACE)
LONG_S = 300.0


@pytest.fixture
def proxy(redis: RedisServer) -> Iterator[MovingProxy]:
    """Return the way of one process to Redis, which may lead nowhere."""
    with MovingProxy(redis.port) as proxy:
        yield proxy


@pytest.fixture
def lost(proxy: MovingProxy) -> Iterator[SharedStore]:
    """Return the store of that process."""
    store = shared_store(Flask("test"), StoreAddress(proxy.url), Faults(), time.monotonic)
    with closing(store.backend):
        yield store


def lead_nowhere(proxy: MovingProxy) -> None:
    """Have nobody get to Redis any more by this way."""
    proxy.port = 1
    proxy.cut()


def test_a_slot_that_could_not_be_given_back_is_given_back_later(
    redis: RedisServer, proxy: MovingProxy, lost: SharedStore
) -> None:
    """Other processes get it as soon as Redis hears of that, though nobody calls any more in this one."""
    other = shared_store(Flask("test"), StoreAddress(redis.url), Faults(), time.monotonic)
    with closing(other.backend):
        one, two = RedisSlots(lost, 1), RedisSlots(other, 1)
        assert one.try_take("a", LONG_S, Priority.INTERACTIVE) is True
        lead_nowhere(proxy)
        one.give_back("a")
        assert two.try_take("b", LONG_S, Priority.INTERACTIVE) is False
        proxy.port = redis.port
        wait_until(lambda: two.try_take("b", LONG_S, Priority.INTERACTIVE))


def test_a_slot_is_given_back_at_the_next_master_too(redis: RedisServer, lost: SharedStore) -> None:
    """One that has a copy from before: what the master that was left has heard of, it has not."""
    one = RedisSlots(lost, 1)
    assert one.try_take("a", LONG_S, Priority.INTERACTIVE) is True
    name = f"{lost.backend.prefix}slots:{lost.backend.namespace}"
    with redis.client() as client:
        (held,) = client.zrange(name, 0, -1, withscores=True)
        one.give_back("a")
        assert client.zcard(name) == 0
        client.zadd(name, {held[0]: held[1]})
        lost.backend.leave()
        wait_until(lambda: client.zcard(name) == 0)


@pytest.mark.parametrize("landed", [True, False])
def test_a_lease_that_could_not_be_given_up_is_given_up_later(
    redis: RedisServer,
    proxy: MovingProxy,
    lost: SharedStore,
    landed: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    """Also where the master that was left has heard of it: others lead, and do not wait for it to run out."""
    tier = RedisTier(lost)
    lease = tier.try_lead(PAGE)
    assert lease is not None
    name = f"{lost.backend.prefix}lease:{PAGE}"
    with closing(tier), redis.client() as client:
        if landed:
            tier.land(lease, b"entry", 60, 0)
            client.set(name, lease.token)
            lost.backend.leave()
        else:
            lead_nowhere(proxy)
            tier.land(lease, b"entry", 60, 0)
            # It would run out before a busy machine has looked.
            client.persist(name)
            proxy.port = redis.port
        wait_until(lambda: not client.exists(name))


def test_a_lease_that_was_taken_without_an_answer_is_given_up(
    redis: RedisServer, proxy: MovingProxy, lost: SharedStore
) -> None:
    """Who asked fetches for itself then, and others are not to wait for that."""
    tier = RedisTier(lost)
    name = f"{lost.backend.prefix}lease:{PAGE}"
    with closing(tier), redis.client() as client:
        assert tier.get(PAGE) is None
        lead_nowhere(proxy)
        lease = tier.try_lead(PAGE)
        assert lease is not None
        assert not lease.shared
        ((_, token),) = tier._leases._given_up._until  # noqa: SLF001 -- what Redis would have, had it got the question
        client.set(name, token)
        proxy.port = redis.port
        wait_until(lambda: not client.exists(name))


def test_the_lease_of_another_is_left_alone(redis: RedisServer, lost: SharedStore) -> None:
    """It has the same name, and another token."""
    tier = RedisTier(lost)
    first = tier.try_lead(PAGE)
    assert first is not None
    tier.land(first, b"entry", 60, 0)
    second = tier.try_lead(PAGE)
    assert second is not None
    slots = RedisSlots(lost, 1)
    slots.try_take("a", LONG_S, Priority.INTERACTIVE)
    slots.give_back("a")
    held, lease = f"{lost.backend.prefix}slots:{lost.backend.namespace}", f"{lost.backend.prefix}lease:{PAGE}"
    with closing(tier), redis.client() as client:
        client.zadd(held, {f"{slots._process()} a": time.time() * 1000 + 100_000})  # noqa: SLF001 -- as it is called there
        lost.backend.leave()
        wait_until(lambda: client.zcard(held) == 0)
        assert client.get(lease) == second.token.encode()


def test_who_is_left_while_it_is_told_has_another_one_told_too(redis: RedisServer, lost: SharedStore) -> None:
    """Another master may have taken over while the one before was told: what it says is of no use then."""
    told: list[Sequence[str]] = []
    is_told, may_end = threading.Event(), threading.Event()

    def again(items: Sequence[str]) -> None:
        told.append(items)
        is_told.set()
        may_end.wait(10)

    given_up = GivenUp[str](lost.backend, again)
    given_up.note("a", LONG_S, done=False)
    assert is_told.wait(10)
    lost.backend.leave()
    may_end.set()
    wait_until(lambda: told == [["a"], ["a"]])
