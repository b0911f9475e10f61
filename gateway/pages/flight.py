"""Single flight: of all who want the same thing at the same time, one fetches it and the others share what it got."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

from gateway.errors import GatewayError, UpstreamOverloaded, UpstreamTimeout
from gateway.model import Deadline

T = TypeVar("T")

HURRIED: Final = (UpstreamTimeout, UpstreamOverloaded)
"""How a fetch fails that was not given the time it needs: no answer in time, or no slot in time."""


class _Flight(Generic[T]):
    """What is under way: where it lands, and until when its leader waits for it."""

    def __init__(self, leader: Deadline) -> None:
        self.landing: Future[T] = Future()
        self.leader = leader


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
                return self._lead(key, flight.landing, work), True
            flight.leader.urgency.raise_to(deadline.priority)
            try:
                return _follow(flight.landing, deadline), False
            except HURRIED:
                if not flight.leader.shortened or deadline.expired:
                    raise

    def is_under_way(self, key: str) -> bool:
        """Tell whether somebody is at work for `key`."""
        return key in self._flights

    def _lead(self, key: str, flight: Future[T], work: Callable[[], T]) -> T:
        try:
            result = work()
        except BaseException as error:
            self._land(key)
            flight.set_exception(error.again() if isinstance(error, GatewayError) else error)
            raise
        self._land(key)
        flight.set_result(result)
        return result

    def _land(self, key: str) -> None:
        with self._lock:
            del self._flights[key]


def _follow(flight: Future[T], deadline: Deadline) -> T:
    try:
        error = flight.exception(timeout=deadline.remaining())
    except TimeoutError:
        raise UpstreamTimeout(
            "The deadline passed while another request was already fetching this page from CC-iSales."
        ) from None
    if isinstance(error, GatewayError):
        raise error.again()
    return flight.result()
