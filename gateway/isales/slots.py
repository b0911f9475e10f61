"""The budget: at most so many calls to CC-iSales at once, because the vendor asks its callers for that."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gateway.errors import UpstreamOverloaded
from gateway.isales.request import VendorRequest
from gateway.isales.send import Send, VendorAnswer
from gateway.model import Deadline

RETRY_AFTER_S: Final = 1
"""A slot comes free whenever a call ends, so there is no point in staying away for long."""


class Slots:
    """So many calls at once in this process."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._free = threading.BoundedSemaphore(concurrency)

    @contextmanager
    def one(self, deadline: Deadline) -> Iterator[None]:
        """Hold one slot. `UpstreamOverloaded` if none comes free by `deadline`."""
        if not self._free.acquire(timeout=deadline.remaining()):
            raise UpstreamOverloaded(
                f"All {self._concurrency} calls to CC-iSales that may be made at once (isales.concurrency) were in use"
                " until the deadline.",
                retry_after_s=RETRY_AFTER_S,
            )
        try:
            yield
        finally:
            self._free.release()


def with_slots(send: Send, slots: Slots) -> Send:
    """Return `send` with each call in a slot of its own."""

    def send_in_slot(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        with slots.one(deadline):
            return send(request, deadline)

    return send_in_slot
