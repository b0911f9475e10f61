"""Pages that another process has fetched: purges of them are heard of, and they are counted as what they are."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import UpstreamFailed
from gateway.model import CacheOutcome, Deadline, ServedPage
from gateway.pages.freshness import Lifetimes, Rung
from gateway.pages.shared import NoSharedTier, Subscriber
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House
from tests.support.redis_server import redis_server
from tests.support.shared_tier import shared_tier
from tests.support.waiting import wait_until


def test_a_page_that_was_only_looked_at_is_purged_too() -> None:
    """Who explains a page holds it from then on, and hears of purges from then on."""
    with redis_server() as server, shared_tier(server.url) as first, shared_tier(server.url) as second:
        one, two = House(shared=first), House(shared=second)
        one.ask()
        assert two.cache.explain(QUERY).tier == "shared"
        assert two.cache.explain(QUERY).tier == "process"
        one.cache.purge(1)
        wait_until(lambda: two.cache.explain(QUERY).rung is Rung.STALE_IF_ERROR)
        one.cache.purge(1, hard=True)
        wait_until(lambda: two.cache.explain(QUERY).tier is None)


def test_an_old_page_of_another_process_counts_as_one() -> None:
    """Served while fetching fails, it is of the shared tier at first and of the process after that."""
    with redis_server() as server, shared_tier(server.url) as first, shared_tier(server.url) as second:
        one, two = (House(shared=tier, lifetimes=Lifetimes(0, 0, 3600)) for tier in (first, second))
        one.ask()
        two.answer = UpstreamFailed("x")
        served = [two.ask(), two.ask()]
        assert [(page.outcome, page.tier) for page in served] == [
            (CacheOutcome.STALE, "shared"),
            (CacheOutcome.STALE, "process"),
        ]


def test_a_newer_old_page_of_another_process_counts_as_one() -> None:
    """It takes the place of the older one that was held here."""
    with redis_server() as server, shared_tier(server.url) as first, shared_tier(server.url) as second:
        one, two = (House(shared=tier, lifetimes=Lifetimes(0, 0, 3600)) for tier in (first, second))
        two.ask()
        for house in (one, two):
            house.clock.advance(50)
        one.answer = page_of(9)
        one.ask()
        two.answer = UpstreamFailed("x")
        served = list[ServedPage]()

        def newer() -> bool:
            served.append(two.cache.serve(QUERY, Deadline.after(10)))
            return served[-1].page == page_of(9)

        wait_until(newer)
        assert (served[-1].outcome, served[-1].tier) == (CacheOutcome.STALE, "shared")
        assert (two.ask().page, two.ask().tier) == (page_of(9), "process")


def test_purges_are_subscribed_to_once() -> None:
    """Whoever comes at the same time waits until the first has subscribed."""
    entered, go_on = threading.Event(), threading.Event()
    subscribed = []

    class Slow(NoSharedTier):
        def subscribe(self, subscriber: Subscriber) -> None:
            subscribed.append(subscriber)
            entered.set()
            assert go_on.wait(10)

    cache = House(shared=Slow()).cache
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.subscribe)
        assert entered.wait(10)
        second = pool.submit(cache.subscribe)
        with pytest.raises(TimeoutError):
            second.result(0.2)
        go_on.set()
        assert (first.result(10), second.result(10)) == (None, None)
    assert len(subscribed) == 1
