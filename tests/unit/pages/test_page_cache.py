"""The driver: look up, fetch once, store, hand out."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask_caching import Cache

from gateway.errors import UpstreamFailed
from gateway.model import CacheOutcome, CampaignPage, CampaignQuery, CampaignStatus, Deadline
from gateway.pages.codec import StoredPage
from gateway.pages.freshness import FreshnessPolicy
from gateway.pages.key import page_key
from gateway.pages.page_cache import PageCache
from gateway.pages.store import PageStore
from gateway.telemetry.metrics import Metrics
from tests.support.campaigns import page_of
from tests.support.clock import FakeClock

QUERY = CampaignQuery(vdn=1)
IN_PROCESS = {"CACHE_TYPE": "gateway.pages.memory.ProcessCache", "CACHE_MAX_BYTES": 1_000_000}


class BlinkingStore(PageStore):
    """A store that sees nothing while `blinks` are left."""

    blinks = 0

    def get(self, key: str) -> StoredPage | None:
        """Return nothing once for each blink."""
        if self.blinks:
            self.blinks -= 1
            return None
        return super().get(key)


class House:
    """A page cache with a clock, a store and an upstream that the test holds in its hands."""

    def __init__(
        self,
        fetch: Callable[[CampaignQuery, Deadline], CampaignPage] | None = None,
        freshness: FreshnessPolicy = FreshnessPolicy(fresh_s=15.0, fresh_completed_s=300.0),  # noqa: B008 -- frozen
    ) -> None:
        self.clock = FakeClock()
        self.fetched: list[CampaignQuery] = []
        self.answer: CampaignPage | Exception = page_of(1, 2)
        self.store: Cache = Cache(Flask("test"), config=IN_PROCESS)
        self.metrics = Metrics()
        self.pages = BlinkingStore(self.store, self.metrics)
        self.cache = PageCache(
            fetch or self.fetch,
            self.pages,
            lambda query: page_key(query, "test"),
            freshness,
            self.metrics,
            self.clock,
        )

    def fetch(self, query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        """Answer as the test has set it."""
        self.fetched.append(query)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def ask(self, query: CampaignQuery = QUERY) -> tuple[CacheOutcome, float, float]:
        """Ask the cache; return outcome, age and time left."""
        served = self.cache.serve(query, Deadline.after(10))
        assert served.page == self.answer
        return served.outcome, served.age_s, served.fresh_for_s

    def count(self, name: str, **labels: str) -> float:
        """Return a number of the metrics."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def test_a_page_is_fetched_once_while_it_is_fresh() -> None:
    """The first caller misses, the next ones hit, with the age and the time left."""
    house = House()
    assert house.ask() == (CacheOutcome.MISS, 0.0, 15.0)
    house.clock.advance(10)
    assert house.ask() == (CacheOutcome.HIT, 10.0, 5.0)
    house.clock.advance(5)
    assert house.ask() == (CacheOutcome.MISS, 0.0, 15.0)
    assert len(house.fetched) == 2
    assert house.count("campaign_gateway_cache_lookups_total", outcome="hit") == 1
    assert house.count("campaign_gateway_cache_lookups_total", outcome="miss") == 2


def test_completed_campaigns_stay_fresh_for_longer() -> None:
    """Only the pages that are asked for with that status do."""
    house = House()
    completed = CampaignQuery(vdn=1, status=CampaignStatus.COMPLETED)
    assert house.ask(completed) == (CacheOutcome.MISS, 0.0, 300.0)
    house.clock.advance(299)
    assert house.ask(completed) == (CacheOutcome.HIT, 299.0, 1.0)


def test_different_questions_have_pages_of_their_own() -> None:
    """Another VDN is another question."""
    house = House()
    house.ask()
    assert house.ask(CampaignQuery(vdn=2))[0] is CacheOutcome.MISS
    assert house.ask(CampaignQuery(vdn=1, locale="en_US"))[0] is CacheOutcome.HIT


def test_a_failure_is_not_kept() -> None:
    """After a failure the next caller fetches again."""
    house = House()
    house.answer = UpstreamFailed("down")
    for _ in range(2):
        with pytest.raises(UpstreamFailed):
            house.cache.serve(QUERY, Deadline.after(10))
    house.answer = page_of(3)
    assert house.ask()[0] is CacheOutcome.MISS
    assert len(house.fetched) == 3


def test_concurrent_misses_make_one_fetch() -> None:
    """Fifty callers of one cold page make one fetch; the others are collapsed into it or hit."""
    entered, release, fetched = threading.Event(), threading.Event(), []

    def slow(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        fetched.append(query)
        entered.set()
        assert release.wait(10)
        return page_of(1)

    house = House(slow)
    with ThreadPoolExecutor(50) as pool:
        first = pool.submit(house.cache.serve, QUERY, Deadline.after(10))
        assert entered.wait(10)
        others = [pool.submit(house.cache.serve, QUERY, Deadline.after(10)) for _ in range(49)]
        release.set()
        outcomes = [first.result(10).outcome] + [other.result(10).outcome for other in others]
    assert outcomes[0] is CacheOutcome.MISS
    assert set(outcomes[1:]) <= {CacheOutcome.COLLAPSED, CacheOutcome.HIT}
    assert len(fetched) == 1


def test_who_comes_just_after_a_landing_does_not_fetch_again() -> None:
    """A caller that missed before the page was stored finds it when its turn comes."""
    house = House()
    house.ask()
    house.pages.blinks = 1
    assert house.ask()[0] is CacheOutcome.HIT
    assert len(house.fetched) == 1


@pytest.mark.parametrize("planted", [b"rubbish", "text", {"a": 1}, b""])
def test_an_entry_that_is_not_ours_is_a_miss_once(planted: object) -> None:
    """It is deleted and counted; then the page is fetched and hits follow."""
    house = House()
    house.store.set(page_key(QUERY, "test"), planted, timeout=100)
    assert house.ask()[0] is CacheOutcome.MISS
    assert house.ask()[0] is CacheOutcome.HIT
    assert house.count("campaign_gateway_cache_unreadable_entries_total") == 1


def test_nothing_is_kept_when_nothing_is_fresh() -> None:
    """With a lifetime of nothing every caller fetches."""
    house = House(freshness=FreshnessPolicy(0.0, 0.0))
    assert house.ask()[0] is CacheOutcome.MISS
    assert house.ask()[0] is CacheOutcome.MISS
