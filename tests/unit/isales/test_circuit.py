"""The circuit, as a table and as a state machine."""

from functools import partial

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.isales.circuit import (
    PROBE_GRACE_S,
    PROBE_WAIT_S,
    UNANSWERED_IN_A_ROW,
    Circuit,
    CircuitPolicy,
    CircuitState,
    Permit,
)
from gateway.isales.outcome_window import OutcomeWindow

POLICY = CircuitPolicy(failure_ratio=0.5, min_calls=4, window_s=30.0, open_s=5.0, open_max_s=18.0)
PATIENCE_S = 8.0


def call(circuit: Circuit, now: float, *, good: bool) -> bool:
    """Make one call that ends at once; return whether it closed or opened the circuit."""
    assert circuit.wait_s(now) == 0.0
    permit = circuit.admit(now, PATIENCE_S)
    return circuit.succeeded(permit, now) if good else circuit.failed(permit, now)


def opened(now: float = 0.0) -> Circuit:
    """Return a circuit that opened at `now`."""
    circuit = Circuit(POLICY)
    assert [call(circuit, now, good=False) for _ in range(4)] == [False, False, False, True]
    return circuit


@pytest.mark.parametrize(
    ("ends", "opens"),
    [("bbb", False), ("bbbb", True), ("ggbb", True), ("gggbb", False), ("gggbbb", True), ("bbbg", False)],
)
def test_it_opens_by_ratio_from_a_number_of_calls_on(ends: str, *, opens: bool) -> None:
    """Half of at least four calls must be bad, and only a bad one opens it."""
    circuit = Circuit(POLICY)
    changed = [call(circuit, 0.0, good=end == "g") for end in ends]
    assert changed == [False] * (len(ends) - 1) + [opens]
    assert circuit.state(0.0) is (CircuitState.OPEN if opens else CircuitState.CLOSED)


@pytest.mark.parametrize(
    ("ends", "opens"),
    [("uu", False), ("uuu", True), ("uubu", True), ("uugu", False), ("uuguu", False), ("uuguuu", True), ("ubu", False)],
)
def test_it_opens_by_silence_however_few_calls_there_are(ends: str, *, opens: bool) -> None:
    """Three calls without an answer (`u`) open it, at any distance, unless a good one was between them."""
    circuit = Circuit(CircuitPolicy(failure_ratio=0.5, min_calls=1000, window_s=30.0, open_s=5.0, open_max_s=18.0))
    changed = []
    for number, end in enumerate(ends):
        now = number * 3600.0
        assert circuit.wait_s(now) == 0.0
        permit = circuit.admit(now, PATIENCE_S)
        note = circuit.succeeded if end == "g" else partial(circuit.failed, unanswered=end == "u")
        changed.append(note(permit, now))
    assert changed == [False] * (len(ends) - 1) + [opens]


def test_what_is_older_than_the_window_does_not_count() -> None:
    """Three bad calls half a minute ago and one now are one."""
    circuit = Circuit(POLICY)
    for _ in range(3):
        call(circuit, 0.0, good=False)
    assert call(circuit, 30.0, good=False) is False


def test_open_then_half_open_with_one_probe_then_closed() -> None:
    """Nothing goes for five seconds, then one call at a time, and its success lets all go."""
    circuit = opened()
    assert (circuit.state(4.0), circuit.wait_s(4.0), circuit.open_s) == (CircuitState.OPEN, 1.0, 5.0)
    assert (circuit.state(5.0), circuit.wait_s(5.0)) == (CircuitState.HALF_OPEN, 0.0)
    probe = circuit.admit(5.0, PATIENCE_S)
    assert (circuit.state(5.0), circuit.wait_s(5.0)) == (CircuitState.HALF_OPEN, PROBE_WAIT_S)
    assert circuit.stopped_for(6.0) == 6.0
    assert circuit.succeeded(probe, 6.0) is True
    assert (circuit.state(6.0), circuit.wait_s(6.0), circuit.stopped_for(6.0)) == (CircuitState.CLOSED, 0.0, 0.0)
    assert [call(circuit, 6.0, good=False) for _ in range(3)] == [False] * 3, "what was before counts no more"


