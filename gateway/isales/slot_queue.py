"""Who may call CC-iSales next: the slots of this process and the queue for them. Pure: no thread, no clock, no lock.

A slot that comes free goes from hand to hand: the caller that ends gives it to the first in the queue. Only where there
is nobody to give it from, one waiter at a time, the poller, goes and looks for a new one; it may be told that all are
taken, by other processes, and then stays in the queue.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

from gateway.model import Priority

W = TypeVar("W")


class SlotQueue(Generic[W]):
    """Waiters of any hashable kind, by priority and then by arrival, for `capacity` slots."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.in_use = 0
        self.poller: W | None = None
        self._queues: dict[Priority, OrderedDict[W, None]] = {priority: OrderedDict() for priority in Priority}

    @property
    def head(self) -> W | None:
        """Who is first."""
        for queue in self._queues.values():
            if queue:
                return next(iter(queue))
        return None

    def waiting(self, least: Priority = Priority.EXPORT) -> int:
        """Return how many wait with priority `least` or a higher one."""
        return sum(len(queue) for priority, queue in self._queues.items() if priority <= least)

    def waiting_at(self, priority: Priority) -> int:
        """Return how many wait with just this priority."""
        return len(self._queues[priority])

    def ahead(self, priority: Priority) -> int:
        """Return how many calls are begun before that of a newcomer: those under way and those that wait in front."""
        return self.in_use + self.waiting(priority)

    def join(self, waiter: W, priority: Priority) -> None:
        """Put a newcomer behind all of its priority."""
        self._queues[priority][waiter] = None

    def move_up(self, waiter: W, priority: Priority) -> bool:
        """Put a waiter of a lower priority behind all of `priority`; return whether there was such a one."""
        for lower, queue in self._queues.items():
            if lower > priority and waiter in queue:
                del queue[waiter]
                self.join(waiter, priority)
                return True
        return False

    def leave(self, waiter: W) -> None:
        """Take out a waiter that gives up. If it was the poller there is none any more."""
        for queue in self._queues.values():
            queue.pop(waiter, None)
        if self.poller is waiter:
            self.poller = None

    def elect(self) -> W | None:
        """Make the head the poller if this process may have one more slot; return it, or `None` if nothing changed."""
        if self.poller is None and self.in_use < self.capacity:
            self.poller = self.head
            return self.poller
        return None

    def found(self, waiter: W) -> None:
        """Take note that the poller has found a slot: it holds it and waits no more."""
        self.leave(waiter)
        self.in_use += 1

    def refused(self) -> None:
        """Take note that the poller has found none. It stays where it is in the queue."""
        self.poller = None

    def hand_over(self) -> W | None:
        """Take the head out, for it gets a slot that is in use; `None` for nobody, and then the slot stays in use.

        Nobody gets it either where more are in use than there are to be, because `capacity` was lowered. A poller that
        is handed a slot stays the poller until it has come back from polling.
        """
        head = None if self.in_use > self.capacity else self.head
        if head is not None:
            for queue in self._queues.values():
                queue.pop(head, None)
        return head

    def put_back(self, waiter: W, priority: Priority) -> None:
        """Put a waiter in front again whose slot was taken from it, and count the slot as gone."""
        self.in_use -= 1
        self._queues[priority][waiter] = None
        self._queues[priority].move_to_end(waiter, last=False)

    def free(self) -> None:
        """Count a slot as gone that nobody was there to take."""
        self.in_use -= 1
