"""The budget: at most so many calls to CC-iSales at once, because the vendor asks its callers for that.

A caller waits for its turn only as long as an attempt could still finish afterwards, and is told at once when its turn
cannot come in time. The order is kept by `slot_queue`, here are the threads: each waits for an event of its own, and
whoever changes the queue wakes just the one whom the change concerns.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from math import ceil
from typing import Final
from uuid import uuid4

from gateway.counted import counted
from gateway.errors import UpstreamOverloaded, UpstreamTimeout
from gateway.isales.call_duration import CallDuration
from gateway.isales.request import VendorRequest
from gateway.isales.send import Send, VendorAnswer
from gateway.isales.shared_slots import SharedSlots
from gateway.isales.slot_queue import SlotQueue
from gateway.model import Deadline, Priority
from gateway.telemetry.upstream_numbers import UpstreamNumbers

ASK_AGAIN_S: Final = 0.01
"""How soon the poller looks again for a slot that another process may have given back."""

EXPIRY_SLACK_S: Final = 1.0
"""How long after its call's deadline a shared slot runs out if its holder died.

No slot needs to be prolonged during a call: the transport lets no socket operation go past the deadline. Only looking
up a name can take longer, and the call that comes out of that late ends before it connects.
"""


class Refusal(StrEnum):
    """Why no call was made.

    `QUEUE_TOO_LONG`: told at once, because the turn cannot come in time. `NO_SLOT_IN_TIME`: waited until an attempt
    could not finish any more. `TOO_LATE_TO_START`: a slot was free, but the time left was too short.
    """

    QUEUE_TOO_LONG = "queue_too_long"
    NO_SLOT_IN_TIME = "no_slot_in_time"
    TOO_LATE_TO_START = "too_late_to_start"


class _Waiter:
    __slots__ = ("deadline", "slot", "turn")

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.slot: str | None = None
        self.turn = threading.Event()


class Slots:
    """So many calls at once in this process, and over all processes that have the same `shared`.

    Of those who wait, the highest priority goes first, and within it who came or rose to it first. While other
    processes hold all slots, one waiter asks for them every `ask_again_s` seconds, for all of this process.
    """

    def __init__(
        self,
        concurrency: int,
        duration: CallDuration,
        shared: SharedSlots,
        metrics: UpstreamNumbers,
        ask_again_s: float = ASK_AGAIN_S,
    ) -> None:
        self.duration = duration
        self._shared = shared
        self._metrics = metrics
        self._ask_again_s = ask_again_s
        self._queue: SlotQueue[_Waiter] = SlotQueue(concurrency)
        self._lock = threading.Lock()
        self._taken_of: dict[str, SharedSlots] = {}

    def adapt(self, concurrency: int, duration: CallDuration, shared: SharedSlots) -> None:
        """Have from now on so many slots, expect calls to take so long, and share them with other processes.

        Calls under way keep their slots, and give back what they hold of the `shared` before.
        """
        with self._lock:
            self.duration, self._shared = duration, shared
            self._queue.capacity = concurrency
            self._wake(self._queue.elect())

    @property
    def in_use(self) -> int:
        """How many slots this process holds."""
        return self._queue.in_use

    def waiting_at(self, priority: Priority) -> int:
        """Return how many callers wait with just this priority."""
        return self._queue.waiting_at(priority)

    @contextmanager
    def one(self, deadline: Deadline) -> Iterator[None]:
        """Hold one slot, in which an attempt can still finish by `deadline`.

        Raises `UpstreamOverloaded` as soon as that cannot be, at the latest when less time is left than an attempt
        needs; `UpstreamTimeout` where a slot is free but the time is too short from the start.
        """
        slot = self._take(deadline)
        try:
            yield
        finally:
            self._pass_on(slot)

    def _take(self, deadline: Deadline) -> str:
        waiter = _Waiter(deadline)
        began = deadline.clock()
        with self._lock:
            self._refuse_the_hopeless(deadline)
            # Before it joins, so that it is seen to rise at any time after its priority was read.
            deadline.urgency.watch(lambda: self._move_up(waiter))
            self._queue.join(waiter, deadline.priority)
            self._if_first(waiter)
        try:
            slot = self._wait(waiter)
        except BaseException:
            self._abandon(waiter)
            raise
        finally:
            deadline.urgency.watch(None)
            self._metrics.slot_wait(deadline.clock() - began)
        if self._patience(deadline) < 0:
            # It came, but too late: the next one may still have the time.
            self._pass_on(slot)
            raise self._no_slot_in_time()
        return slot

    def _wait(self, waiter: _Waiter) -> str:
        """Return the slot that `waiter` got, or raise UpstreamOverloaded."""
        deadline, pause = waiter.deadline, 0.0
        while True:
            with self._lock:
                waiter.turn.clear()
                polling = self._polls(waiter)
                slot = waiter.slot
            if slot is not None and not polling:
                if self._ask(waiter, slot):
                    return slot
                with self._lock:
                    waiter.slot = None
                    self._queue.put_back(waiter, deadline.priority)
                    self._wake(self._queue.elect())
                pause = self._ask_again_s
            elif polling and pause <= 0:
                slot = uuid4().hex
                got = self._ask(waiter, slot)
                handed = self._end_of_polling(waiter, found=got)
                if got:
                    if handed is not None:
                        self._pass_on(handed)
                    return slot
                pause = 0.0 if handed is not None else self._ask_again_s
            else:
                left = self._patience(deadline)
                if left <= 0:
                    raise self._no_slot_in_time()
                waiter.turn.wait(min(left, pause) if polling else left)
                pause = 0.0

    def _polls(self, waiter: _Waiter) -> bool:
        """Tell whether `waiter` is the poller and ought to be; if another one ought to, that one is woken."""
        queue = self._queue
        if queue.poller is not waiter:
            return False
        if waiter.slot is None and queue.head is waiter:
            return True
        queue.refused()
        self._wake(queue.elect())
        return False

    def _ask(self, waiter: _Waiter, slot: str) -> bool:
        ttl_s, shared = waiter.deadline.remaining() + EXPIRY_SLACK_S, self._shared
        before = self._taken_of.pop(slot, shared)
        if before is not shared:
            before.give_back(slot)
        taken = shared.try_take(slot, ttl_s, waiter.deadline.priority) is not False
        if taken:
            self._taken_of[slot] = shared
        return taken

    def _end_of_polling(self, waiter: _Waiter, *, found: bool) -> str | None:
        """Note what the poller found; return the slot that it was handed while it was away, if any."""
        with self._lock:
            if found:
                self._queue.found(waiter)
                handed, waiter.slot = waiter.slot, None
            else:
                self._queue.refused()
                handed = waiter.slot
            self._wake(self._queue.elect())
            return handed

    def _pass_on(self, slot: str) -> None:
        """Give `slot` to the first who waits, or back."""
        with self._lock:
            heir = self._queue.hand_over()
            if heir is not None:
                heir.slot = slot
                self._wake(heir)
                return
        try:
            self._taken_of.pop(slot, self._shared).give_back(slot)
        finally:
            # Only now, so that nobody in this process asks for it before it can be had.
            with self._lock:
                self._queue.free()
                self._wake(self._queue.elect() or self._queue.poller)

    def _move_up(self, waiter: _Waiter) -> None:
        """Give `waiter`, if it still waits, the place that its priority has become worth."""
        with self._lock:
            if self._queue.move_up(waiter, waiter.deadline.priority):
                self._if_first(waiter)

    def _if_first(self, waiter: _Waiter) -> None:
        """If `waiter` has become the first in line, have it seek, or wake who polls without being the first now."""
        if self._queue.head is waiter:
            self._wake(self._queue.elect() or self._queue.poller)

    def _abandon(self, waiter: _Waiter) -> None:
        """Take `waiter` out of the queue; what it was handed meanwhile goes on to the next."""
        with self._lock:
            self._queue.leave(waiter)
            self._wake(self._queue.elect())
        if waiter.slot is not None:
            self._pass_on(waiter.slot)

    def _wake(self, waiter: _Waiter | None) -> None:
        if waiter is not None:
            waiter.turn.set()

    def _patience(self, deadline: Deadline) -> float:
        """Return the seconds for which waiting makes sense; below 0 when an attempt cannot finish any more."""
        return deadline.remaining() - self.duration.estimate_s()

    def _refuse_the_hopeless(self, deadline: Deadline) -> None:
        queue, needed_s, left_s = self._queue, self.duration.estimate_s(), deadline.remaining()
        if queue.in_use < queue.capacity and queue.head is None:
            if left_s < needed_s:
                self._metrics.slot_refusal(Refusal.TOO_LATE_TO_START)
                raise UpstreamTimeout(
                    f"CC-iSales was not called: {left_s:.2f} s were left until the deadline, and a call takes about"
                    f" {needed_s:.2f} s these days.",
                    sent=False,
                )
        elif queue.ahead(deadline.priority) / queue.capacity * needed_s > left_s:
            self._metrics.slot_refusal(Refusal.QUEUE_TOO_LONG)
            raise self._overloaded("no slot can come free before the deadline")
        elif left_s <= needed_s:
            self._metrics.slot_refusal(Refusal.NO_SLOT_IN_TIME)
            raise self._overloaded("no slot came free in time")

    def _no_slot_in_time(self) -> UpstreamOverloaded:
        self._metrics.slot_refusal(Refusal.NO_SLOT_IN_TIME)
        return self._overloaded("no slot came free in time")

    def _overloaded(self, what: str) -> UpstreamOverloaded:
        queue, needed_s = self._queue, self.duration.estimate_s()
        waiting = queue.waiting()
        drained_s = (queue.in_use + waiting) / queue.capacity * needed_s
        return UpstreamOverloaded(
            f"At most {counted(queue.capacity, 'call')} to CC-iSales may be made at once (isales.concurrency), and "
            f"{what}: {counted(waiting, 'caller')} waited, and a call takes about {needed_s:.2f} s these days.",
            retry_after_s=max(1, ceil(drained_s)),
            sent=False,
        )


def with_slots(send: Send, slots: Slots) -> Send:
    """Return `send` with each call in a slot of its own; how long the good ones take tells how long to wait for one."""

    def send_in_slot(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        with slots.one(deadline):
            began = deadline.clock()
            answer = send(request, deadline)
            slots.duration.record(deadline.clock() - began)
            return answer

    return send_in_slot
