"""Single flight: of all who want the same thing at the same time, one fetches it and the others wait for that."""

import threading
from collections import deque
from typing import Generic, TypeVar

from gateway.errors import GatewayError
from gateway.model import Urgency

T = TypeVar("T")


class Flight(Generic[T]):
    """One fetch under way, since `began_at`, and who waits for it; then its `result`, or the `error` that it ended in.

    Who waits is woken one after the other, each by the one before. A crowd that woke up at once would spend more time
    on fighting for the interpreter than on its answers.
    """

    def __init__(self, began_at: float, urgency: Urgency) -> None:
        self.began_at = began_at
        self.urgency = urgency
        self.result: T | None = None
        self.error: GatewayError | None = None
        self._landed = False
        self._waiting: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    def land(self, result: T | None, error: GatewayError | None = None) -> None:
        """Say what came of it, and wake the first who waits."""
        with self._lock:
            self.result, self.error, self._landed = result, error, True
            self._woken()

    def wait(self, seconds: float) -> bool:
        """Wait until it has landed, and wake the next; `False` if it has not within `seconds`."""
        with self._lock:
            if self._landed or seconds <= 0:
                return self._landed
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        # Locks cannot wait for longer than this.
        woken = gate.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))
        with self._lock:
            if not woken and gate in self._waiting:
                self._waiting.remove(gate)
            return self._woken()

    def _woken(self) -> bool:
        # Time may have run out just as it landed: whoever was woken wakes the next.
        if self._landed and self._waiting:
            self._waiting.popleft().release()
        return self._landed


class Flights(Generic[T]):
    """The flights of this process, at most one a key at a time."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight[T]] = {}
        self._lock = threading.Lock()

    def of(self, key: str) -> Flight[T] | None:
        """Return the flight of `key`, `None` when nobody is fetching it."""
        return self._flights.get(key)

    def join(self, key: str, began_at: float, urgency: Urgency) -> tuple[Flight[T], bool]:
        """Return the flight of `key`, and whether it is a new one, which this caller has to bring to its end.

        A flight that is under way becomes as urgent as `urgency` is.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                flight = self._flights[key] = Flight(began_at, urgency)
                return flight, True
        flight.urgency.raise_to(urgency.priority)
        return flight, False

    def land(self, key: str, flight: Flight[T], result: T | None, error: GatewayError | None = None) -> None:
        """End the flight of `key`: who asks from now on begins another, who waits gets `result` or `error`."""
        with self._lock:
            del self._flights[key]
        flight.land(result, error)
