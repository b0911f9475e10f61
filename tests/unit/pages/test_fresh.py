"""Fresh pages for those who may get no other: looked for in both tiers, and nothing done beside."""

from gateway.errors import UpstreamFailed
from gateway.model import CacheOutcome, Deadline, RequestDirectives, ServedPage
from tests.support.campaigns import page_of
from tests.support.clock import FakeClock
from tests.support.page_cache import QUERY, House
from tests.support.redis_server import redis_server
from tests.support.shared_tier import shared_tier


def peek(house: House) -> ServedPage | None:
    """Return the page that a hit is given on the short way."""
    peeked = house.cache.peek(house.key(QUERY))
    return None if peeked is None else peeked[0]


def test_only_fresh_pages_are_given() -> None:
    """None, a fresh one as a hit, and none again when it is stale; nothing is fetched or refreshed for it."""
    house = House()
    assert house.cache.fresh(QUERY) is None
    assert peek(house) is None
    house.ask()
    house.clock.advance(10)
    served, peeked = house.cache.fresh(QUERY), peek(house)
    assert served is not None
    assert peeked is not None
    assert served._replace(load=peeked.load) == peeked
    assert served.page == peeked.page == house.answer
    assert (served.outcome, served.tier, served.age_s, served.fresh_for_s) == (CacheOutcome.HIT, "process", 10.0, 5.0)
    house.clock.advance(5)
    assert house.cache.fresh(QUERY) is None
    assert peek(house) is None
    assert not house.cache.explain(QUERY).fetch_under_way
    assert len(house.fetched) == 1


class TickingClock(FakeClock):
    """Seconds of which each look at the clock takes one."""

    def __call__(self) -> float:
        """Return the next second."""
        self.advance(1)
        return self.now


def test_what_is_told_of_a_page_is_of_the_moment_of_the_decision() -> None:
    """However long the way from one to the other, no page that is handed out as a fresh one is told of as stale."""
    for pause in range(15):
        clock = TickingClock()
        house = House(clock=clock)
        house.ask()
        clock.advance(pause)
        served = house.cache.fresh(QUERY)
        assert served is None or served.fresh_for_s > 0
        served = house.cache.serve(QUERY, Deadline.after(10))
        assert (served.fresh_for_s > 0) == (served.detail == ""), pause
        assert (served.outcome is CacheOutcome.STALE) == bool(served.detail)


def test_a_page_that_is_served_for_want_of_a_better_one_is_not_fresh() -> None:
    """While fetching fails, stale pages are served at once, but not as fresh ones."""
    house = House()
    house.ask()
    house.clock.advance(100)
    house.answer = UpstreamFailed("no")
    assert house.ask().outcome is CacheOutcome.STALE
    assert house.cache.fresh(QUERY) is None


def test_what_is_peeked_at_is_good_until_it_is_told() -> None:
    """Until it is to be refreshed ahead or is stale, whichever is first; and it is none from then on."""
    house = House(refresh_ahead=0.8)
    house.ask()
    peeked = house.cache.peek(house.key(QUERY))
    assert peeked is not None
    assert peeked[1] == house.clock() + 12.0
    house.clock.advance(12)
    assert peek(house) is None
    assert house.cache.fresh(QUERY) is not None
    assert len(house.fetched) == 1


def test_every_change_of_what_is_held_is_told() -> None:
    """Whoever keeps what was made of a page notices that another one may be there, or that it is not to be shown."""
    house = House()
    house.ask()
    seen = [house.cache.version.number]
    for change in (
        lambda: house.cache.doubted(house.key(QUERY)),
        lambda: house.cache.purge(1),
        house.ask,
        lambda: house.cache.purge(1, hard=True),
        lambda: house.tiers.discard(house.key(QUERY)),
    ):
        change()
        assert house.cache.version.number > seen[-1]
        seen.append(house.cache.version.number)


def test_a_caller_over_its_limit_may_say_how_old_a_page_may_be() -> None:
    """Nothing is fetched for it; what it asks for is heeded all the same."""
    house = House()
    house.ask()
    house.clock.advance(5)
    assert house.cache.fresh(QUERY, RequestDirectives(max_age_s=5)) is not None
    assert house.cache.fresh(QUERY, RequestDirectives(max_age_s=4)) is None
    assert house.cache.fresh(QUERY, RequestDirectives(only_if_cached=True)) is not None
    house.clock.advance(15)
    assert house.cache.fresh(QUERY, RequestDirectives(only_if_cached=True)) is None
    assert len(house.fetched) == 1


def test_a_purged_page_is_not_fresh() -> None:
    """However young it is, it is not given as a fresh one."""
    house = House()
    house.ask()
    house.cache.purge(1)
    assert house.cache.fresh(QUERY) is None
    assert peek(house) is None


def test_a_fresh_page_of_another_process_is_given() -> None:
    """One that another process has fetched is found in the shared tier and held; a purge is heard of."""
    with redis_server() as server, shared_tier(server.url) as first, shared_tier(server.url) as second:
        one, two = House(shared=first), House(shared=second)
        one.answer = page_of(5)
        one.ask()
        served = two.cache.fresh(QUERY)
        assert served is not None
        assert (served.outcome, served.tier, served.page) == (CacheOutcome.HIT, "shared", page_of(5))
        again = two.cache.fresh(QUERY)
        assert again is not None
        assert (again.tier, again.page) == ("process", page_of(5))
        two.cache.purge(1)
        assert two.cache.fresh(QUERY) is None
        assert two.fetched == []
