"""Budgets of calls as tests use them, and other processes whose answers the test decides."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from gateway.isales.call_duration import CallDuration
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.send import VendorAnswer
from gateway.isales.shared_slots import NO_SHARED_SLOTS, SharedSlots
from gateway.isales.slots import Slots
from gateway.model import Deadline, Priority
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.support.waiting import wait_until
from tests.unit.isales.vendor import QUERY, TENANT

REQUEST = campaigns_request(QUERY, TENANT)
ANSWER = VendorAnswer({})


class Others:
    """What other processes leave: `free` slots, or nobody who counts (`None`). Remembers who holds what."""

    def __init__(self, free: int | None) -> None:
        self.free = free
        self.held: dict[str, float] = {}
        self.asked: list[Priority] = []
        self.on_ask: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def try_take(self, token: str, ttl_s: float, priority: Priority) -> bool | None:
        """Give a slot while there is one; take away one that is held when there are fewer than none."""
        self.on_ask()
        with self._lock:
            self.asked.append(priority)
            if self.free is None:
                return None
            left = self.free + (token in self.held)
            self.held.pop(token, None)
            self.free = left
            if left <= 0:
                return False
            self.held[token] = ttl_s
            self.free -= 1
            return True

    def give_back(self, token: str) -> None:
        """Take a slot back."""
        with self._lock:
            if self.held.pop(token, None) is not None and self.free is not None:
                self.free += 1

    def allow(self, more: int) -> None:
        """Let the others hold so many fewer."""
        with self._lock:
            assert self.free is not None
            self.free += more


def budget(
    concurrency: int,
    shared: SharedSlots = NO_SHARED_SLOTS,
    numbers: UpstreamNumbers | None = None,
    clock: Callable[[], float] | None = None,
) -> Slots:
    """Return slots for deadlines of eight seconds."""
    duration = CallDuration(8.0) if clock is None else CallDuration(8.0, clock)
    return Slots(concurrency, duration, shared, numbers or UpstreamNumbers())


def waiting(slots: Slots) -> int:
    """Return how many wait."""
    return sum(slots.waiting_at(priority) for priority in Priority)


def answer(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
    """Be a call that is good at once."""
    return ANSWER


def order_of(slots: Slots, priorities: list[Priority], let_go: Callable[[], None]) -> list[int]:
    """Have callers of these priorities arrive one after the other; return who got the only slot when."""
    order: list[int] = []

    def call(number: int, priority: Priority) -> None:
        with slots.one(Deadline.after(20, priority=priority)):
            order.append(number)

    with ThreadPoolExecutor(len(priorities)) as pool:
        futures: list[Future[None]] = []
        for number, priority in enumerate(priorities):
            futures.append(pool.submit(call, number, priority))
            wait_until(lambda: waiting(slots) == len(futures))
        let_go()
        for future in futures:
            future.result(20)
    return order
