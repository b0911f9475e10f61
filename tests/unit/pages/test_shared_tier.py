"""Entries in Redis, with their age, their expiry and what a purge leaves of them."""

import pickle
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gateway.errors import InternalError, UpstreamFailed
from gateway.model import CampaignQuery, Deadline
from gateway.pages.redis_tier import RedisTier
from gateway.pages.shared import Landing, NoSharedTier, SharedTier
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import KEY_PREFIX, redis_backend
from tests.support.page_cache import House
from tests.support.redis_server import RedisServer, redis_server
from tests.support.shared_tier import Faults, shared_tier, wait_until_heard

KEY = "page:2:7:abc"


@pytest.fixture(scope="module")
def running() -> Iterator[RedisServer]:
    """Return a server for all tests of this module that leave it well."""
    with redis_server(password="p@ss/wörd") as server:
        yield server


@pytest.fixture
def redis(running: RedisServer) -> RedisServer:
    """Return the server, empty."""
    with running.client() as client:
        client.flushall()
    return running


@pytest.fixture
def faults() -> Faults:
    """Return a count of faults."""
    return Faults()


@pytest.fixture
def tier(redis: RedisServer, faults: Faults) -> Iterator[RedisTier]:
    """Return the tier of one process."""
    with shared_tier(redis.url, faults) as tier:
        yield tier


def store(tier: SharedTier, key: str, entry: bytes = b"entry", keep_s: float = 60.0, took_s: float = 0.0) -> None:
    """Store an entry, as a leader does."""
    lease = tier.try_lead(key)
    assert lease is not None
    tier.announce(lease)
    assert tier.land(lease, entry, keep_s, took_s) is Landing.DONE


def value(redis: RedisServer, key: str) -> Any:
    """Return what is under a key of the gateway."""
    with redis.client() as client:
        return client.get(KEY_PREFIX + key)


def plant(redis: RedisServer, key: str, planted: bytes, ms: int | None = 60_000) -> None:
    """Put a value under a key of the gateway."""
    with redis.client() as client:
        client.set(KEY_PREFIX + key, planted, px=ms)


def test_an_entry_comes_back_with_its_age(redis: RedisServer, tier: RedisTier) -> None:
    """What was stored is there for other processes too, any bytes, and its age is what Redis says is over.

    How long its fetch took comes along, for purges that were meanwhile.
    """
    assert tier.get(KEY) is None
    store(tier, KEY, b"!\x00\xff 5", keep_s=60, took_s=1.25)
    with redis.client() as client, shared_tier(redis.url) as other:
        client.pexpire(KEY_PREFIX + KEY, 48_000)
        found = other.get(KEY)
    assert found is not None
    assert (found.entry, found.took_s) == (b"!\x00\xff 5", 1.25)
    assert 12.0 <= found.age_s < 13.0


def test_nothing_is_stored_for_no_time(redis: RedisServer, tier: RedisTier) -> None:
    """With nothing to keep, landing gives the lease up and stores nothing."""
    store(tier, KEY, keep_s=0)
    assert tier.get(KEY) is None
    assert tier.try_lead(KEY) is not None


def test_a_deleted_entry_is_gone(redis: RedisServer, tier: RedisTier) -> None:
    """Deleting removes it for all; deleting what is not there is nothing."""
    store(tier, KEY)
    tier.delete(KEY)
    tier.delete(KEY)
    assert tier.get(KEY) is None


def test_every_key_in_redis_runs_out(redis: RedisServer, tier: RedisTier) -> None:
    """After pages, leases, failures, followers, announcements and purges, no key is there for ever."""
    tier.subscribe(House().cache)
    wait_until_heard(redis, 1)
    store(tier, "page:2:9:a")
    tier.purge(9, hard=False)
    tier.purge(9, hard=True)
    with ThreadPoolExecutor(6) as pool, shared_tier(redis.url) as other:
        for number in range(5):
            lease = tier.try_lead(f"page:2:7:{number}")
            assert lease is not None
            followers = [pool.submit(other.follow, lease.key, Deadline.after(10)) for _ in range(3)]
            if number % 2:
                tier.fail(lease, UpstreamFailed("no"))
            else:
                tier.announce(lease)
                tier.land(lease, b"entry", 60, 0)
            for follower in followers:
                assert isinstance(follower.exception(10), UpstreamFailed | None)
    held = tier.try_lead("page:2:8:held")
    with redis.client() as client:
        ttls = {key: client.pttl(key) for key in client.scan_iter()}
    assert held is not None
    kinds = {key.decode().removeprefix(KEY_PREFIX).partition(":")[0] for key in ttls}
    assert kinds == {"page", "lease", "wake", "epoch", "heard"}
    assert all(ttl > 0 for ttl in ttls.values()), ttls


@pytest.mark.parametrize("planted", [b"", b"text", b"5", b"!" + pickle.dumps([1]), b"cgs2" + b"\x00" * 15])
def test_a_value_that_is_not_ours_is_none_once(
    planted: bytes, redis: RedisServer, tier: RedisTier, faults: Faults
) -> None:
    """It is no entry; it is counted and deleted."""
    plant(redis, KEY, planted)
    assert tier.get(KEY) is None
    assert value(redis, KEY) is None
    assert faults == {"other": 1}
    assert tier.state() == "ok"


def test_an_entry_of_the_version_before_is_none_once(redis: RedisServer, tier: RedisTier, faults: Faults) -> None:
    """Its header told less; it is counted and deleted, even under a key of this version."""
    plant(redis, KEY, struct.pack(">4sQ", b"cgs1", 60_000) + b"an entry of that time, long enough for any header")
    assert tier.get(KEY) is None
    assert value(redis, KEY) is None
    assert faults == {"other": 1}


