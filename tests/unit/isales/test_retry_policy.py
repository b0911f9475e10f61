import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamOverloaded, UpstreamTimeout, UpstreamUnreachable
from gateway.isales.retry_policy import HAIR_S, RetryPolicy, least_attempt_s

RESET = UpstreamUnreachable("reset", retryable_in_s=0)
BUSY = UpstreamOverloaded("busy", retryable_in_s=2)


@pytest.mark.parametrize(("attempts", "longest"), [(1, 0.1), (2, 0.2), (3, 0.4), (4, 0.8), (5, 1.0), (9, 1.0)])
def test_the_wait_is_any_part_of_a_limit_that_doubles(attempts: int, longest: float) -> None:
    """With luck from 0 to 1 the wait is from nothing to 0.1 s, then 0.2 s, up to a second."""
    policy = RetryPolicy(10)
    waits = [policy.wait_s(RESET, attempts, 8.0, 0.05, luck) for luck in (0.0, 0.5, 1.0)]
    assert waits == [0.0, longest / 2, longest]


def test_only_what_can_heal_is_tried_again() -> None:
    """An error that does not say so has no second attempt, nor has the last one allowed."""
    assert RetryPolicy(2).wait_s(UpstreamTimeout("late"), 1, 8.0, 0.05, 0.0) is None
    assert RetryPolicy(2).wait_s(RESET, 2, 8.0, 0.05, 0.0) is None
    assert RetryPolicy(1).wait_s(RESET, 1, 8.0, 0.05, 0.0) is None
    assert RetryPolicy(3).wait_s(RESET, 2, 8.0, 0.05, 0.0) == 0.0


@pytest.mark.parametrize(
    ("left", "wait"), [(8.0, 0.1), (0.5, 0.1), (0.25, 0.05), (0.2, 0.0), (0.1999, None), (0.0, None)]
)
def test_no_attempt_starts_that_cannot_finish(left: float, wait: float | None) -> None:
    """The wait is cut to what the deadline leaves besides an attempt, and without that there is none."""
    got = RetryPolicy(2).wait_s(RESET, 1, left, 0.2, 1.0)
    assert got == (None if wait is None else pytest.approx(wait))


@pytest.mark.parametrize(("left", "waits"), [(8.0, True), (2.0 + HAIR_S + 0.2, True), (2.2, False), (2.0, False)])
def test_what_upstream_asks_for_is_kept_or_not_tried(*, left: float, waits: bool) -> None:
    """A `Retry-After` is waited for with a hair more, if an attempt fits in behind it, and is never cut."""
    assert RetryPolicy(2).wait_s(BUSY, 1, left, 0.2, 1.0) == (2.0 + HAIR_S if waits else None)


@given(
    st.none() | st.integers(0, 3600),
    st.integers(1, 10),
    st.integers(1, 10),
    st.floats(0, 300),
    st.floats(0.05, 10),
    st.floats(0, 1),
)
def test_a_wait_leaves_time_and_is_no_shorter_than_asked(
    asked: int | None, most: int, attempts: int, left: float, needed: float, luck: float
) -> None:
    """Whatever comes, a wait is never below 0, never before what was asked for, and never eats the next attempt."""
    error = UpstreamOverloaded("busy", retryable_in_s=asked)
    wait = RetryPolicy(most).wait_s(error, attempts, left, needed, luck)
    if wait is not None:
        assert asked is not None
        assert attempts < most
        assert wait >= asked
        assert wait + needed <= left + 1e-9
        assert asked or wait <= 1.0


def test_the_least_time_for_an_attempt() -> None:
    """Where nothing is known, an attempt needs fifty milliseconds."""
    assert least_attempt_s() == 0.05
