import threading

import pytest

from gateway.errors import UpstreamOverloaded, UpstreamTimeout
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.send import VendorAnswer
from gateway.isales.slots import Slots, with_slots
from gateway.model import Deadline
from tests.unit.isales.vendor import QUERY, TENANT

REQUEST = campaigns_request(QUERY, TENANT)
ANSWER = VendorAnswer({}, 0.0)


def answer(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
    return ANSWER


def fail(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
    raise UpstreamTimeout("too slow")


def test_no_slot_in_time_is_overload() -> None:
    """A caller that finds all slots in use until its deadline is told to come back."""
    slots = Slots(1)
    with slots.one(Deadline.after(5)), pytest.raises(UpstreamOverloaded) as caught:
        with_slots(answer, slots)(REQUEST, Deadline.after(0.05))
    assert caught.value.retry_after_s == 1


def test_a_slot_comes_back_whatever_happens() -> None:
    """After an answer, an error of the gateway and any other exception the only slot is free again."""
    slots = Slots(1)

    def crash(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        raise KeyboardInterrupt

    for send, error in ((answer, None), (fail, UpstreamTimeout), (crash, KeyboardInterrupt)):
        if error is None:
            with_slots(send, slots)(REQUEST, Deadline.after(0))
        else:
            with pytest.raises(error):
                with_slots(send, slots)(REQUEST, Deadline.after(0))
    assert with_slots(answer, slots)(REQUEST, Deadline.after(0)) is ANSWER


def test_a_slot_is_not_lost_by_waiting_in_vain() -> None:
    """A caller that got no slot gives none back, so there are never more than at first."""
    slots = Slots(1)
    with slots.one(Deadline.after(5)), pytest.raises(UpstreamOverloaded):
        with_slots(answer, slots)(REQUEST, Deadline.after(0))
    with slots.one(Deadline.after(0)), pytest.raises(UpstreamOverloaded):
        with_slots(answer, slots)(REQUEST, Deadline.after(0))


def test_never_more_calls_at_once_than_slots() -> None:
    """Of twenty callers at once, three at most are in a call at any time, and all get their answer."""
    lock = threading.Lock()
    full = threading.Barrier(3)
    now_in, most_in, answers = 0, 0, []

    def send(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        nonlocal now_in, most_in
        with lock:
            now_in += 1
            most_in = max(most_in, now_in)
        full.wait(5)
        with lock:
            now_in -= 1
        return ANSWER

    limited = with_slots(send, Slots(3))
    threads = [threading.Thread(target=lambda: answers.append(limited(REQUEST, Deadline.after(10)))) for _ in range(21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (most_in, len(answers)) == (3, 21)


def test_a_waiting_caller_gets_the_slot_that_comes_free() -> None:
    """A caller waits for a slot and goes on as soon as one is given back."""
    slots = Slots(1)
    got: list[VendorAnswer] = []
    waiter = threading.Thread(target=lambda: got.append(with_slots(answer, slots)(REQUEST, Deadline.after(10))))
    with slots.one(Deadline.after(5)):
        waiter.start()
        assert got == []
    waiter.join(10)
    assert got == [ANSWER]