@pytest.mark.parametrize("ms", [None, 120_000])
def test_an_entry_with_an_end_that_is_not_its_own_is_not_ours(
    ms: int | None, redis: RedisServer, tier: RedisTier
) -> None:
    """Who has longer to live than he was stored for has no age."""
    store(tier, KEY, keep_s=60)
    plant(redis, KEY, value(redis, KEY), ms)
    assert tier.get(KEY) is None
    assert value(redis, KEY) is None


def test_a_list_under_our_key_is_no_entry(redis: RedisServer, tier: RedisTier, faults: Faults) -> None:
    """A value of another type is counted and deleted, and stands in nobody's way."""
    with redis.client() as client:
        client.rpush(KEY_PREFIX + KEY, "x")
        client.rpush(KEY_PREFIX + "lease:" + KEY, "x")
    assert tier.get(KEY) is None
    assert tier.try_lead(KEY) is None
    tier.follow(KEY, Deadline.after(10))
    store(tier, KEY)
    assert tier.get(KEY) is not None
    assert faults == {"other": 2}


def test_a_pickle_is_never_loaded(redis: RedisServer, tier: RedisTier, tmp_path: Path) -> None:
    """A value that would run code when unpickled runs nothing, in the tier or in Flask-Caching's own methods."""
    trace = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return (open, (str(trace), "w"))

    bomb = b"!" + pickle.dumps(Bomb())
    plant(redis, KEY, bomb)
    backend = redis_backend(Flask("test"), StoreAddress(redis.url))
    assert backend.get(KEY) == bomb
    assert backend.get_many(KEY) == [bomb]
    backend.close()
    assert tier.get(KEY) is None
    assert not trace.exists()


@pytest.mark.parametrize(("hard", "left"), [(True, {"2:77:c", "2:8:7"}), (False, {"2:7:b", "2:77:c", "2:8:7"})])
def test_a_purge_removes_the_pages_of_one_vdn(
    redis: RedisServer,
    tier: RedisTier,
    hard: bool,  # noqa: FBT001 -- a column of the table
    left: set[str],
) -> None:
    """Of that VDN only: a hard one all of them, a soft one those of other format versions, which have no marks."""
    for key in ("page:1:7:a", "page:2:7:b", "page:2:77:c", "page:2:8:7"):
        store(tier, key)
    assert tier.purge(7, hard=hard) == 2
    assert {key for key in ("1:7:a", "2:7:b", "2:77:c", "2:8:7") if tier.get(f"page:{key}") is not None} == left


def test_a_purge_of_all_leaves_what_is_not_ours(redis: RedisServer, tier: RedisTier) -> None:
    """However many pages there are, all go, and other programs' keys stay."""
    plant(redis, "page:2:1:template", b"x")
    with redis.client() as client:
        client.set("page:2:7:other-program", "x")
        for number in range(2500):
            client.set(f"{KEY_PREFIX}page:2:{number}:x", b"x", px=60_000)
        assert tier.purge(None, hard=False) == 2501
        assert len(client.keys(f"{KEY_PREFIX}page:*")) == 2501
        assert tier.purge(None, hard=True) == 2501
        assert client.keys(f"{KEY_PREFIX}page:*") == []
        assert client.exists("page:2:7:other-program")


def test_a_fetch_that_began_before_a_hard_purge_cannot_land(redis: RedisServer, tier: RedisTier) -> None:
    """The purge takes the lease away; the next leader lands as usual. A soft one takes away no lease."""
    lease = tier.try_lead("page:2:7:soft")
    assert lease is not None
    tier.purge(7, hard=False)
    assert tier.land(lease, b"old", 60, 0) is Landing.DONE
    tier.delete("page:2:7:soft")
    for vdn in (7, None):
        lease = tier.try_lead(KEY)
        assert lease is not None
        assert tier.purge(vdn, hard=True) == 0
        assert tier.land(lease, b"old", 60, 0) is Landing.OVERTAKEN
        assert tier.get(KEY) is None
    store(tier, KEY, b"new")
    found = tier.get(KEY)
    assert found is not None
    assert found[0] == b"new"


def test_an_operator_is_told_when_a_purge_fails() -> None:
    """The text says what is wrong and what to do, and neither it nor its cause shows the URL."""
    with redis_server(password="geheim-canary") as server, shared_tier(server.url) as tier:
        server.kill()
        with pytest.raises(InternalError, match=r"\(refused\).*purge again") as raised:
            tier.purge(None, hard=False)
    assert str(server.port) not in str(raised.value)
    assert raised.value.__suppress_context__
    assert raised.value.retry_after_s == 5


def test_without_a_shared_tier_each_process_is_on_its_own() -> None:
    """Nothing is stored, every caller leads, and a purge reaches this process' subscribers."""
    alone: SharedTier = NoSharedTier()
    house = House()
    house.ask(CampaignQuery(vdn=7))
    alone.subscribe(house.cache)
    lease = alone.try_lead(KEY)
    assert lease is not None
    assert lease.shared is False
    alone.announce(lease)
    assert alone.land(lease, b"entry", 60, 0) is Landing.NOT_SHARED
    alone.fail(lease, UpstreamFailed("no"))
    alone.follow(KEY, Deadline.after(10))
    alone.delete(KEY)
    assert (alone.get(KEY), alone.purge(7, hard=False), alone.state()) == (None, 0, "off")
    assert house.cache.explain(CampaignQuery(vdn=7)).rung == "stale-if-error"
    alone.unsubscribe(house.cache)
    alone.unsubscribe(house.cache)
    alone.purge(7, hard=True)
    assert house.cache.explain(CampaignQuery(vdn=7)).tier == "process"
    alone.close()
