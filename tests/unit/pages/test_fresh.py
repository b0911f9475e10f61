"""Fresh pages for those who may get no other: looked for in both tiers, and nothing done beside."""

from gateway.errors import UpstreamFailed
from gateway.model import CacheOutcome
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House
from tests.support.redis_server import redis_server
from tests.support.shared_tier import shared_tier


def test_only_fresh_pages_are_given() -> None:
    """None, a fresh one as a hit, and none again when it is stale; nothing is fetched or refreshed for it."""
    house = House()
    assert house.cache.fresh(QUERY) is None
    assert house.cache.peek_fresh(house.key(QUERY)) is None
    house.ask()
    house.clock.advance(10)
    served, peeked = house.cache.fresh(QUERY), house.cache.peek_fresh(house.key(QUERY))
    assert served is not None
    assert served == peeked
    assert (served.outcome, served.tier, served.age_s, served.fresh_for_s) == (CacheOutcome.HIT, "process", 10.0, 5.0)
    house.clock.advance(5)
    assert house.cache.fresh(QUERY) is None
    assert house.cache.peek_fresh(house.key(QUERY)) is None
    assert not house.cache.explain(QUERY).fetch_under_way
    assert len(house.fetched) == 1


def test_a_page_that_is_served_for_want_of_a_better_one_is_not_fresh() -> None:
    """While fetching fails, stale pages are served at once, but not as fresh ones."""
    house = House()
    house.ask()
    house.clock.advance(100)
    house.answer = UpstreamFailed("no")
    assert house.ask().outcome is CacheOutcome.STALE
    assert house.cache.fresh(QUERY) is None


def test_what_is_given_is_counted_once() -> None:
    """`fresh` counts what it gives and nothing else; what is peeked at is for the caller to count."""
    house = House()
    house.cache.fresh(QUERY)
    house.ask()
    house.cache.fresh(QUERY)
    house.cache.peek_fresh(house.key(QUERY))
    assert house.count("cache_lookups_total", outcome="hit", rung="fresh", tier="process") == 1
    assert house.count("cache_lookups_total", outcome="miss", rung="", tier="") == 1


def test_a_fresh_page_of_another_process_is_given() -> None:
    """One that another process has fetched is found in the shared tier and held; a purge is heard of."""
    with redis_server() as server, shared_tier(server.url) as first, shared_tier(server.url) as second:
        one, two = House(shared=first), House(shared=second)
        one.answer = page_of(5)
        one.ask()
        served = two.cache.fresh(QUERY)
        assert served is not None
        assert (served.outcome, served.tier, served.page) == (CacheOutcome.HIT, "shared", page_of(5))
        assert two.count("cache_lookups_total", outcome="hit", rung="fresh", tier="shared") == 1
        assert two.cache.peek_fresh(two.key(QUERY)) is not None
        two.cache.purge(1)
        assert two.cache.fresh(QUERY) is None
        assert two.fetched == []
