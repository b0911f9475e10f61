"""What takes a time limit for each node that hangs, done in a thread of its own: who needs it waits for one alone."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

import redis

from gateway.daemon_thread import start_daemon_thread

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Does `work` in a daemon thread called `name`, once at a time: who comes meanwhile shares what it brings."""

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self._work = work
        self._name = name
        self._flight: Future[T] | None = None
        self._lock = threading.Lock()

    def begin(self) -> "Future[T]":
        """Have it done, and wait for nothing."""
        with self._lock:
            if self._flight is not None:
                return self._flight
            flight = self._flight = Future()
        if start_daemon_thread(lambda: self._fly(flight), self._name) is None:
            self._land(flight, redis.ConnectionError("no thread to ask in can be had"))
        return flight

    def result(self, limit_s: float | None) -> T:
        """Return what it brings. Raises what `work` raises, or redis-py's TimeoutError after `limit_s`, if any."""
        flight = self.begin()
        try:
            failure = flight.exception(limit_s)
        except TimeoutError:
            raise redis.TimeoutError("the nodes did not answer in time") from None
        if failure is not None:
            # Others raise it too, and each would lengthen its traceback.
            raise failure.with_traceback(None)
        return flight.result()

    def _fly(self, flight: "Future[T]") -> None:
        try:
            result = self._work()
        except Exception as error:  # noqa: BLE001 -- handed to whoever waits, who knows which are expected
            self._land(flight, error)
        else:
            with self._lock:
                self._flight = None
            flight.set_result(result)

    def _land(self, flight: "Future[T]", error: Exception) -> None:
        with self._lock:
            self._flight = None
        flight.set_exception(error)
