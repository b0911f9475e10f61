"""The deadline of a request: the gateway's own, or the caller's if that is sooner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.deadline import deadline_of
from tests.support.clock import FakeClock


@pytest.mark.parametrize(
    ("offered", "seconds", "shortened"),
    [(None, 8.0, False), ("1", 0.001, True), ("250", 0.25, True), ("7999", 7.999, True), ("8000", 8.0, False)],
)
def test_the_sooner_one_counts(offered: str | None, seconds: float, shortened: bool) -> None:  # noqa: FBT001 -- pytest passes it by name
    """A caller may wait for less time than the settings say, never for more."""
    clock = FakeClock()
    deadline = deadline_of(offered, 8.0, clock(), clock)
    assert deadline.remaining() == pytest.approx(seconds)
    assert deadline.shortened is shortened


@pytest.mark.parametrize(
    "offered", ["", "0", "-5", "+5", "1.5", "1e3", " 250", "250 ", "٢٥٠", "0250", "1" * 10, "soon"]
)
def test_what_makes_no_sense_is_ignored(offered: str) -> None:
    """A value that is no whole number of milliseconds changes nothing."""
    clock = FakeClock()
    deadline = deadline_of(offered, 8.0, clock(), clock)
    assert (deadline.remaining(), deadline.shortened) == (8.0, False)


@given(st.text() | st.integers().map(str), st.floats(0.1, 1000))
def test_never_later_than_the_settings_say(offered: str, limit_s: float) -> None:
    """Whatever a caller sends, the deadline is in the future and no later than the gateway's own."""
    clock = FakeClock()
    deadline = deadline_of(offered, limit_s, clock(), clock)
    assert 0 < deadline.remaining() <= limit_s + 1e-9


def test_it_runs_from_the_arrival_on() -> None:
    """What a request has waited for its turn is part of its time."""
    clock = FakeClock()
    arrived = clock()
    clock.advance(3)
    assert deadline_of(None, 8.0, arrived, clock).remaining() == pytest.approx(5)
    assert deadline_of("2000", 8.0, arrived, clock).expired
