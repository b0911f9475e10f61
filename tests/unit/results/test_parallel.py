"""Several waits at once."""

import threading
from contextvars import ContextVar

import pytest

from gateway.results.parallel import in_parallel


def test_all_are_under_way_together() -> None:
    """Each waits for all others to have begun, and the results come in order."""
    met = threading.Barrier(5, timeout=10)

    def work(number: int) -> int:
        met.wait()
        return number * number

    assert in_parallel([lambda number=number: work(number) for number in range(5)], "test") == [0, 1, 4, 9, 16]  # type: ignore[misc]  # -- a default has no type in a lambda


def test_the_first_failure_in_order_is_raised_when_all_have_ended() -> None:
    """Not the one that came first, and nothing is left running."""
    late, ended = threading.Event(), []

    def fail_late() -> None:
        assert late.wait(10)
        ended.append("late")
        raise ValueError("late")

    def fail_soon() -> None:
        late.set()
        raise KeyError("soon")

    with pytest.raises(ValueError, match="late"):
        in_parallel([fail_late, fail_soon], "test")
    assert ended == ["late"]


def test_all_work_for_whom_the_caller_works_for() -> None:
    """What a context variable says in the caller it says in every thread."""
    whom: ContextVar[str] = ContextVar("whom", default="nobody")
    token = whom.set("somebody")
    try:
        assert in_parallel([whom.get] * 3, "test") == ["somebody"] * 3
    finally:
        whom.reset(token)
