"""The way to CC-iSales of one VDN or of all: its circuit, and the pause that CC-iSales asked for. Pure."""

import math
from dataclasses import dataclass
from typing import Final, Literal

from gateway.isales.circuit import Circuit, CircuitPolicy, CircuitState, Permit
from gateway.isales.verdict import Verdict

ALL: Final = "all"
"""The label of the way of all VDNs, where others have their VDN."""

LONGEST_LOCK_S: Final = 3600.0

NEWS_S: Final = 1.0
"""A pause that ends sooner than so long after the one in force is no other: several calls were told the same."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no call may go: by `way` (its label), for `reason`; `wait_s` seconds from now another look makes sense."""

    way: str
    reason: Literal["pause", "circuit", "locked"]
    wait_s: float
    detail: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a call changed on `way`: it was `stopped`, `locked` or `paused` for so many seconds, or `resumed` after.

    `why` is the failure that stopped or locked it, or what asked for the pause.
    """

    way: str
    kind: Literal["stopped", "locked", "paused", "resumed"]
    seconds: float
    why: str = ""


class Way:
    """One way. Every `now` is in seconds of one monotonic clock, and none is before the last one."""

    def __init__(self, vdn: int | None, policy: CircuitPolicy) -> None:
        self.label = ALL if vdn is None else str(vdn)
        self._whom = "all VDNs" if vdn is None else f"VDN {vdn}"
        self._circuit = Circuit(policy)
        self._paused_until = float("-inf")
        self._asked_by = ""
        self._lock_s = 0.0
        self._last_failure = ""

    def state(self, now: float) -> CircuitState:
        """Return the state of the circuit."""
        return self._circuit.state(now)

    def paused_s(self, now: float) -> float:
        """Return the seconds left of the pause that CC-iSales asked for, 0 when there is none."""
        return max(0.0, self._paused_until - now)

    def refusal(self, now: float) -> Refusal | None:
        """Return why no call may go at `now`, or `None` if one may."""
        paused, stopped = self.paused_s(now), self._circuit.wait_s(now)
        if not paused and not stopped:
            return None
        if paused >= stopped:
            detail = (
                f"CC-iSales asked for a pause in the calls for {self._whom} ({self._asked_by}); {math.ceil(paused)} s"
                " of it are left."
            )
            return Refusal(self.label, "pause", paused, detail)
        if self.is_locked:
            then = f"No call for {self._whom} is made for now; the next one is tried in {math.ceil(stopped)} s."
            detail = f"{self._last_failure} {then}"
            return Refusal(self.label, "locked", stopped, detail)
        if self._circuit.state(now) is CircuitState.OPEN:
            then = f"The next one is tried in {math.ceil(stopped)} s."
        else:
            then = "One is under way to see whether they work again."
        since = self._circuit.stopped_for(now)
        detail = (
            f"Calls to CC-iSales for {self._whom} were stopped {since:.0f} s ago because too many failed, the last one"
            f" with {self._last_failure} {then}"
        )
        return Refusal(self.label, "circuit", stopped, detail)

    @property
    def is_locked(self) -> bool:
        """Whether no call goes, or a probe only, because the last one was not let through."""
        return self._lock_s > 0.0

    def admit(self, now: float, patience_s: float) -> Permit:
        """Return the permit for a call that goes at `now` and gives up after `patience_s`; only without a refusal."""
        return self._circuit.admit(now, patience_s)

    def pause(self, seconds: float, now: float, asked_by: str = "Retry-After") -> Change | None:
        """Let no call go for `seconds`, or for longer if that was asked for before; `asked_by` says where it was."""
        known, self._paused_until = self._paused_until, max(self._paused_until, now + seconds)
        if self._paused_until > known:
            self._asked_by = asked_by
        return Change(self.label, "paused", seconds, asked_by) if self._paused_until > known + NEWS_S else None

    def lock(self, permit: Permit, seconds: float, failure: str, now: float) -> Change | None:
        """Let no call go for `seconds` because one with `permit` was not let through, twice as long as the last time.

        Calls that were under way with it say nothing new.
        """
        if not self._circuit.is_current(permit):
            return None
        self._lock_s = max(seconds, min(2 * self._lock_s, LONGEST_LOCK_S))
        self._last_failure = failure
        self._circuit.trip(self._lock_s, now)
        return Change(self.label, "locked", self._lock_s, failure)

    def settle(self, permit: Permit, verdict: Verdict, failure: str, now: float) -> Change | None:
        """Take note of a call that ended; `failure` says how if the verdict is bad."""
        if verdict is not Verdict.NOTHING and self._circuit.is_current(permit):
            self._lock_s = 0.0
        if verdict is Verdict.NOTHING:
            self._circuit.released(permit)
        elif verdict is Verdict.GOOD:
            stopped_for = self._circuit.stopped_for(now)
            if self._circuit.succeeded(permit, now):
                return Change(self.label, "resumed", stopped_for)
        elif self._circuit.failed(permit, now, unanswered=verdict is Verdict.UNANSWERED):
            self._last_failure = failure
            return Change(self.label, "stopped", self._circuit.open_s, failure)
        return None
