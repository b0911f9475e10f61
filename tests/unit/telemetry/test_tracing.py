"""Traces as W3C Trace Context has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.tracing import UNDER_WAY, Kind, NoTracer, Trace, Work, trace_of, under_way

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_is_told_on_is_understood(trace: int, span: int, sampled: bool) -> None:  # noqa: FBT001 -- hypothesis passes it by name
    """A header that was written is read again."""
    told = Trace(f"{trace:032x}", f"{span:016x}", sampled)
    assert trace_of(told.traceparent) == told


@pytest.mark.parametrize(
    "offered",
    [
        None,
        "",
        "nonsense",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
    ],
)
def test_what_is_no_traceparent_begins_a_trace(offered: str | None) -> None:
    """It is as good as none, as the standard wants it."""
    assert trace_of(offered) is None


def test_later_versions_are_read_as_far_as_they_are_known() -> None:
    """They may have more at their end, and other flags."""
    assert trace_of(f"01-{TRACE}-{SPAN}-ff-more") == Trace(TRACE, SPAN, sampled=True)


def test_without_a_tracer_there_are_ids_all_the_same() -> None:
    """A trace goes on with a span of its own in it; without one a new trace begins, of which nobody keeps spans."""
    parent = Trace(TRACE, SPAN, sampled=True)
    trace = NoTracer().begin(Kind.SERVER, parent).trace
    assert (trace.trace_id, trace.sampled) == (TRACE, True)
    assert trace.span_id != SPAN
    first, second = (NoTracer().begin(Kind.SERVER, None).trace for _ in range(2))
    assert trace_of(first.traceparent) == first
    assert (first.sampled, first.trace_id != second.trace_id) == (False, True)


def test_work_ends() -> None:
    """What a thread works for is known while it does."""
    work = Work(Trace(TRACE, SPAN))
    with under_way(work):
        assert UNDER_WAY.get() is work
    assert UNDER_WAY.get() is None
    assert work.told() == {"trace_id": TRACE}
