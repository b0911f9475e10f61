import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.isales.retry_budget import RetryBudget
from tests.support.clock import FakeClock


def fail(budget: RetryBudget, calls: int) -> int:
    """Make calls that fail, each of which asks for a retry that fails too; return how many retries there were."""
    retries = 0
    for _ in range(calls):
        budget.first_attempt()
        retries += budget.take()
    return retries


def succeed(budget: RetryBudget, calls: int) -> None:
    for _ in range(calls):
        budget.first_attempt()
        budget.good()


@pytest.mark.parametrize(
    ("share", "calls", "retries"),
    [(0.1, 1, 1), (0.1, 10, 1), (0.1, 19, 1), (0.1, 20, 2), (0.1, 100, 10), (0.5, 100, 50), (1.0, 7, 7), (0.0, 100, 0)],
)
def test_retries_are_a_share_of_calls_or_one(share: float, calls: int, retries: int) -> None:
    """In an outage the share of calls is tried again, at least one, and none with a share of 0."""
    assert fail(RetryBudget(share, FakeClock()), calls) == retries


def test_good_times_are_not_spent_on_an_outage() -> None:
    """A thousand good calls just before an outage allow no more retries in it than its own calls do."""
    budget = RetryBudget(0.1, FakeClock())
    succeed(budget, 1000)
    assert fail(budget, 50) == 5


def test_failures_here_and_there_are_all_tried_again() -> None:
    """Where good calls lie between, one failure in twenty always has its retry."""
    budget = RetryBudget(0.1, FakeClock())
    succeed(budget, 20)
    for _ in range(10):
        succeed(budget, 19)
        assert fail(budget, 1) == 1
        budget.good()


def test_what_was_sent_again_without_asking_is_not_left_for_retries() -> None:
    """Five requests that went out twice at the beginning of an outage leave fifteen of its twenty retries."""
    budget = RetryBudget(0.1, FakeClock())
    succeed(budget, 300)
    for _ in range(5):
        budget.spend()
    assert fail(budget, 200) == 15


def test_a_retry_counts_for_a_minute() -> None:
    """The one retry of a quiet gateway comes back after a minute, not sooner."""
    clock = FakeClock()
    budget = RetryBudget(0.1, clock)
    assert fail(budget, 1) == 1
    budget.good()
    clock.advance(59.9)
    assert fail(budget, 1) == 0
    clock.advance(1.2)
    assert fail(budget, 1) == 1


def test_calls_count_for_a_minute() -> None:
    """Calls of the minute before allow no retry any more."""
    clock = FakeClock()
    budget = RetryBudget(0.1, clock)
    succeed(budget, 100)
    clock.advance(60)
    assert fail(budget, 1) == 1
    budget.good()
    assert fail(budget, 1) == 0


EVENTS = st.lists(st.tuples(st.sampled_from(["good", "bad"]), st.floats(0, 20) | st.just(0.0)), max_size=200)


@given(EVENTS, st.sampled_from([0.1, 0.25, 0.5, 1.0]))
def test_over_any_last_minute_retries_are_at_most_the_share(events: list[tuple[str, float]], share: float) -> None:
    """At each retry, those of the last 60 s are at most the share of the calls of the last 60 s, or one."""
    clock = FakeClock()
    budget = RetryBudget(share, clock)
    calls: list[float] = []
    retries: list[float] = []
    for kind, pause in events:
        clock.advance(pause)
        budget.first_attempt()
        calls.append(clock.now)
        if kind == "good":
            budget.good()
        elif budget.take():
            retries.append(clock.now)
            lately = [sum(at > clock.now - 60 for at in times) for times in (retries, calls)]
            assert lately[0] <= max(1, share * lately[1])


@given(st.integers(0, 300), st.integers(10, 300), st.floats(0, 0.5))
def test_over_an_outage_attempts_are_at_most_a_tenth_more(before: int, calls: int, pause: float) -> None:
    """Whatever went before, an outage of ten calls or more sees at most 1.1 attempts a call."""
    clock = FakeClock()
    budget = RetryBudget(0.1, clock)
    succeed(budget, before)
    retries = 0
    for _ in range(calls):
        clock.advance(pause)
        retries += fail(budget, 1)
    assert calls + retries <= 1.1 * calls + 1e-9
    assert retries >= 1
