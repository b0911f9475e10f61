"""Few requests at a time are worked on; all others wait without costing anything.

Python runs one thread at a time. Where hundreds want to run, they spend the processor on taking turns, and nobody gets
an answer: a crowd of callers that one thread after the other could have answered within seconds took minutes. So who
has no turn sleeps here, and who waits for CC-iSales gives the turn up meanwhile.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

P = ParamSpec("P")
R = TypeVar("R")

PATHS = frozenset({"/campaigns", "/campaigns/summary"})
ARRIVED = "campaign_gateway.arrived"
"""Where the WSGI environment tells when a request came, on the monotonic clock (seconds)."""

AT_ONCE = 16
"""More than one, because a turn may include a look at a shared cache."""


class FairSemaphore:
    """A semaphore with an order: at most `at_once` have a turn; who had one before, then who came, goes first."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = at_once
        self._new: deque[threading.Lock] = deque()
        self._returning: deque[threading.Lock] = deque()
        self._lock = threading.Lock()
        self._mine = threading.local()

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return len(self._new) + len(self._returning)

    def acquire(self, *, returning: bool = False) -> None:
        """Wait for a turn and take it."""
        with self._lock:
            if self._free > 0:
                self._free -= 1
                self._mine.taken = True
                return
            gate = threading.Lock()
            gate.acquire()
            (self._returning if returning else self._new).append(gate)
        gate.acquire()
        self._mine.taken = True

    def release(self) -> None:
        """End the turn of this thread: the next one who waits has it."""
        self._mine.taken = False
        with self._lock:
            queue = self._returning or self._new
            if queue:
                queue.popleft().release()
            else:
                self._free += 1

    def outside(self, wait: Callable[P, R]) -> Callable[P, R]:
        """Return `wait` for callers that give up their turn, if they have one, until it is done."""

        def wait_outside(*args: P.args, **kwargs: P.kwargs) -> R:
            if not getattr(self._mine, "taken", False):
                return wait(*args, **kwargs)
            self.release()
            try:
                return wait(*args, **kwargs)
            finally:
                self.acquire(returning=True)

        return wait_outside


def in_order(
    app: "WSGIApplication", semaphore: FairSemaphore, clock: Callable[[], float] = time.monotonic
) -> "WSGIApplication":
    """Return `app` with requests for `PATHS` worked on in turn. All else, such as probes, is worked on at once."""

    def app_in_order(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO", "") not in PATHS:
            return app(environ, start_response)
        environ[ARRIVED] = clock()
        semaphore.acquire()
        try:
            return app(environ, start_response)
        finally:
            semaphore.release()

    return app_in_order
