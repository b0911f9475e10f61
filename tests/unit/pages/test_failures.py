"""What failed is remembered for a moment, and nothing else with it."""

import gc
import weakref

from gateway.errors import UpstreamFailed
from gateway.pages.failures import RecentFailures
from tests.support.clock import FakeClock

ERROR = UpstreamFailed("x", retry_after_s=7)


def test_a_failure_is_recent_for_a_while() -> None:
    """It is remembered for its time, or until it is forgotten; the oldest make room."""
    clock = FakeClock()
    failures = RecentFailures(pause_s=2, most=2, clock=clock)
    failures.remember("a", ERROR)
    recent = failures.recent("a")
    assert isinstance(recent, UpstreamFailed)
    assert vars(recent) == vars(ERROR)
    assert failures.recent("b") is None
    clock.advance(2)
    assert failures.recent("a") is None
    for key in "abc":
        failures.remember(key, ERROR)
    assert [failures.recent(key) is not None for key in "abc"] == [False, True, True]
    failures.forget("c")
    assert failures.recent("c") is None


def test_failures_that_are_over_are_let_go() -> None:
    """The next failure takes the place of all that are not recent any more, however many those are."""
    clock = FakeClock()
    failures = RecentFailures(pause_s=2, clock=clock)
    for number in range(100):
        clock.advance(0.01)
        failures.remember(f"{number}", ERROR)
    assert len(failures) == 100
    clock.advance(1.5)
    failures.remember("next", ERROR)
    assert 1 <= len(failures) < 100
    clock.advance(2)
    failures.remember("last", ERROR)
    assert len(failures) == 1


def test_what_the_failing_call_held_is_let_go() -> None:
    """An error is remembered without the frames that it came through, in which a whole answer may be."""

    class Answer:
        pass

    def fail() -> "weakref.ref[Answer]":
        answer = Answer()
        raise UpstreamFailed(f"{type(answer)}")

    failures = RecentFailures()
    try:
        fail()
    except UpstreamFailed as error:
        traceback = error.__traceback__
        assert traceback
        assert traceback.tb_next
        held = weakref.ref(traceback.tb_next.tb_frame.f_locals["answer"])
        failures.remember("a", error)
        del traceback
    gc.collect()
    assert failures.recent("a") is not None
    assert held() is None
