"""The fault switch: what can be armed, and for how many calls."""

from typing import Any

import pytest

from gateway.simulator.fault_kinds import FAULT_KINDS, help_texts
from gateway.simulator.faults import Fault, FaultSwitch


def test_no_fault_until_armed() -> None:
    """A new switch is off."""
    switch = FaultSwitch(FAULT_KINDS)
    assert switch.armed is None
    assert switch.take() is None


def test_fault_is_played_so_many_times() -> None:
    """A fault with `times` is played to that many calls, its turns counted, and is over then."""
    switch = FaultSwitch(FAULT_KINDS)
    switch.arm(Fault("html", times=2))
    turns = [taken and (taken[0].kind, taken[1]) for taken in (switch.take(), switch.take(), switch.take())]
    assert turns == [("html", 1), ("html", 2), None]
    assert switch.armed is None


def test_fault_without_times_stays_until_cleared() -> None:
    """A fault without `times` is played until it is cleared."""
    switch = FaultSwitch(FAULT_KINDS)
    switch.arm(Fault("html"))
    assert all(switch.take() for _ in range(100))
    switch.clear()
    assert switch.take() is None


def test_arming_replaces() -> None:
    """The last fault armed is the one, and its turns begin anew."""
    switch = FaultSwitch(FAULT_KINDS)
    switch.arm(Fault("html"))
    switch.take()
    switch.arm(Fault("bom"))
    assert switch.take() == (Fault("bom"), 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("times", 0),
        ("seconds", -1.0),
        ("seconds", float("nan")),
        ("seconds", 3601.0),
        ("latency_s", float("inf")),
        ("status", 199),
        ("status", 600),
        ("retry_after", "1\r\nX: 2"),
        ("location", "/十"),
    ],
)
def test_value_out_of_range_is_refused(field: str, value: Any) -> None:
    """A value that cannot be played is refused when the fault is made, by its name."""
    with pytest.raises(ValueError, match=field):
        Fault("html", **{field: value})


def test_unknown_kind_is_refused() -> None:
    """A kind that is not in the table is refused when it is armed, with all that are."""
    with pytest.raises(ValueError, match=r"kind is 'htlm'; give one of .*drip.*html"):
        FaultSwitch(FAULT_KINDS).arm(Fault("htlm"))


def test_every_kind_has_a_sentence() -> None:
    """Each kind says what it does."""
    texts = help_texts()
    assert texts.keys() == FAULT_KINDS.keys()
    assert all(text.endswith(".") for text in texts.values())
