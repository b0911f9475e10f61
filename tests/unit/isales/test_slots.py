"""The budget of one process, with real threads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from gateway.errors import UpstreamOverloaded, UpstreamTimeout
from gateway.isales.request import VendorRequest
from gateway.isales.send import VendorAnswer
from gateway.isales.slots import Slots, with_slots
from gateway.model import Deadline, Priority
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until
from tests.unit.isales.budgets import ANSWER, REQUEST, Others, answer, budget, waiting
from tests.unit.isales.vendor import counted


def test_no_slot_in_time_is_overload() -> None:
    """A caller that waits in vain is told the limit, how many waited and when to come back."""
    numbers = UpstreamNumbers()
    slots = budget(1, numbers=numbers)
    slots.duration.record(3.0)
    deadline = Deadline.after(3.2)
    with slots.one(Deadline.after(60)), pytest.raises(UpstreamOverloaded, match=r"isales\.concurrency") as caught:
        with_slots(answer, slots)(REQUEST, deadline)
    assert "At most 1 call to" in caught.value.detail
    assert "1 caller waited" in caught.value.detail
    assert not deadline.expired
    assert caught.value.retry_after_s == 6
    assert counted(numbers, "upstream_slot_refusals") == {"no_slot_in_time": 1}
    assert counted(numbers, "upstream_slot_wait_seconds_count") == {"": 2}
    assert (slots.in_use, waiting(slots)) == (0, 0)


def test_a_turn_that_cannot_come_is_told_at_once() -> None:
    """With calls of two seconds, who would be the fifth in line with six seconds left does not even wait."""
    clock, numbers = FakeClock(), UpstreamNumbers()
    slots = budget(1, numbers=numbers, clock=clock)
    slots.duration.record(2.0)
    with ThreadPoolExecutor(3) as pool:
        held = ExitStack()
        held.enter_context(slots.one(Deadline.after(8, clock)))
        others = [pool.submit(with_slots(answer, slots), REQUEST, Deadline.after(8, clock)) for _ in range(3)]
        wait_until(lambda: waiting(slots) == 3)
        with pytest.raises(UpstreamOverloaded, match="3 callers waited") as caught:
            with_slots(answer, slots)(REQUEST, Deadline.after(6, clock))
        assert caught.value.retry_after_s == 8
        assert counted(numbers, "upstream_slot_refusals") == {"queue_too_long": 1}
        held.close()
        assert [other.result(10) for other in others] == [ANSWER] * 3


def test_lower_priorities_do_not_count_as_ahead() -> None:
    """Behind two refreshes an interactive caller still has its turn in time, where another refresh has not."""
    clock = FakeClock()
    slots = budget(1, clock=clock)
    slots.duration.record(2.0)
    with ThreadPoolExecutor(3) as pool:
        held = ExitStack()
        held.enter_context(slots.one(Deadline.after(8, clock)))
        refreshes = [
            pool.submit(with_slots(answer, slots), REQUEST, Deadline.after(8, clock, Priority.REFRESH))
            for _ in range(2)
        ]
        wait_until(lambda: waiting(slots) == 2)
        with pytest.raises(UpstreamOverloaded):
            with_slots(answer, slots)(REQUEST, Deadline.after(5, clock, Priority.REFRESH))
        interactive = pool.submit(with_slots(answer, slots), REQUEST, Deadline.after(5, clock))
        wait_until(lambda: slots.waiting_at(Priority.INTERACTIVE) == 1)
        held.close()
        assert [future.result(10) for future in (*refreshes, interactive)] == [ANSWER] * 3


def test_a_free_slot_is_of_no_use_without_the_time_for_a_call() -> None:
    """No call is made that cannot finish; the error says how long calls take."""
    clock, numbers = FakeClock(), UpstreamNumbers()
    slots = budget(2, numbers=numbers, clock=clock)
    slots.duration.record(1.5)
    with pytest.raises(UpstreamTimeout, match=r"1\.00 s were left .* takes about 1\.50 s"):
        with_slots(answer, slots)(REQUEST, Deadline.after(1, clock))
    assert counted(numbers, "upstream_slot_refusals") == {"too_late_to_start": 1}
    with slots.one(Deadline.after(8, clock)), slots.one(Deadline.after(8, clock)), pytest.raises(UpstreamOverloaded):
        with_slots(answer, slots)(REQUEST, Deadline.after(1.5, clock))
    assert with_slots(answer, slots)(REQUEST, Deadline.after(1.5, clock)) is ANSWER


def test_a_slot_comes_back_whatever_happens() -> None:
    """After an answer, an error of the gateway and any other exception the only slot is free again."""
    slots = budget(1)

    def fail(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        raise UpstreamTimeout("too slow")

    def crash(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        raise KeyboardInterrupt

    for send, error in ((fail, UpstreamTimeout), (crash, KeyboardInterrupt)):
        with pytest.raises(error):
            with_slots(send, slots)(REQUEST, Deadline.after(1))
    assert with_slots(answer, slots)(REQUEST, Deadline.after(1)) is ANSWER


def test_only_good_calls_tell_how_long_one_takes() -> None:
    """A failure after two seconds does not count, an answer after three does."""
    clock = FakeClock()
    slots = budget(1, clock=clock)

    def fail(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        clock.advance(2)
        raise UpstreamTimeout("too slow")

    def take_long(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        clock.advance(3)
        return ANSWER

    with pytest.raises(UpstreamTimeout):
        with_slots(fail, slots)(REQUEST, Deadline.after(8, clock))
    assert slots.duration.estimate_s() == 0.05
    with_slots(take_long, slots)(REQUEST, Deadline.after(8, clock))
    assert slots.duration.estimate_s() == 3.0


def hold(slots: Slots, full: threading.Barrier, most: list[int], lock: threading.Lock) -> None:
    """Hold a slot together with others, and note how many were held at most."""
    with slots.one(Deadline.after(20)):
        with lock:
            most[0] += 1
            most[1] = max(most)
        full.wait(10)
        with lock:
            most[0] -= 1


@pytest.mark.parametrize("free", [None, 3])
def test_never_more_calls_at_once_than_slots(free: int | None) -> None:
    """Of sixty callers at once, three at most are in a call at any time, and all have their turn."""
    others = Others(free)
    slots = budget(3, others)
    full, lock, most = threading.Barrier(3), threading.Lock(), [0, 0]
    with ThreadPoolExecutor(60) as pool:
        for future in [pool.submit(hold, slots, full, most, lock) for _ in range(60)]:
            future.result(20)
    assert most == [0, 3]
    assert (slots.in_use, waiting(slots), others.held, others.free) == (0, 0, {}, free)
