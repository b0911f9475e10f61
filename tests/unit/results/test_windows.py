"""Which page shows just that part of a list."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.results.windows import FIRST, LARGEST, Window, window_after, window_around

ENDS = st.integers(1, 200) | st.integers(1, 10**7)


@given(ENDS)
def test_windows_overlap_and_lead_on(end: int) -> None:
    """The row before the end of one window is in the next, which never takes more than a page holds and goes on."""
    window = window_after(end)
    assert window.start <= end - 1 < end < window.end
    assert 1 <= window.size <= LARGEST
    assert window.page >= 1


@given(ENDS)
def test_a_window_around_a_place_shows_both_sides(end: int) -> None:
    """The row before the place, what is behind it, and mostly a good deal of both."""
    window = window_around(end)
    assert window.start <= end - 1 < window.end
    assert window.end > end or window.size == 1
    if end > LARGEST:
        assert min(end - window.start, window.end - end) >= LARGEST // 4


def test_overlapping_costs_a_seventh() -> None:
    """A hundred thousand rows, which are a thousand pages, take less than 1,150 windows."""
    window, count = FIRST, 1
    while window.end < 100_000:
        window, count = window_after(window.end), count + 1
    assert count < 1150


def test_where_a_window_is() -> None:
    """The second page of 90 begins at the 91st row."""
    assert (Window(2, 90).start, Window(2, 90).end) == (90, 180)
