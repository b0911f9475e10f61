"""Keeps this process' leases alive: one thread renews them all, so that each can be short."""

import threading
from collections.abc import Callable, Sequence
from weakref import WeakSet

from gateway.daemon_thread import start_daemon_thread
from gateway.pages.shared import Lease

RENEW_S = 0.5


class LeaseKeeper:
    """Calls `renew` with the leases held, every half second while there are any.

    A lease is held until it is released or nobody has the object any more, so one that was forgotten runs out.
    """

    def __init__(self, renew: Callable[[Sequence[Lease]], None]) -> None:
        self._renew = renew
        self._held: WeakSet[Lease] = WeakSet()
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def hold(self, lease: Lease) -> None:
        """Keep `lease` alive. Where no thread can be had it runs out, and another process may fetch the same page."""
        with self._changed:
            self._held.add(lease)
            # Started here and not at construction, because threads do not survive the fork of a server's worker.
            if not self._closed and (self._thread is None or not self._thread.is_alive()):
                self._thread = start_daemon_thread(self._run, "lease-keeper")
            self._changed.notify_all()

    def release(self, lease: Lease) -> None:
        """Let `lease` run out."""
        with self._changed:
            self._held.discard(lease)

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(RENEW_S * 4)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._held))
                self._changed.wait_for(lambda: self._closed, RENEW_S)
                if self._closed:
                    return
                leases = list(self._held)
            if leases:
                self._renew(leases)
            # The list would hold on to leases that nobody else has any more.
            del leases
