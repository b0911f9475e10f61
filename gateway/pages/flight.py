"""Single flight: of all who want the same thing at the same time, one fetches it and the others share what it got."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from gateway.errors import GatewayError, InternalError, UpstreamTimeout
from gateway.impatience import is_impatience
from gateway.model import Deadline

T = TypeVar("T")


FAILED = "The request that was fetching this page failed."


class _Flight(Generic[T]):
    """What is under way, until when its leader waits for it, and who else does; `gave_up` if the leader was impatient.

    Who waits is woken one after the other, each by the one before. A crowd that woke up at once would spend more time
    on fighting for the interpreter than on its answers.
    """

    def __init__(self, leader: Deadline) -> None:
        self.leader = leader
        self.result: T | None = None
        self.error: GatewayError | None = None
        self.gave_up = False
        self._landed = False
        self._waiting: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    def land(self, result: T | None, error: GatewayError | None = None) -> None:
        """Say what came of it, and wake the first who waits."""
        with self._lock:
            self.gave_up = error is not None and is_impatience(error, self.leader)
            self.result, self.error, self._landed = result, error, True
            self._woken()

    def wait(self, seconds: float) -> bool:
        """Wait until it has landed, and wake the next; `False` if it has not within `seconds`."""
        with self._lock:
            if self._landed:
                return True
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        woken = gate.acquire(timeout=seconds)
        with self._lock:
            if not woken and gate in self._waiting:
                self._waiting.remove(gate)
            return self._woken()

    def _woken(self) -> bool:
        # Time may have run out just as it landed: whoever was woken wakes the next.
        if self._landed and self._waiting:
            self._waiting.popleft().release()
        return self._landed


class SingleFlight(Generic[T]):
    """At most one call of a key at a time in this process."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}
        self._lock = threading.Lock()

    def run(self, key: str, work: Callable[[], T], deadline: Deadline) -> tuple[T, bool]:
        """Return what `work` returns, and whether this caller was the one that called it.

        Who comes while another caller of the same key is at work waits for that, but not past its own `deadline`
        (UpstreamTimeout), and shares the failure as it shares the result. But the impatience of a leader whose
        deadline was shortened is its own: who has time left then takes a turn of their own. The leader's wait becomes
        as urgent as that of those who follow.
        """
        while True:
            with self._lock:
                flight = self._flights.get(key)
                leading = flight is None
                if flight is None:
                    flight = self._flights[key] = _Flight(deadline)
            if leading:
                return self._lead(key, flight, work), True
            flight.leader.urgency.raise_to(deadline.priority)
            try:
                return _follow(flight, deadline), False
            except GatewayError:
                if not flight.gave_up or deadline.expired:
                    raise

    def is_under_way(self, key: str) -> bool:
        """Tell whether somebody is at work for `key`."""
        return key in self._flights

    def _lead(self, key: str, flight: _Flight[T], work: Callable[[], T]) -> T:
        try:
            result = work()
        except BaseException as error:
            self._land(key)
            # A bug is logged where it is raised, once.
            shared = error if isinstance(error, GatewayError) else InternalError(FAILED)
            flight.land(None, shared.again())
            raise
        self._land(key)
        flight.land(result)
        return result

    def _land(self, key: str) -> None:
        with self._lock:
            del self._flights[key]


def _follow(flight: _Flight[T], deadline: Deadline) -> T:
    if not flight.wait(deadline.remaining()):
        raise UpstreamTimeout(
            "The deadline passed while another request was already fetching this page from CC-iSales."
        )
    if flight.error is not None:
        raise flight.error.again()
    return cast(T, flight.result)
