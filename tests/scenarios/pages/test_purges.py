"""Purges over processes: soft ones leave the page for trouble, hard ones do not, and none is undone by a failover."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import UpstreamFailed
from gateway.model import CampaignPage, CampaignQuery, Deadline
from gateway.pages.freshness import Rung
from gateway.shared_store.backend import KEY_PREFIX
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import EPOCH
from tests.support.waiting import wait_until

OLD, NEW = page_of(1), page_of(2)


class Snapshot:
    """All that was in a Redis at one moment, with the times at which it ends: what a replica that fell behind has."""

    def __init__(self, redis: RedisServer) -> None:
        self._redis = redis
        with redis.client() as client:
            seconds, microseconds = client.time()
            now_ms = seconds * 1000 + microseconds // 1000
            self._kept: list[tuple[bytes, int, Any]] = [
                (key, now_ms + client.pttl(key), client.dump(key)) for key in client.keys(f"{KEY_PREFIX}*")
            ]

    def take_over(self) -> None:
        """Have it instead of what there is, and cut all who listen off."""
        with self._redis.client() as client:
            client.flushall()
            for key, ends_at_ms, value in self._kept:
                client.restore(key, ends_at_ms, value, absttl=True)
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")


def ask(house: House) -> CampaignPage:
    """Return the page that a process shows."""
    return house.cache.serve(QUERY, Deadline.after(10)).page


@pytest.fixture
def houses(make_house: Callable[..., House]) -> list[House]:
    """Return two processes that have the old page, of an upstream that fails from now on."""
    made = [make_house(), make_house()]
    for house in made:
        house.answer = OLD
        assert ask(house) == OLD
        house.answer = UpstreamFailed("down")
    return made


def test_a_soft_purge_leaves_the_page_for_trouble(houses: list[House]) -> None:
    """In every process it is stale at once, said to be so, and replaced by the first good answer."""
    one, two = houses
    assert one.cache.purge(1) == 1
    wait_until(lambda: two.cache.explain(QUERY).rung is Rung.STALE_IF_ERROR)
    for house in houses:
        served = house.cache.serve(QUERY, Deadline.after(10))
        assert (served.page, served.detail, served.outcome) == (OLD, "upstream-failed", "stale")
    two.answer = NEW
    two.fetches.here(two.key(QUERY), QUERY, float("-inf"))
    assert [ask(house) for house in houses] == [NEW, NEW]


def test_a_hard_purge_leaves_nothing(houses: list[House]) -> None:
    """No process shows a page that was purged hard, not even in trouble."""
    one, two = houses
    assert one.cache.purge(1, hard=True) == 1
    wait_until(lambda: two.cache.explain(QUERY).tier is None)
    for house in houses:
        with pytest.raises(UpstreamFailed):
            ask(house)


def test_a_process_that_has_no_page_takes_a_purged_one_for_trouble_only(
    houses: list[House], make_house: Callable[..., House]
) -> None:
    """Also one that begins after the purge."""
    houses[0].cache.purge(1)
    later = make_house()
    assert later.cache.explain(QUERY).rung is Rung.STALE_IF_ERROR
    later.answer = UpstreamFailed("down")
    assert ask(later) == OLD
    later.failures.succeeded(later.key(QUERY), 1)
    later.answer = NEW
    assert ask(later) == NEW


@pytest.mark.parametrize("hard", [False, True])
def test_a_purge_stays_in_force_when_redis_is_replaced_by_one_from_before_it(
    hard: bool,  # noqa: FBT001 -- a column of the table
    houses: list[House],
    redis: RedisServer,
    make_house: Callable[..., House],
) -> None:
    """The new master has the old page and never heard of the purge; it is told, so that later processes know too."""
    before = Snapshot(redis)
    one, two = houses
    one.cache.purge(None, hard=hard)
    wait_until(lambda: two.cache.explain(QUERY).rung is (None if hard else Rung.STALE_IF_ERROR))
    before.take_over()
    with redis.client() as client:
        assert client.exists(KEY_PREFIX + one.key(QUERY))
        for house in houses:
            house.memory.clear()
            assert house.cache.explain(QUERY).rung is (None if hard else Rung.STALE_IF_ERROR)
        wait_until(lambda: client.exists(KEY_PREFIX + EPOCH))
    later = make_house()
    assert later.cache.explain(QUERY).rung is Rung.STALE_IF_ERROR
    for house in (*houses, later):
        house.failures.succeeded(house.key(QUERY), 1)
        house.answer = NEW
    assert [ask(house) for house in (one, two, later)] == [NEW] * 3


def test_a_purge_stays_in_force_when_redis_is_emptied(houses: list[House], redis: RedisServer) -> None:
    """What a process still holds is as purged as it was, and gives way to the first page from then on."""
    one, two = houses
    one.cache.purge(1)
    wait_until(lambda: two.cache.explain(QUERY).rung is Rung.STALE_IF_ERROR)
    with redis.client() as client:
        client.flushall()
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        wait_until(lambda: client.exists(KEY_PREFIX + EPOCH))
    assert [house.cache.explain(QUERY).rung for house in houses] == [Rung.STALE_IF_ERROR] * 2
    two.answer = NEW
    two.fetches.here(two.key(QUERY), QUERY, float("-inf"))
    assert [ask(house) for house in houses] == [NEW, NEW]


def test_a_purge_of_one_vdn_leaves_the_others(houses: list[House]) -> None:
    """Pages of other VDNs stay fresh in all processes."""
    other = CampaignQuery(vdn=2)
    one, two = houses
    one.answer = OLD
    one.fetches.here(one.key(other), other, float("-inf"))
    assert two.cache.explain(other).rung is Rung.FRESH
    for _ in range(5):
        two.cache.purge(1, hard=True)
        wait_until(lambda: one.cache.explain(QUERY).tier is None)
        if [house.cache.explain(other).rung for house in houses] == [Rung.FRESH] * 2:
            return
        # Who looks for missed purges just as one is told hears of one of all.
        for house in houses:
            house.answer = OLD
            for query in (QUERY, other):
                house.fetches.here(house.key(query), query, float("-inf"))
    raise AssertionError("a purge of one VDN is one of all")
