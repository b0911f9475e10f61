"""What failed lately: for how long it is remembered, and when it is tried again."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, UpstreamFailed, UpstreamOverloaded
from gateway.pages.failures import LONGEST_PAUSE_S, SHORTEST_PAUSE_S, Failure, RecentFailures
from tests.support.clock import FakeClock

ERROR = UpstreamFailed("x", retry_after_s=7)
NOT_SENT = UpstreamOverloaded("no slot", sent=False)


def known(failures: RecentFailures, key: str) -> Failure:
    """Return the failure of `key`, which is there."""
    failure = failures.of(key)
    assert failure is not None
    return failure


def fail_again(failures: RecentFailures, clock: FakeClock, error: GatewayError = ERROR) -> float:
    """Try as soon as the pause is over, and fail; return the pause that begins with that."""
    failure = failures.of("a")
    if failure is not None:
        clock.advance(max(0.0, failures.retry_in_s(failure)))
    failures.remember("a", 1, error)
    return failures.retry_in_s(known(failures, "a"))


def test_a_failure_is_the_same_error_again() -> None:
    """All that it says is kept, as an object of its own; of other keys nothing is known."""
    failures = RecentFailures(clock=FakeClock())
    failures.remember("a", 1, ERROR)
    error = known(failures, "a").error
    assert isinstance(error, UpstreamFailed)
    assert error is not ERROR
    assert vars(error) == vars(ERROR)
    assert failures.of("b") is None


def test_the_pause_doubles_up_to_a_minute() -> None:
    """From two seconds on, with each failure in a row."""
    clock = FakeClock()
    failures = RecentFailures(clock=clock)
    pauses = [fail_again(failures, clock) for _ in range(8)]
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_what_never_reached_cc_isales_lengthens_no_pause(sent: list[bool]) -> None:
    """A full semaphore or an open circuit says nothing of CC-iSales; the pause stays as it was."""
    clock = FakeClock()
    failures = RecentFailures(clock=clock)
    expected = 0.0
    for number, reached in enumerate(sent):
        pause = fail_again(failures, clock, ERROR if reached else NOT_SENT)
        if number == 0:
            expected = SHORTEST_PAUSE_S
        elif reached:
            expected = min(2 * expected, LONGEST_PAUSE_S)
        assert pause == expected


def test_a_good_answer_ends_it() -> None:
    """That page's failure is forgotten, and the next one begins with the shortest pause."""
    clock = FakeClock()
    failures = RecentFailures(clock=clock)
    for _ in range(4):
        fail_again(failures, clock)
    failures.succeeded("a", 1)
    assert (failures.of("a"), len(failures)) == (None, 0)
    clock.advance(1)
    assert fail_again(failures, clock) == SHORTEST_PAUSE_S


def test_a_good_answer_to_another_question_of_the_vdn_shortens_the_pause() -> None:
    """CC-iSales is back: other pages of this VDN are tried again two seconds after they failed; of others not."""
    clock = FakeClock()
    failures = RecentFailures(clock=clock)
    for _ in range(6):
        fail_again(failures, clock)
    failures.remember("other", 2, ERROR)
    assert failures.retry_in_s(known(failures, "a")) == LONGEST_PAUSE_S
    clock.advance(3)
    failures.succeeded("b", 2)
    assert failures.retry_in_s(known(failures, "a")) == LONGEST_PAUSE_S - 3
    failures.succeeded("b", 1)
    assert failures.retry_in_s(known(failures, "a")) == SHORTEST_PAUSE_S - 3
    assert fail_again(failures, clock) == SHORTEST_PAUSE_S
    assert fail_again(failures, clock) == 2 * SHORTEST_PAUSE_S, "that good answer was before these failures"


@pytest.mark.parametrize("times", [1, 3, 8])
def test_a_failure_says_nothing_of_a_minute_after_its_pause(times: int) -> None:
    """It is known for its pause and as long as the longest one; the next failure after that is the first in a row."""
    clock = FakeClock()
    failures = RecentFailures(clock=clock)
    for _ in range(times):
        pause = fail_again(failures, clock)
    clock.advance(pause + LONGEST_PAUSE_S - 0.5)
    assert failures.retry_in_s(known(failures, "a")) < 0
    clock.advance(0.5)
    assert failures.of("a") is None
    assert fail_again(failures, clock) == SHORTEST_PAUSE_S


def test_the_oldest_make_room() -> None:
    """So many keys at most; one that fails again is among the youngest."""
    failures = RecentFailures(most=2, clock=FakeClock())
    for key in ("a", "b", "a", "c"):
        failures.remember(key, 1, ERROR)
    assert [failures.of(key) is not None for key in "abc"] == [True, False, True]
    assert len(failures) == 2


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
        failures.remember("a", 1, error)
        del traceback
    gc.collect()
    assert failures.of("a") is not None
    assert held() is None
