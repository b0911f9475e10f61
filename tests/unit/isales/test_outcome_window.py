"""The window against a list of all that ever ended."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.isales.outcome_window import SLICES, OutcomeWindow

ENDS = st.lists(st.tuples(st.floats(0, 9), st.booleans()), min_size=1, max_size=60)


@given(ENDS)
def test_it_counts_what_is_recent(ends: list[tuple[float, bool]]) -> None:
    """All of the last nine tenths of the span counts, nothing that is older than the span does."""
    window, now = OutcomeWindow(30.0), 1000.0
    seen: list[tuple[float, bool]] = []
    for pause, failed in ends:
        now += pause
        window.add(now, failed=failed)
        seen.append((now, failed))
        surely = [bad for at, bad in seen if now - at < 30.0 * (SLICES - 1) / SLICES - 1e-6]
        perhaps = [bad for at, bad in seen if now - at < 30.0 + 1e-6]
        calls, failures = window.counts(now)
        assert len(surely) <= calls <= len(perhaps)
        assert sum(surely) <= failures <= sum(perhaps)


def test_its_memory_is_bounded() -> None:
    """A hundred thousand calls over an hour leave no more than the slices."""
    window = OutcomeWindow(30.0)
    for call in range(100_000):
        window.add(call * 0.036, failed=call % 2 == 0)
    assert len(window._slices) <= SLICES  # noqa: SLF001 -- its memory is what is tested


def test_time_alone_empties_it_and_so_does_clearing() -> None:
    """Nothing is counted after a whole span, nor after `clear`."""
    window = OutcomeWindow(30.0)
    window.add(0.0, failed=True)
    assert window.counts(26.9) == (1, 1)
    assert window.counts(30.0) == (0, 0)
    window.add(31.0, failed=False)
    assert window.counts(31.0) == (1, 0)
    window.clear()
    assert window.counts(31.0) == (0, 0)