def test_each_failed_probe_doubles_the_time_up_to_the_most() -> None:
    """Five, ten, then eighteen seconds for ever."""
    circuit, now, spans = opened(), 0.0, []
    for _ in range(4):
        spans.append(circuit.wait_s(now))
        now += spans[-1]
        assert call(circuit, now, good=False) is True
    assert spans == [5.0, 10.0, 18.0, 18.0]
    assert circuit.stopped_for(now) == now


@pytest.mark.parametrize(("closed_for", "next_s"), [(0.0, 10.0), (29.9, 10.0), (30.0, 5.0)])
def test_only_a_whole_window_of_health_ends_the_doubling(closed_for: float, next_s: float) -> None:
    """Who opens again sooner is still in the same trouble: one good probe may have been luck."""
    circuit = opened()
    assert call(circuit, 5.0, good=True) is True
    for _ in range(4):
        call(circuit, 5.0 + closed_for, good=False)
    assert circuit.open_s == next_s


def test_a_probe_that_never_ends_loses_its_turn() -> None:
    """A little after its deadline another call is the probe, and then the first says nothing any more."""
    circuit = opened()
    lost = circuit.admit(5.0, PATIENCE_S)
    over = 5.0 + PATIENCE_S + PROBE_GRACE_S
    assert (circuit.wait_s(over - 0.1), circuit.wait_s(over)) == (PROBE_WAIT_S, 0.0)
    second = circuit.admit(over, PATIENCE_S)
    assert (circuit.succeeded(lost, over), circuit.failed(lost, over)) == (False, False)
    circuit.released(lost)
    assert circuit.wait_s(over) == PROBE_WAIT_S
    assert circuit.succeeded(second, over) is True


def test_a_probe_that_says_nothing_gives_its_turn_to_the_next() -> None:
    """Its release lets another one go at once, once."""
    circuit = opened()
    probe = circuit.admit(5.0, PATIENCE_S)
    circuit.released(probe)
    assert circuit.wait_s(5.0) == 0.0
    assert circuit.failed(probe, 5.0) is False
    circuit.admit(5.0, PATIENCE_S)
    assert circuit.wait_s(5.0) == PROBE_WAIT_S


def test_late_ends_neither_close_nor_open_it() -> None:
    """Calls from before it opened change nothing while it is open, half-open, or closed again."""
    circuit = Circuit(POLICY)
    early = [circuit.admit(0.0, PATIENCE_S) for _ in range(10)]
    assert [circuit.failed(permit, 0.0) for permit in early[:4]][-1] is True
    assert circuit.succeeded(early[4], 1.0) is False
    assert circuit.failed(early[5], 5.0) is False
    probe = circuit.admit(5.0, PATIENCE_S)
    assert (circuit.succeeded(early[6], 5.0), circuit.failed(early[7], 5.0)) == (False, False)
    assert circuit.wait_s(5.0) == PROBE_WAIT_S
    assert circuit.succeeded(probe, 5.0) is True
    assert [circuit.failed(permit, 5.0) for permit in early[8:] * 3] == [False] * 6
    assert circuit.state(5.0) is CircuitState.CLOSED


