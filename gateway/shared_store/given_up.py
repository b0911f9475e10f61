"""What this process has given up in Redis, for as long as Redis may still have it.

A slot or a lease that is given up while Redis cannot be reached, or at a master that others have left already, stays
there until it runs out, and keeps callers of all processes waiting for nobody. So it is given up again: when that is
known to have failed, and whenever another node may have become the master.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from gateway.daemon_thread import start_daemon_thread
from gateway.shared_store.backend import RedisBackend
from gateway.shared_store.faults import TROUBLE

T = TypeVar("T")

AGAIN_S: Final = 0.5
MOST: Final = 1000
"""Far more than a process gives up in the seconds for which Redis may have it; of more, the oldest run out."""


class GivenUp(Generic[T]):
    """Remembers what was given up. `again` gives up all that it gets; raises what Redis does.

    It is no operation that somebody waits for, so that no guard judges Redis by it.
    """

    def __init__(self, backend: RedisBackend, again: Callable[[Sequence[T]], object]) -> None:
        self._again = again
        self._closed = backend.closed
        self._until: dict[T, float] = {}
        self._lock = threading.Lock()
        self._wanted = self._telling = False
        backend.when_left.append(self._left)

    def note(self, item: T, kept_s: float, *, done: bool) -> None:
        """Remember that `item`, which runs out after `kept_s` in any case, was given up, or was to be if not `done`."""
        with self._lock:
            self._until.pop(item, None)
            self._until[item] = time.monotonic() + kept_s
            if len(self._until) > MOST:
                del self._until[next(iter(self._until))]
        if not done:
            self._tell()

    def _left(self) -> None:
        if self._until:
            self._tell()

    def _tell(self) -> None:
        """Have all given up again, and once more where that is being done already: it may be told to who was left."""
        with self._lock:
            self._wanted = True
            if self._telling:
                return
            self._telling = True
        if start_daemon_thread(self._run, "given-up") is None:
            self._telling = False

    def _run(self) -> None:
        try:
            while self._is_wanted():
                self._give_up_all()
        except BaseException:
            self._telling = False
            raise

    def _give_up_all(self) -> None:
        items = self._left_over()
        try:
            if items:
                self._again(items)
        except TROUBLE:
            self._wanted = not self._closed.wait(AGAIN_S)

    def _is_wanted(self) -> bool:
        with self._lock:
            self._telling, self._wanted = self._wanted, False
            return self._telling

    def _left_over(self) -> list[T]:
        now = time.monotonic()
        with self._lock:
            self._until = {item: until for item, until in self._until.items() if until > now}
            return list(self._until)
