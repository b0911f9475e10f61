"""Pages that are about to land: all who listen know before anybody has one, and nobody is waited for for long."""

from collections.abc import Iterator

import pytest

from gateway.pages.landings import Landings
from gateway.pages.redis_tier import RedisTier
from gateway.pages.shared import Lease
from gateway.shared_store.backend import KEY_PREFIX
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import LANDING_CHANNEL, Faults, Hearing, shared_tier, wait_until_heard

KEY = "page:2:7:abc"


@pytest.fixture
def faults() -> Faults:
    """Return a count of faults."""
    return Faults()


@pytest.fixture
def tier(redis: RedisServer, faults: Faults) -> Iterator[RedisTier]:
    """Return the tier of the process that leads."""
    with shared_tier(redis.url, faults) as tier:
        yield tier


def lead(tier: RedisTier) -> Lease:
    """Take the lease."""
    lease = tier.try_lead(KEY)
    assert lease is not None
    assert lease.shared
    return lease


def test_all_processes_have_heard_when_a_page_lands(redis: RedisServer, tier: RedisTier) -> None:
    """The leader's own and every other one, each time, before the leader goes on; others of no other key."""
    here, there = Hearing(), Hearing()
    tier.subscribe(here)
    with shared_tier(redis.url) as other:
        other.subscribe(there)
        wait_until_heard(redis, 2)
        for times in range(1, 6):
            lease = lead(tier)
            tier.announce(lease)
            assert [heard.doubts.count(KEY) for heard in (here, there)] == [times, times]
            tier.land(lease, b"entry", 60, 0)
    assert set(here.doubts) == {None, KEY}, "and of any, when it began to listen"


def test_a_process_that_does_not_answer_is_not_waited_for_for_long(
    redis: RedisServer, tier: RedisTier, faults: Faults
) -> None:
    """It is no fault of Redis either, which goes on to be used."""
    heard = Hearing()
    tier.subscribe(heard)
    with redis.client() as client, client.pubsub() as silent:
        silent.subscribe(LANDING_CHANNEL)
        wait_until_heard_by(redis, 2)
        for times in range(1, 6):
            lease = lead(tier)
            tier.announce(lease)
            assert heard.doubts.count(KEY) == times
            tier.land(lease, b"entry", 60, 0)
    assert tier.state() == "ok"


def wait_until_heard_by(redis: RedisServer, listeners: int) -> None:
    """Return when so many listen to announcements."""
    with redis.client() as client:
        while client.pubsub_numsub(LANDING_CHANNEL)[0][1] != listeners:
            pass


def test_where_nobody_listens_nobody_is_waited_for(redis: RedisServer, tier: RedisTier) -> None:
    """And nothing is left in Redis that waits for an answer."""
    tier.announce(lead(tier))
    with redis.client() as client:
        assert client.keys(f"{KEY_PREFIX}heard:*") == []


def test_who_hears_late_leaves_nothing_behind(redis: RedisServer, tier: RedisTier) -> None:
    """An answer that nobody waits for any more leaves no key in Redis."""
    heard = Hearing()
    landings = Landings(tier._backend, tier._guard, [heard])  # noqa: SLF001 -- what it is made of
    landings.hear(f"gone {KEY}")
    assert heard.doubts == [KEY]
    with redis.client() as client:
        assert client.keys(f"{KEY_PREFIX}heard:*") == []


@pytest.mark.parametrize("message", ["", " ", "rubbish", "a b c"])
def test_a_message_that_is_none_of_ours_does_no_harm(message: str, redis: RedisServer, tier: RedisTier) -> None:
    """At most, some page is looked for."""
    Landings(tier._backend, tier._guard, [Hearing()]).hear(message)  # noqa: SLF001 -- what it is made of
    assert tier.state() == "ok"


def test_news_that_were_missed_may_be_of_any_page(tier: RedisTier) -> None:
    """All subscribers are told so."""
    one, two = Hearing(), Hearing()
    Landings(tier._backend, tier._guard, [one, two]).missed()  # noqa: SLF001 -- what it is made of
    assert one.doubts == two.doubts == [None]


def test_trouble_with_redis_is_no_error(redis_to_hurt: RedisServer) -> None:
    """Who announces, and who hears, goes on."""
    faults = Faults()
    with shared_tier(redis_to_hurt.url, faults) as tier:
        lease = lead(tier)
        redis_to_hurt.kill()
        tier.announce(lease)
        Landings(tier._backend, tier._guard, [Hearing()]).hear(f"token {KEY}")  # noqa: SLF001 -- what it is made of
    assert faults["refused"] >= 2
