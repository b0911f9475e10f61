"""Purges over processes: heard by all, soft or hard, made up for where they were missed, and kept in Redis."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest

from gateway.model import CampaignQuery
from gateway.pages.key import page_key
from gateway.pages.purge import CLOSE_S, EPOCH_MS, HEARD_EPOCHS, Purges
from gateway.pages.redis_tier import RedisTier
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import KEY_PREFIX, RedisBackend
from tests.support.clock import FakeClock
from tests.support.redis_server import RedisServer, redis_server
from tests.support.shared_tier import EPOCH, PURGE_CHANNEL, Heard, Hearing, shared_tier, wait_until_heard
from tests.support.waiting import wait_until

NOW = 0.0


@pytest.fixture
def tier(redis: RedisServer) -> Iterator[RedisTier]:
    """Return the tier of one process."""
    with shared_tier(redis.url) as tier:
        yield tier


def epoch(redis: RedisServer) -> tuple[str, float]:
    """Return the name of the latest purge in Redis, and how many seconds ago it was."""
    with redis.client() as client:
        name = client.get(KEY_PREFIX + EPOCH)
        ago_s = (EPOCH_MS - client.pttl(KEY_PREFIX + EPOCH)) / 1000
    return ("" if name is None else name.decode()), ago_s


def plant(redis: RedisServer, name: str, ago_s: float) -> None:
    """Have Redis say that the latest purge was this one."""
    with redis.client() as client:
        client.set(KEY_PREFIX + EPOCH, name, px=EPOCH_MS - round(ago_s * 1000))


class Process:
    """One process that purges and checks when the test lets it, and hears the messages that the test hands it."""

    def __init__(self, tier: RedisTier, backend: Any = None) -> None:
        self.heard = Hearing()
        self.clock = FakeClock()
        self.purges = Purges(
            cast(RedisBackend, backend or tier._backend),  # noqa: SLF001 -- what it is made of
            tier._guard,  # noqa: SLF001 -- the same
            [self.heard],
            self.clock,
        )


def test_others_are_told_before_pages_are_looked_for(redis: RedisServer, tier: RedisTier) -> None:
    """Who puts a page there that Redis lacks knows of the purge by then, so that none comes behind the scan."""
    with redis.client() as client, client.monitor() as seen:
        tier.purge(7, hard=True)
        commands: list[str] = []
        while not commands or not commands[-1].startswith("SCAN"):
            commands.append(seen.next_command()["command"])
    assert any(command.startswith(("SET", "set")) and EPOCH in command for command in commands)
    assert any(command.startswith(("PUBLISH", "publish")) and PURGE_CHANNEL in command for command in commands)


@pytest.mark.parametrize("hard", [False, True])
def test_all_processes_hear_of_a_purge(redis: RedisServer, tier: RedisTier, hard: bool) -> None:  # noqa: FBT001 -- a column of the table
    """This one before the purge returns, others soon, what it was of and of which kind; none hears of one twice."""
    here, there = Hearing(), Hearing()
    tier.subscribe(here)
    purges = [(7, hard), (None, hard), (8, not hard), (9, hard)]
    with shared_tier(redis.url) as other:
        other.subscribe(there)
        wait_until_heard(redis, 2)
        for number, (vdn, kind) in enumerate(purges, 1):
            tier.purge(vdn, hard=kind)
            wait_until(lambda number=number: len(there.purges) == number)  # type: ignore[misc] # -- a default binds it
        other.unsubscribe(there)
        other.unsubscribe(there)
        other.purge(10, hard=hard)
        wait_until(lambda: len(here.purges) == len(purges) + 1)
    assert len(there.purges) == len(purges)
    for heard in (here.purges, there.purges):
        for (vdn, kind), one in zip(purges, heard, strict=False):
            # Who looks for missed purges just as one is told hears of one of all.
            assert one.vdn in {vdn, None}
            assert (one.hard, one.ago_s < 10) == (kind, True)


@pytest.mark.parametrize("hard", [False, True])
def test_a_purge_that_was_missed_is_made_up_for(hard: bool) -> None:  # noqa: FBT001 -- a column of the table
    """A process that was cut off while others purged does to all its pages what was done to any, if that was since."""
    with redis_server() as server, shared_tier(server.url) as cut_off:
        missed = Hearing()
        server.kill()
        cut_off.subscribe(missed)
        server.start()
        with shared_tier(server.url) as other:
            other.purge(7, hard=hard)
        wait_until(lambda: missed.purges)
        assert missed.purges[0].hard == hard
        # No message, as to a connection that broke in silence; only the epoch tells.
        missed.purges.clear()
        plant(server, "another" if hard else "another soft", 0.0)
        wait_until(lambda: missed.purges)
        vdn, ago_s, kind = missed.purges[0]
        assert (vdn, kind) == (None, hard)
        assert 0 <= ago_s < 10


@pytest.mark.parametrize("name", ["an epoch", "an epoch soft"])
def test_a_process_that_begins_after_a_purge_takes_no_older_page_for_a_fresh_one(name: str, redis: RedisServer) -> None:
    """What was to be forgotten is not in Redis any more, so what is there may still serve in trouble."""
    plant(redis, name, 500.0)
    with shared_tier(redis.url) as later:
        heard = Hearing()
        later.subscribe(heard)
        later.get("page:2:7:abc")
        assert len(heard.purges) == 1
        vdn, ago_s, hard = heard.purges[0]
        assert (vdn, hard) == (None, False)
        assert 500.0 <= ago_s < 510


def test_a_purge_from_before_a_process_began_forgets_nothing(tier: RedisTier, redis: RedisServer) -> None:
    """One that it missed while it ran does: it is told apart by how long ago it was."""
    process = Process(tier)
    process.clock.advance(100)
    plant(redis, "missed", 99.0)
    process.purges.check()
    plant(redis, "before", 101.0)
    process.purges.check()
    assert [(heard.vdn, heard.hard) for heard in process.heard.purges] == [(None, True), (None, False)]


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ("7 0123", Heard(7, NOW, hard=True)),
        ("* 0123", Heard(None, NOW, hard=True)),
        ("7 0123 soft", Heard(7, NOW, hard=False)),
        ("* 0123 soft", Heard(None, NOW, hard=False)),
        ("rubbish", Heard(None, NOW, hard=True)),
        ("", Heard(None, NOW, hard=True)),
        ("-1 0123", Heard(None, NOW, hard=True)),
    ],
)
def test_a_message_says_what_was_purged_and_how(message: str, heard: Heard, tier: RedisTier) -> None:
    """Those of the version before are of hard purges; what cannot be read is of all pages."""
    process = Process(tier)
    process.purges.hear(message)
    process.purges.hear(message)
    assert process.heard.purges == [heard]


def test_a_redis_that_has_lost_the_purge_is_told_again(redis: RedisServer, tier: RedisTier) -> None:
    """As after a failover; with the time that has passed since. A process that begins then hears of it."""
    process = Process(tier)
    process.purges.purge(7, hard=False)
    name, _ = epoch(redis)
    process.clock.advance(1000)
    with redis.client() as client:
        client.flushall()
    process.purges.check()
    again, ago_s = epoch(redis)
    assert again == name
    assert 1000 <= ago_s < 1010
    later = Process(tier)
    later.purges.check()
    assert [(heard.vdn, heard.hard) for heard in later.heard.purges] == [(None, False)]
    assert later.heard.purges[0].ago_s >= 1000
    process.purges.check()
    assert len(process.heard.purges) == 1


def test_a_redis_that_has_an_earlier_purge_is_told_the_latest_again(redis: RedisServer, tier: RedisTier) -> None:
    """Whether this process has heard of the earlier one or not."""
    process = Process(tier)
    process.purges.purge(7, hard=False)
    first, _ = epoch(redis)
    process.clock.advance(1000)
    process.purges.purge(7, hard=True)
    latest, _ = epoch(redis)
    for name, ago_s in ((first, 1000.0), ("from before its time", 3000.0)):
        plant(redis, name, ago_s)
        process.purges.check()
        process.purges.check()
        assert epoch(redis)[0] == latest
    assert [heard.hard for heard in process.heard.purges] == [False, True, False]


def test_a_purge_that_nobody_can_have_missed_any_more_is_not_told_again(redis: RedisServer, tier: RedisTier) -> None:
    """No page is kept for so long."""
    process = Process(tier)
    process.purges.purge(7, hard=False)
    with redis.client() as client:
        client.flushall()
    process.clock.advance(EPOCH_MS / 1000)
    process.purges.check()
    assert epoch(redis)[0] == ""


def test_a_later_purge_is_never_overwritten_with_an_earlier_one(redis: RedisServer, tier: RedisTier) -> None:
    """Between the look and the telling, another process may have purged."""

    class Behind:
        """A view of Redis from before the latest purge."""

        def look(self, key: str) -> None:
            return None

        def __getattr__(self, name: str) -> Any:
            return getattr(tier._backend, name)  # noqa: SLF001 -- what it stands in front of

    process = Process(tier, Behind())
    process.purges.purge(7, hard=False)
    plant(redis, "later", 0.0)
    process.purges.check()
    assert epoch(redis)[0] == "later"


def test_purges_at_the_same_time_are_not_fought_over(redis: RedisServer, tier: RedisTier) -> None:
    """Two processes purge, and each hears first of its own: Redis keeps what it has, and both go on to know both."""
    one, two = Process(tier), Process(tier)
    one.purges.purge(7, hard=False)
    first, _ = epoch(redis)
    two.purges.purge(8, hard=False)
    second, _ = epoch(redis)
    one.purges.hear(f"8 {second}")
    two.clock.advance(CLOSE_S / 2)
    two.purges.hear(f"7 {first}")
    for _ in range(3):
        for process in (one, two):
            process.purges.check()
            assert epoch(redis)[0] == second
    assert [len(process.heard.purges) for process in (one, two)] == [2, 2]


def test_a_purge_is_known_for_as_long_as_messages_of_it_may_come(redis: RedisServer, tier: RedisTier) -> None:
    """The listener may read late of a purge after which there were others."""
    process = Process(tier)
    for number in range(HEARD_EPOCHS):
        process.purges.hear(f"7 {number}")
    process.purges.hear("7 0")
    assert len(process.heard.purges) == HEARD_EPOCHS


def test_the_latest_purge_is_told_on_by_who_listens(redis: RedisServer, tier: RedisTier) -> None:
    """Half a second after Redis lost it, it has it again, without a request."""
    heard = Hearing()
    tier.subscribe(heard)
    wait_until_heard(redis, 1)
    tier.purge(7, hard=True)
    name, _ = epoch(redis)
    with redis.client() as client:
        client.flushall()
    wait_until(lambda: epoch(redis)[0] == name)
    assert heard.purges == [Heard(7, NOW, hard=True)]


def test_purges_are_published_where_the_version_before_listens(redis: RedisServer, tier: RedisTier) -> None:
    """With the VDN or an asterisk first, and a name that is the same in Redis."""
    with redis.client() as client, client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(PURGE_CHANNEL)
        listener.get_message(timeout=10)
        said: list[str] = []
        purges: list[Callable[[], object]] = [
            lambda: tier.purge(7, hard=True),
            lambda: tier.purge(None, hard=False),
        ]
        for purge in purges:
            purge()
            message = None
            while message is None:
                message = listener.get_message(timeout=10)
            said.append(message["data"].decode())
            assert said[-1].partition(" ")[2] == epoch(redis)[0]
    assert [word.partition(" ")[0] for word in said] == ["7", "*"]


@pytest.mark.parametrize("hard", [True, False])
def test_gateways_of_other_upstreams_or_prefixes_are_left_alone(
    hard: bool,  # noqa: FBT001 -- a column of the table
    redis: RedisServer,
) -> None:
    """They share the database, and neither hears of the other's purges, now or later, nor loses a page to them."""
    addresses = [
        StoreAddress(redis.url, "https://one"),
        StoreAddress(redis.url, "https://two"),
        StoreAddress(redis.url, "https://one", "another:"),
    ]
    with ExitStack() as stack:
        tiers = [stack.enter_context(shared_tier(address)) for address in addresses]
        heard = [Hearing() for _ in tiers]
        keys = [page_key(CampaignQuery(vdn=7), "test", address.namespace) for address in addresses]
        for tier, hearing, key in zip(tiers, heard, keys, strict=True):
            tier.subscribe(hearing)
            lease = tier.try_lead(key)
            assert lease is not None
            tier.land(lease, b"entry", 60, 0)
        with redis.client() as client:
            wait_until(lambda: client.pubsub_numsub(PURGE_CHANNEL)[0][1] == 2)
        for fences, tier in enumerate(tiers, 1):
            assert tier.purge(7, hard=hard) == 1
            # Who has heard of what is published after it has read that too; this one is of nobody's upstream.
            with redis.client() as client:
                client.publish(PURGE_CHANNEL, f"9 fence-{fences}")
            for hearing in heard[:2]:
                wait_until(lambda hearing=hearing, fences=fences: of_vdn(9, hearing) == fences)  # type: ignore[misc] # -- defaults bind them
        assert [of_vdn(7, hearing) for hearing in heard] == [1, 1, 1]
        assert [of_vdn(None, hearing) for hearing in heard] == [0, 0, 0]
        assert [tier.get(key) is None for tier, key in zip(tiers, keys, strict=True)] == [hard] * 3


def of_vdn(vdn: int | None, hearing: Hearing) -> int:
    """Return of how many purges of a VDN it has heard."""
    return sum(one.vdn == vdn for one in hearing.purges)
