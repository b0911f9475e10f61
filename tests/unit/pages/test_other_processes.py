"""Pages that another process has fetched: purges of them are heard of, and they are counted as what they are."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from gateway.errors import UpstreamFailed
from gateway.model import CacheOutcome
from gateway.pages.freshness import Lifetimes
from gateway.pages.shared import NoSharedTier, Purged
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


def test_purges_are_subscribed_to_once() -> None:
    """Whoever comes at the same time waits until the first has subscribed."""
    both = threading.Barrier(2)
    subscribed = []

    class Slow(NoSharedTier):
        def subscribe(self, purged: Purged) -> None:
            subscribed.append(purged)
            with suppress(threading.BrokenBarrierError):
                both.wait(0.1)

    cache = House(shared=Slow()).cache
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(cache.subscribe) for _ in range(2)]:
            done.result()
    assert len(subscribed) == 1
