"""Refreshes in the background, and what failed a moment ago."""

import threading

from gateway.errors import UpstreamFailed
from gateway.model import CampaignQuery
from gateway.pages.failures import RecentFailures
from gateway.pages.refresh import Refresher
from tests.support.clock import FakeClock
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


def test_nothing_begins_after_the_end() -> None:
    """What waits is dropped, what is under way goes on, and to say it twice is to say it once."""
    release, started, done = threading.Event(), threading.Event(), list[str]()

    def work(key: str, query: CampaignQuery) -> None:
        started.set()
        assert release.wait(10)
        done.append(key)

    refresher = Refresher(work, workers=1)
    assert refresher.kick("a", QUERY)
    assert started.wait(10)
    assert refresher.kick("b", QUERY)
    refresher.close()
    refresher.close()
    assert refresher.kick("c", QUERY) is False
    release.set()
    wait_until(lambda: not refresher.is_under_way("a"))
    assert (done, refresher.is_under_way("b")) == (["a"], False)


def test_a_failure_is_recent_for_a_while() -> None:
    """It is remembered for its time, or until it is forgotten; the oldest make room."""
    clock = FakeClock()
    failures = RecentFailures(pause_s=2, most=2, clock=clock)
    error = UpstreamFailed("x")
    failures.remember("a", error)
    assert failures.recent("a") is error
    assert failures.recent("b") is None
    clock.advance(2)
    assert failures.recent("a") is None
    for key in "abc":
        failures.remember(key, error)
    assert [failures.recent(key) is not None for key in "abc"] == [False, True, True]
    failures.forget("c")
    assert failures.recent("c") is None
