"""Who was shown a page is not shown an older one later, whichever process answers, where they share a Redis."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from gateway.model import CampaignPage, CampaignQuery, Deadline, ServedPage
from gateway.pages.freshness import Lifetimes
from gateway.pages.redis_tier import RedisTier
from gateway.pages.shared import Lease
from gateway.shared_store.backend import WAIT_S
from gateway.shared_store.store import SharedStore
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import Faults

LANDINGS = 25
SHORT = Lifetimes(fresh_s=0.01, stale_while_revalidate_s=60, stale_if_error_s=60)


class Upstream:
    """Gives a newer page each time, and knows the newest that anybody was shown.

    A process that is too busy to answer for `WAIT_S` is not waited for, so what landed meanwhile is `excused`.
    """

    def __init__(self) -> None:
        self.newest_shown = 0
        self.fetched = 0
        self.excused: set[int] = set()
        self._numbers = count(1)
        self._here = threading.local()
        self._lock = threading.Lock()

    def fetch(self, query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        """Return a page of which the only campaign has the next number."""
        with self._lock:
            self.fetched = self._here.number = next(self._numbers)
        return page_of(self._here.number)

    def tier(self, store: SharedStore) -> RedisTier:
        """Return a shared tier that notes which pages landed before all had heard of them."""
        upstream = self

        class Watched(RedisTier):
            def announce(self, lease: Lease) -> None:
                began = time.monotonic()
                super().announce(lease)
                if time.monotonic() - began >= WAIT_S:
                    # What landed while Redis was in trouble is announced by another thread than fetched it.
                    upstream.excused.add(getattr(upstream._here, "number", 0))

        return Watched(store)

    def read(self, turn: list[House]) -> list[tuple[int, int]]:
        """Ask these one after the other; return each page that was older than one that had been shown before."""
        older = []
        while self.fetched < LANDINGS:
            for house in turn:
                before = self.newest_shown
                number = house.cache.serve(QUERY, Deadline.after(10)).page.campaigns[0].id
                if number < before:
                    older.append((number, before))
                with self._lock:
                    if number not in self.excused:
                        self.newest_shown = max(self.newest_shown, number)
        return older


@pytest.mark.parametrize("readers", ["a a b b", "two of each at once"])
def test_no_process_shows_an_older_page_than_any_has_shown(
    readers: str, make_house: Callable[..., House], redis: RedisServer, faults: Faults
) -> None:
    """Over many landings, in turns or as fast as they can; it is tried again where Redis was in trouble meanwhile."""
    for _ in range(5):
        with redis.client() as client:
            client.flushall()
        faults.clear()
        upstream = Upstream()
        houses = [make_house(upstream.tier, fetch=upstream.fetch, lifetimes=SHORT) for _ in range(2)]
        turns = (
            [[houses[0], houses[0], houses[1], houses[1]]] if readers == "a a b b" else [[one] for one in houses * 2]
        )
        with ThreadPoolExecutor(len(turns)) as pool:
            read = [pool.submit(upstream.read, turn) for turn in turns]
            older = [each.result(120) for each in read]
        if not faults and len(upstream.excused) < upstream.fetched / 2:
            assert older == [[]] * len(turns)
            return
    raise AssertionError(f"Redis was in trouble all the time: {faults}, or processes did not answer")


def shown(house: House) -> ServedPage:
    """Return what a process shows."""
    return house.cache.serve(QUERY, Deadline.after(10))


def test_a_leader_that_has_no_page_is_heard_by_those_who_have_one(
    make_house: Callable[..., House], redis: RedisServer
) -> None:
    """Redis has lost the page, and one process too; the other one shows the new page all the same."""
    one, two = make_house(), make_house()
    for house in (one, two):
        assert shown(house).page == page_of(1, 2)
    with redis.client() as client:
        client.flushall()
    one.memory.clear()
    one.answer = page_of(3)
    assert shown(one).page == page_of(3)
    assert shown(two).page == page_of(3)


def test_a_page_that_is_refreshed_ahead_by_one_process_is_taken_by_the_other(
    make_house: Callable[..., House],
) -> None:
    """One call for both: the first who asks refreshes, and the others show the new page as soon as it is there."""
    one, two = (make_house(refresh_ahead=0.001) for _ in range(2))
    for house in (one, two):
        shown(house)
    for house in (one, two):
        house.answer = page_of(7)
    assert shown(one).outcome == "hit"
    while shown(one).page != page_of(7):
        pass
    served = shown(two)
    assert (served.page, served.outcome) == (page_of(7), "hit")
    assert two.fetched == []


def test_a_refresh_behind_that_another_process_was_faster_with_makes_no_call(make_house: Callable[..., House]) -> None:
    """It wants a page that is younger than the one it replaces, and finds it in Redis."""
    lifetimes = Lifetimes(fresh_s=30, stale_while_revalidate_s=60, stale_if_error_s=60)
    one, two = (make_house(lifetimes=lifetimes) for _ in range(2))
    old = shown(one)
    shown(two)
    one.answer = page_of(7)
    held = two.tiers.held(two.key(QUERY))
    assert held is not None
    one.fetches.here(one.key(QUERY), QUERY, time.monotonic())
    boarding = two.fetches.here(two.key(QUERY), QUERY, held.stored_at)
    assert boarding.flight.result is not None
    assert (boarding.flight.result.fetched, boarding.flight.result.held.page()) == (False, page_of(7))
    assert (old.page, two.fetched) == (page_of(1, 2), [])
