"""Refreshes in the background, and what failed a moment ago."""

import threading

from gateway.model import CampaignQuery
from gateway.pages.refresh import Refresher
from tests.support.threads import no_more_threads
from tests.support.waiting import wait_until

QUERY = CampaignQuery(vdn=1)


def test_so_many_at_once_and_each_key_once() -> None:
    """With two workers two keys are at work; a third waits; a key that waits or works is not taken again."""
    release, working, most = threading.Event(), set[str](), []
    done: list[str] = []

    def work(key: str, query: CampaignQuery) -> None:
        working.add(key)
        most.append(len(working))
        assert release.wait(10)
        working.discard(key)
        done.append(key)

    refresher = Refresher(work, workers=2)
    assert [refresher.kick(key, QUERY) for key in ("a", "b", "c", "a", "c")] == [True, True, True, False, False]
    wait_until(lambda: len(working) == 2)
    assert all(refresher.is_under_way(key) for key in "abc")
    release.set()
    wait_until(lambda: sorted(done) == ["a", "b", "c"])
    assert max(most) == 2
    wait_until(lambda: not refresher.is_under_way("c"))
    assert refresher.kick("a", QUERY) is True


def test_a_kick_beyond_the_backlog_is_dropped() -> None:
    """It can be made again when there is room."""
    release, started = threading.Event(), threading.Event()

    def work(key: str, query: CampaignQuery) -> None:
        started.set()
        assert release.wait(10)

    refresher = Refresher(work, workers=1, backlog=1)
    assert refresher.kick("a", QUERY)
    assert started.wait(10)
    assert refresher.kick("b", QUERY)
    assert refresher.kick("c", QUERY) is False
    assert refresher.is_under_way("c") is False
    release.set()
    wait_until(lambda: not refresher.is_under_way("b"))
    assert refresher.kick("c", QUERY)


def test_after_the_end_threads_end_and_nothing_is_refreshed_any_more() -> None:
    """What is under way is finished, what waits for it is forgotten, and a new kick is refused."""
    release, begun, done = threading.Event(), list[str](), list[str]()
    before = set(threading.enumerate())

    def work(key: str, query: CampaignQuery) -> None:
        begun.append(key)
        assert release.wait(10)
        done.append(key)

    refresher = Refresher(work, workers=2)
    assert all(refresher.kick(key, QUERY) for key in ("a", "b", "c"))
    wait_until(lambda: len(begun) == 2)
    refresher.close()
    assert refresher.kick("d", QUERY) is False
    assert not refresher.is_under_way("c")
    release.set()
    wait_until(lambda: not set(threading.enumerate()) - before)
    assert sorted(done) == ["a", "b"]


def test_without_a_thread_a_kick_is_dropped_and_the_next_one_tries_again() -> None:
    """With one thread of two at work, what is kicked waits for that one."""
    release, done = threading.Event(), list[str]()

    def work(key: str, query: CampaignQuery) -> None:
        assert release.wait(10)
        done.append(key)

    refresher = Refresher(work, workers=2)
    with no_more_threads():
        assert refresher.kick("a", QUERY) is False
    assert not refresher.is_under_way("a")
    assert refresher.kick("a", QUERY)
    with no_more_threads():
        assert refresher.kick("b", QUERY)
    release.set()
    wait_until(lambda: done == ["a", "b"])
    refresher.close()
