"""The breaker, as a table and as a state machine."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.shared_store.breaker import LIMIT, OPEN_S, Breaker, Permit
from tests.support.clock import FakeClock


def opened(clock: FakeClock) -> Breaker:
    """Return a breaker that has just opened."""
    breaker = Breaker(clock)
    assert [breaker.failed(Permit.ORDINARY) for _ in range(LIMIT)] == [False, False, True]
    return breaker


def test_failures_in_a_row_open_it() -> None:
    """A success in between starts the count afresh."""
    breaker = Breaker(FakeClock())
    for _ in range(LIMIT - 1):
        assert breaker.failed(Permit.ORDINARY) is False
    assert breaker.succeeded(Permit.ORDINARY) is False
    for _ in range(LIMIT - 1):
        assert breaker.failed(Permit.ORDINARY) is False
    assert breaker.closed
    assert breaker.failed(Permit.ORDINARY) is True
    assert (breaker.closed, breaker.admit()) == (False, None)


def test_one_probe_at_a_time_until_one_succeeds() -> None:
    """After the pause one operation is admitted; its failure costs another pause, its success closes the breaker."""
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(OPEN_S)
    assert (breaker.admit(), breaker.admit()) == (Permit.PROBE, None)
    clock.advance(1)
    assert breaker.failed(Permit.PROBE) is False
    clock.advance(OPEN_S - 0.1)
    assert breaker.admit() is None
    clock.advance(0.1)
    assert breaker.admit() is Permit.PROBE
    assert breaker.succeeded(Permit.PROBE) is True
    assert breaker.admit() is Permit.ORDINARY


def test_a_probe_that_never_reports_does_not_block_the_next() -> None:
    """Its turn is over after another pause."""
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(OPEN_S)
    assert breaker.admit() is Permit.PROBE
    clock.advance(OPEN_S)
    assert breaker.admit() is Permit.PROBE


class BreakerMachine(RuleBasedStateMachine):
    """Operations begin, end well or badly and in any order, and time passes; a plain model says what must be."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.breaker = Breaker(self.clock)
        self.open_since: float | None = None
        self.failures = 0
        self.pending: list[Permit] = []
        self.last_probe = float("-inf")

    @rule(seconds=st.floats(0, 2 * OPEN_S))
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    @rule()
    def begin(self) -> None:
        """Ask for a permit: freely while closed, at most one in each pause while open."""
        permit = self.breaker.admit()
        if self.open_since is None:
            assert permit is Permit.ORDINARY
        elif permit is not None:
            assert permit is Permit.PROBE
            assert self.clock.now >= self.open_since + OPEN_S
            assert self.clock.now >= self.last_probe + OPEN_S
            self.last_probe = self.clock.now
        if permit is not None:
            self.pending.append(permit)

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), good=st.booleans())
    def end(self, data: st.DataObject, good: bool) -> None:  # noqa: FBT001 -- drawn by hypothesis
        """End any pending operation, well or badly."""
        permit = self.pending.pop(data.draw(st.integers(0, len(self.pending) - 1)))
        if good:
            closes = self.open_since is not None and permit is Permit.PROBE
            assert self.breaker.succeeded(permit) is closes
            if closes or self.open_since is None:
                self.open_since, self.failures = None, 0
        else:
            self.failures += self.open_since is None
            opens = self.open_since is None and self.failures == LIMIT
            assert self.breaker.failed(permit) is opens
            if opens:
                self.open_since = self.clock.now

    @invariant()
    def agrees(self) -> None:
        """Compare with the model."""
        assert self.breaker.closed is (self.open_since is None)


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=50, stateful_step_count=30)
