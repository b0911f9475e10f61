"""The switch that makes the simulator misbehave: which fault is armed, and for how many calls."""

import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from gateway.simulator import result_codes
from gateway.simulator.envelope import Envelope

MAX_SECONDS = 3600.0


class ConnectionCutError(ConnectionError):
    """The fault has ended the connection, or wants it ended, without a whole answer."""


@dataclass(frozen=True)
class Fault:
    """A fault to play. Only `kind` is needed; each kind says in its help which of the others it reads.

    `times` is the number of calls it is played to, `None` until cleared; `seconds` of `None` is the kind's default;
    `latency_s` seconds pass before it acts. Raises `ValueError` for a value out of range.
    """

    kind: str
    times: int | None = None
    seconds: float | None = None
    status: int = 500
    result_code: str = result_codes.DATABASE_ERROR
    retry_after: str = ""
    location: str = "/elsewhere"
    latency_s: float = 0.0

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValueError(f"times is {self.times}; give 1 or more, or null to play it until it is cleared")
        for name, seconds in (("seconds", self.seconds), ("latency_s", self.latency_s)):
            if seconds is not None and not 0 <= seconds <= MAX_SECONDS:
                raise ValueError(f"{name} is {seconds}; give 0 to {MAX_SECONDS:g} seconds")
        if not 200 <= self.status <= 599:  # noqa: PLR2004 -- the final statuses of HTTP
            raise ValueError(f"status is {self.status}; give a final HTTP status, 200 to 599")
        for name, value in (("retry_after", self.retry_after), ("location", self.location)):
            if not (value.isascii() and value.isprintable()) and value:
                raise ValueError(f"{name} is {value!r}; a header value here is printable ASCII")

    def seconds_or(self, default: float) -> float:
        """Return `seconds` where it was given, else `default`."""
        return default if self.seconds is None else self.seconds


@dataclass(frozen=True)
class Exchange:
    """One call that a fault is played to.

    `envelope_with(n)` is what the honest answer would be with `n` more campaigns (fewer, below 0); `turn` counts the
    calls that the fault has been played to, from 1; `pause(seconds)` waits, less when the server stops; `connection`
    is the caller's socket.
    """

    fault: Fault
    turn: int
    envelope_with: Callable[[int], Envelope]
    locale: str
    now: datetime
    pause: Callable[[float], object]
    connection: socket.socket
    path: str = ""

    @property
    def envelope(self) -> Envelope:
        """The honest answer."""
        return self.envelope_with(0)


class FaultSwitch:
    """Holds at most one armed fault; safe to use from any thread."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = kinds
        self._lock = Lock()
        self._armed: Fault | None = None
        self._turn = 0

    @property
    def armed(self) -> Fault | None:
        """The armed fault, its `times` being those that are left."""
        with self._lock:
            return self._armed

    def arm(self, fault: Fault) -> None:
        """Play `fault` from the next call on, in place of any other. Raises `ValueError` for an unknown kind."""
        if fault.kind not in self._kinds:
            raise ValueError(f"kind is {fault.kind!r}; give one of {', '.join(sorted(self._kinds))}")
        with self._lock:
            self._armed = fault
            self._turn = 0

    def clear(self) -> None:
        """Be honest from the next call on."""
        with self._lock:
            self._armed = None

    def take(self) -> tuple[Fault, int] | None:
        """Return the fault for this call and its turn, using up one of its `times`; `None` for an honest answer."""
        with self._lock:
            fault = self._armed
            if fault is None:
                return None
            self._turn += 1
            if fault.times is not None:
                self._armed = replace(fault, times=fault.times - 1) if fault.times > 1 else None
            return fault, self._turn
