import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.columns import width
from gateway.cli.doctor import document, lines, summary, verdict
from gateway.isales.doctor_step import Name, State, Step
from gateway.settings.model import TimeZoneData

STEPS = st.builds(
    Step,
    name=st.sampled_from(Name),
    state=st.sampled_from(State),
    seen=st.text(max_size=60) | st.text(min_size=80, max_size=200),
    took_s=st.none() | st.floats(min_value=0, max_value=300),
    hint=st.text(max_size=60) | st.text(min_size=80, max_size=200),
    vdn=st.none() | st.integers(min_value=1, max_value=9999),
)


@given(STEPS)
def test_a_step_fits_a_terminal(step: Step) -> None:
    """Whatever was seen, no line is wider than 100 columns, and words begin below each other."""
    first, *others = lines(step)
    assert all(width(line) <= 100 for line in (first, *others))
    assert first.startswith(f"{step.state:8} {step.name:10} ")
    assert all(line.startswith(" " * 30) for line in others)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "        "),
        (0.0004, "  0.4 ms"),
        (0.9, "900.0 ms"),
        (0.99999, "   1.0 s"),
        (2.0, "   2.0 s"),
        (30.0, "  30.0 s"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    """Milliseconds, and seconds where it took long."""
    (line,) = lines(Step(Name.DNS, State.GOOD, "x", seconds))
    assert line.split("dns")[1] == f"        {shown}  x"


def test_one_failure_fails_and_a_warning_does_not() -> None:
    """The worst of the steps counts; what is skipped does not."""
    good, warning, failed, skipped = (Step(Name.DNS, state, "") for state in State)
    assert verdict([good, skipped]) is State.GOOD
    assert verdict([good, warning, skipped]) is State.WARNING
    assert verdict([warning, failed, good]) is State.FAILED
    assert summary([good, failed, good, skipped]) == "2 good, 1 failed, 1 skipped"


def test_the_document() -> None:
    """It has one shape whatever was seen."""
    step = Step(Name.TCP, State.GOOD, "seen", 0.12345678, "hint", {"addresses": ("a", "b")}, 7)
    assert json.loads(json.dumps(document("http://a", TimeZoneData("2026f", "/zones"), [step]))) == {
        "base_url": "http://a",
        "result": "good",
        "time_zones": {"release": "2026f", "folder": "/zones"},
        "steps": [
            {
                "step": "tcp",
                "vdn": 7,
                "state": "good",
                "seen": "seen",
                "hint": "hint",
                "seconds": 0.123457,
                "facts": {"addresses": ["a", "b"]},
            }
        ],
    }
