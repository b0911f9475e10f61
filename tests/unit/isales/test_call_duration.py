"""How long a call takes these days."""

import statistics

from hypothesis import given
from hypothesis import strategies as st

from gateway.isales.call_duration import LASTING_S, LEAST_S, REMEMBERED, CallDuration
from tests.support.clock import FakeClock


def test_it_is_the_median_of_good_calls() -> None:
    """One slow answer changes little."""
    duration = CallDuration(8.0, FakeClock())
    assert duration.estimate_s() == LEAST_S
    for seconds in (0.2, 0.3, 7.0):
        duration.record(seconds)
    assert duration.estimate_s() == 0.3


def test_old_calls_are_forgotten() -> None:
    """After thirty seconds they do not count any more."""
    clock = FakeClock()
    duration = CallDuration(8.0, clock)
    duration.record(2.0)
    clock.advance(LASTING_S)
    assert duration.estimate_s() == 2.0
    clock.advance(1)
    assert duration.estimate_s() == LEAST_S


@given(st.lists(st.floats(0, 20), max_size=80), st.floats(0.02, 20))
def test_it_stays_between_its_limits(seconds: list[float], deadline_s: float) -> None:
    """It is the median of the latest, at least a twentieth of a second, and half of the deadline at most."""
    duration = CallDuration(deadline_s, FakeClock())
    for taken in seconds:
        duration.record(taken)
    median = statistics.median(seconds[-REMEMBERED:]) if seconds else 0.0
    assert duration.estimate_s() == min(max(median, LEAST_S), deadline_s / 2)
