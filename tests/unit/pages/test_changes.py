"""Callers who wait for a change of a page, and what wakes them."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import count

import pytest

from gateway.model import CampaignQuery
from gateway.pages.changes import Changes, Woken
from gateway.pages.watch import Watch
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House
from tests.support.threads import no_more_threads
from tests.support.waiting import wait_until

LONG_S = 30.0


class Waiting:
    """A house with callers who wait for changes of its pages."""

    def __init__(self, house: House, pool: ThreadPoolExecutor) -> None:
        self.house = house
        self.changes = Changes(Watch(house.fetches, house.tiers, house.failures, 1.0, house.clock), house.clock)
        house.tiers.noticed = self.changes.notice
        self.key = house.key(QUERY)
        self.etag = house.ask().rendered.identity.etag
        self._pool = pool

    def begin(self, number: int = 1, etag: str | None = None, query: CampaignQuery = QUERY) -> "list[Future[Woken]]":
        """Have so many callers wait, and return when they do."""
        before, key = self.waiting, self.house.key(query)
        waits = [self._pool.submit(self.changes.wait, key, query, etag or self.etag, LONG_S) for _ in range(number)]
        wait_until(lambda: self.waiting == before + number or any(wait.done() for wait in waits))
        return waits

    @property
    def waiting(self) -> int:
        """How many sleep."""
        watched = list(self.changes._watched.values())  # noqa: SLF001 -- nothing else tells how far threads have come
        return sum(len(each.flight._waiting) for one in watched for each in list(one.by_etag.values()))  # noqa: SLF001 -- tells who waits

    def change(self, *ids: int) -> None:
        """Have another page land."""
        self.house.answer = page_of(*ids)
        self.house.clock.advance(15)
        self.house.ask()


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    """Return a house in which a page is at hand, with nobody who waits yet."""
    with ThreadPoolExecutor(200) as pool:
        made = Waiting(House(), pool)
        with closing(made.changes):
            yield made


def test_all_who_wait_are_woken_by_one_change(waiting: Waiting) -> None:
    """A hundred callers, each in its own thread; then nobody is remembered."""
    waits = waiting.begin(100)
    waiting.change(3)
    assert {wait.result(10) for wait in waits} == {Woken.CHANGED}
    assert not waiting.changes._watched  # noqa: SLF001 -- what is left behind shows nowhere else


def test_the_same_page_anew_wakes_nobody(waiting: Waiting) -> None:
    """Its tag is that of its bytes; who waits goes on until its time is over."""
    (wait,) = waiting.begin()
    waiting.change(1, 2)
    waiting.changes.look(waiting.key)
    assert waiting.waiting == 1
    waiting.change(3)
    assert wait.result(10) is Woken.CHANGED


def test_time_is_over_for_one_and_not_for_others(waiting: Waiting) -> None:
    """A waiter whose time is over leaves; the others of the same page go on waiting."""
    (wait,) = waiting.begin()
    assert waiting.changes.wait(waiting.key, QUERY, waiting.etag, 0.01) is Woken.TIME_OVER
    assert waiting.waiting == 1
    waiting.change(3)
    assert wait.result(10) is Woken.CHANGED


def test_who_holds_another_page_does_not_wait(waiting: Waiting) -> None:
    """It may have changed between a look and the wait; those who hold the page of now are not disturbed."""
    (wait,) = waiting.begin()
    assert waiting.changes.wait(waiting.key, QUERY, '"another"', LONG_S) is Woken.CHANGED
    assert waiting.changes.wait("no such page", QUERY, waiting.etag, LONG_S) is Woken.CHANGED
    assert waiting.waiting == 1
    waiting.changes.wake_all()
    assert wait.result(10) is Woken.ALL


def test_a_page_is_kept_fresh_while_somebody_waits_and_only_then(waiting: Waiting) -> None:
    """One look at each moment that it is due, whoever waits; nobody looks when nobody waits."""
    house = waiting.house
    waits = waiting.begin(20)
    house.clock.advance(15)
    waiting.changes.look_at_due()
    wait_until(lambda: house.fetches.of(waiting.key) is None)
    assert len(house.fetched) == 2
    house.answer = page_of(3)
    house.clock.advance(15)
    waiting.changes.look_at_due()
    assert {wait.result(10) for wait in waits} == {Woken.CHANGED}
    assert len(house.fetched) == 3
    house.clock.advance(15)
    waiting.changes.look_at_due()
    waiting.changes.notice(None)
    assert len(house.fetched) == 3


def test_a_page_that_is_gone_has_all_ask_anew(waiting: Waiting) -> None:
    """There is nothing left to hold on to."""
    (wait,) = waiting.begin()
    waiting.house.cache.purge(1, hard=True)
    assert wait.result(10) is Woken.CHANGED


def test_changes_of_others_are_nobodys_concern(waiting: Waiting) -> None:
    """A change of one page wakes nobody who waits for another."""
    other = CampaignQuery(vdn=1, page=2)
    waiting.house.ask(other)
    (wait,) = waiting.begin()
    (its_wait,) = waiting.begin(query=other)
    waiting.house.tiers.discard(waiting.house.key(other))
    assert its_wait.result(10) is Woken.CHANGED
    assert not wait.done()
    waiting.changes.wake_all()
    assert wait.result(10) is Woken.ALL


def test_a_look_that_fails_has_all_ask_anew(waiting: Waiting) -> None:
    """A bug is not to keep anybody waiting, and is logged; the thread goes on."""
    numbers = count()

    class Broken(Watch):
        def look(self, *_: object) -> "object":  # type: ignore[override]  # -- it gives nothing
            raise ZeroDivisionError(next(numbers))

    (wait,) = waiting.begin()
    house = waiting.house
    waiting.changes.watch_by(Broken(house.fetches, house.tiers, house.failures, 1.0, house.clock))
    waiting.changes.notice(waiting.key)
    assert wait.result(10) is Woken.CHANGED
    assert next(numbers) == 1


def test_a_system_without_threads_costs_freshness_only(waiting: Waiting) -> None:
    """Who waits is answered when its time is over, and the next one tries again."""
    with no_more_threads():
        assert waiting.changes.wait(waiting.key, QUERY, '"another"', LONG_S) is Woken.CHANGED
        assert waiting.changes.wait(waiting.key, QUERY, waiting.etag, 0.01) is Woken.TIME_OVER
    (wait,) = waiting.begin()
    waiting.change(3)
    assert wait.result(10) is Woken.CHANGED


def test_nothing_is_left_behind_when_it_is_closed(waiting: Waiting) -> None:
    """The thread ends, and who waits is woken."""
    (wait,) = waiting.begin()
    waiting.changes.close()
    assert wait.result(10) is Woken.ALL
    wait_until(lambda: not any(thread.name == "page-watch" for thread in threading.enumerate()))
