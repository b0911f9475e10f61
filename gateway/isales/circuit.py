"""A circuit breaker, pure: times of a monotonic clock and outcomes come in, permits and waits go out.

    closed ── too many of enough calls failed, or ───→ open
      ↑       three in a row had no answer              │
      ↑                                                 │ its time is over
      └── the probe succeeds ── half-open ←─────────────┘
                                    └── the probe fails: open again, for twice as long

Half-open admits one call, the probe, at a time. What ends with a permit of an earlier era, from before the circuit
opened, closed or gave the probe's turn to another call, changes nothing.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.isales.outcome_window import OutcomeWindow

UNANSWERED_IN_A_ROW: Final = 3
"""So many calls without any answer, and nothing good between them, say enough, however few calls there are."""

PROBE_WAIT_S: Final = 1.0
"""When to look again while a probe is under way: whenever it ends, so there is no better number."""

PROBE_GRACE_S: Final = 1.0
"""So long past its deadline a probe that says nothing loses its turn: looking up a name cannot be interrupted."""


class CircuitState(Enum):
    """What a circuit does with calls. The values are those of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """When a circuit opens and for how long; seconds.

    It opens when `failure_ratio` of at least `min_calls` calls within `window_s` failed, or `UNANSWERED_IN_A_ROW` calls
    had no answer: for `open_s`, doubling up to `open_max_s`.
    """

    failure_ratio: float
    min_calls: int
    window_s: float
    open_s: float
    open_max_s: float


@dataclass(frozen=True, slots=True)
class Permit:
    """The permission for one call, good in one era of the circuit that gave it."""

    era: int


class Circuit:
    """One circuit, closed at first. Every `now` is in seconds, and none is before the last one."""

    def __init__(self, policy: CircuitPolicy) -> None:
        self._policy = policy
        self._window = OutcomeWindow(policy.window_s)
        self._unanswered = 0
        self._era = 0
        self._open_s = 0.0
        self._open_until: float | None = None
        self._opened_at = 0.0
        self._closed_at: float | None = None
        self._probe_until: float | None = None

    @property
    def open_s(self) -> float:
        """For how long it opened the last time, seconds; 0 before the first."""
        return self._open_s

    def state(self, now: float) -> CircuitState:
        """Return what it does with calls at `now`."""
        if self._open_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if now < self._open_until else CircuitState.HALF_OPEN

    def stopped_for(self, now: float) -> float:
        """Return how long it has not been closed, probes and all, seconds."""
        return 0.0 if self._open_until is None else now - self._opened_at

    def wait_s(self, now: float) -> float:
        """Return 0 if a call may go at `now`, else after how many seconds it is worth asking again."""
        if self._open_until is None:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        return PROBE_WAIT_S if self._probe_until is not None and now < self._probe_until else 0.0

    def admit(self, now: float, patience_s: float) -> Permit:
        """Return the permit for a call that goes at `now` and gives up after `patience_s`.

        Only where `wait_s` is 0. If the circuit is not closed, this call is the probe.
        """
        if self._open_until is not None:
            self._era += 1
            self._probe_until = now + patience_s + PROBE_GRACE_S
        return Permit(self._era)

    def succeeded(self, permit: Permit, now: float) -> bool:
        """Take note of a good end at `now`; return whether it closed the circuit."""
        if permit.era != self._era:
            return False
        self._unanswered = 0
        if self._open_until is None:
            self._window.add(now, failed=False)
            return False
        self._era += 1
        self._open_until = None
        self._probe_until = None
        self._closed_at = now
        self._window.clear()
        return True

    def failed(self, permit: Permit, now: float, *, unanswered: bool = False) -> bool:
        """Take note of a bad end at `now`; return whether it opened the circuit, for the first time or again."""
        if permit.era != self._era:
            return False
        if self._open_until is None:
            self._window.add(now, failed=True)
            calls, failures = self._window.counts(now)
            self._unanswered += unanswered
            too_many = calls >= self._policy.min_calls and failures / calls >= self._policy.failure_ratio
            if not too_many and self._unanswered < UNANSWERED_IN_A_ROW:
                return False
            self._unanswered = 0
            self._opened_at = now
        self._open(now)
        return True

    def is_current(self, permit: Permit) -> bool:
        """Tell whether what ends with `permit` still counts."""
        return permit.era == self._era

    def trip(self, seconds: float, now: float) -> None:
        """Open at `now` for `seconds`, whatever the share of failures is."""
        if self._open_until is None:
            self._opened_at = now
        self._era += 1
        self._open_until = now + seconds
        self._probe_until = None

    def released(self, permit: Permit) -> None:
        """Take note of an end that says nothing: if it was the probe, the next call is one."""
        if permit.era == self._era and self._open_until is not None:
            self._era += 1
            self._probe_until = None

    def _open(self, now: float) -> None:
        # One good probe may be luck, and ends no series: only who stays closed for a whole window begins anew.
        recovered = self._open_until is None and (
            self._closed_at is None or now - self._closed_at >= self._policy.window_s
        )
        again_s = min(max(2 * self._open_s, self._policy.open_s), self._policy.open_max_s)
        self._open_s = self._policy.open_s if recovered else again_s
        self._era += 1
        self._open_until = now + self._open_s
        self._probe_until = None