class CircuitMachine(RuleBasedStateMachine):
    """Calls begin, end in any order and way or never, and time passes; a plain model says what must be."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.circuit = Circuit(POLICY)
        self.window = OutcomeWindow(POLICY.window_s)
        self.unanswered = 0
        self.open_until: float | None = None
        self.closed_since = float("-inf")
        self.last_open_s = 0.0
        self.current: list[Permit] = []
        self.obsolete: list[Permit] = []
        self.probe: Permit | None = None
        self.probe_until = 0.0

    @rule(seconds=st.floats(0, 40) | st.just(5.0) | st.just(0.0))
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(patience=st.floats(0, 10))
    def begin(self, patience: float) -> None:
        """Ask for a call: all go while closed, none while open, one at a time when that is over."""
        wait = self.circuit.wait_s(self.now)
        if self.open_until is None:
            assert wait == 0.0
        elif self.now < self.open_until:
            assert 0.0 < wait <= POLICY.open_max_s
        else:
            probing = self.probe is not None and self.now < self.probe_until
            assert wait == (PROBE_WAIT_S if probing else 0.0)
        if wait == 0.0:
            permit = self.circuit.admit(self.now, patience)
            if self.open_until is None:
                self.current.append(permit)
            else:
                self.obsolete += [] if self.probe is None else [self.probe]
                self.probe, self.probe_until = permit, self.now + patience + PROBE_GRACE_S

    @precondition(lambda self: self.current and self.open_until is None)
    @rule(data=st.data(), good=st.booleans(), unanswered=st.booleans())
    def end(self, data: st.DataObject, good: bool, unanswered: bool) -> None:  # noqa: FBT001 -- drawn by hypothesis
        """End a call of the closed circuit: it opens exactly on a bad one that makes ratio and number, or silence."""
        permit = self.current.pop(data.draw(st.integers(0, len(self.current) - 1)))
        self.window.add(self.now, failed=not good)
        calls, failures = self.window.counts(self.now)
        self.unanswered = 0 if good else self.unanswered + unanswered
        too_many = calls >= POLICY.min_calls and failures / calls >= POLICY.failure_ratio
        opens = not good and (too_many or self.unanswered >= UNANSWERED_IN_A_ROW)
        if good:
            assert self.circuit.succeeded(permit, self.now) is False
        else:
            assert self.circuit.failed(permit, self.now, unanswered=unanswered) is opens
        if opens:
            again = self.now - self.closed_since < POLICY.window_s
            self._opened(2 * self.last_open_s if again else POLICY.open_s)

    @precondition(lambda self: self.probe)
    @rule(end=st.sampled_from(["good", "bad", "nothing"]))
    def end_probe(self, end: str) -> None:
        """End the probe, even if its turn was over: it closes, opens for longer, or leaves its turn."""
        assert self.probe is not None
        permit, self.probe = self.probe, None
        if end == "good":
            assert self.circuit.succeeded(permit, self.now) is True
            self.open_until, self.closed_since = None, self.now
            self.window.clear()
        elif end == "bad":
            assert self.circuit.failed(permit, self.now) is True
            self._opened(2 * self.last_open_s)
        else:
            self.circuit.released(permit)

    @precondition(lambda self: self.obsolete)
    @rule(data=st.data(), end=st.sampled_from(["good", "bad", "nothing"]))
    def end_late(self, data: st.DataObject, end: str) -> None:
        """End a call of an earlier era: nothing changes."""
        permit = data.draw(st.sampled_from(self.obsolete))
        if end == "nothing":
            self.circuit.released(permit)
        else:
            note = self.circuit.succeeded if end == "good" else self.circuit.failed
            assert note(permit, self.now) is False

    @invariant()
    def agrees(self) -> None:
        """Compare with the model."""
        if self.open_until is None:
            expected = CircuitState.CLOSED
        else:
            expected = CircuitState.OPEN if self.now < self.open_until else CircuitState.HALF_OPEN
        assert self.circuit.state(self.now) is expected
        assert self.circuit.open_s == self.last_open_s <= POLICY.open_max_s

    def _opened(self, seconds: float) -> None:
        self.unanswered = 0
        self.last_open_s = min(seconds, POLICY.open_max_s)
        self.open_until = self.now + self.last_open_s
        self.obsolete += self.current
        self.current = []


TestCircuitMachine = CircuitMachine.TestCase
