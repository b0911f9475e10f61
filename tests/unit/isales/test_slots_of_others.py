"""The budget together with other processes, whose answers the test decides."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from gateway.errors import UpstreamOverloaded
from gateway.isales.shared_slots import NO_SHARED_SLOTS
from gateway.isales.slots import EXPIRY_SLACK_S, with_slots
from gateway.model import Deadline, Priority
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until
from tests.unit.isales.budgets import ANSWER, REQUEST, Others, answer, budget, order_of, waiting
from tests.unit.isales.vendor import counted


def test_a_slot_that_another_process_is_to_have_is_not_kept() -> None:
    """Who is handed a slot and may not keep it goes back to its place in front, and gets the next one."""
    others = Others(1)
    slots = budget(1, others)
    held = ExitStack()
    held.enter_context(slots.one(Deadline.after(20)))

    def let_go() -> None:
        others.allow(-1)
        held.close()
        wait_until(lambda: slots.in_use == 0)
        others.allow(1)

    assert order_of(slots, [Priority.INTERACTIVE] * 3, let_go) == [0, 1, 2]
    assert (slots.in_use, others.held, others.free) == (0, {}, 1)


def test_a_slot_that_comes_while_its_heir_asks_for_one_is_not_lost() -> None:
    """The poller that is handed a slot and finds another one at the same time passes the first one on."""
    others = Others(2)
    slots = budget(2, others)
    held = ExitStack()
    held.enter_context(slots.one(Deadline.after(20)))

    def hand_over_meanwhile() -> None:
        others.on_ask = lambda: None
        held.close()

    others.on_ask = hand_over_meanwhile
    with slots.one(Deadline.after(20)):
        assert (slots.in_use, len(others.held)) == (1, 1)
    assert (slots.in_use, others.held, others.free) == (0, {}, 2)


def test_a_slot_that_comes_while_its_heir_is_refused_is_used() -> None:
    """The poller that is told that there is none uses the one that it was handed meanwhile."""
    others = Others(1)
    slots = budget(2, others)
    held = ExitStack()
    held.enter_context(slots.one(Deadline.after(20)))

    def hand_over_meanwhile() -> None:
        others.on_ask = lambda: None
        held.close()

    others.on_ask = hand_over_meanwhile
    with slots.one(Deadline.after(20)):
        assert (slots.in_use, len(others.asked)) == (1, 3)
    assert (slots.in_use, others.held, others.free) == (0, {}, 1)


@pytest.mark.parametrize("handed", [False, True])
def test_a_caller_that_breaks_off_leaves_nothing_behind(handed: bool) -> None:  # noqa: FBT001 -- pytest passes it
    """Neither its place nor a slot that it was handed is lost."""
    others = Others(2)
    slots = budget(2, others)
    held = ExitStack()
    held.enter_context(slots.one(Deadline.after(20)))

    def break_off() -> None:
        others.on_ask = lambda: None
        if handed:
            held.close()
        raise KeyboardInterrupt

    others.on_ask = break_off
    with pytest.raises(KeyboardInterrupt):
        slots.one(Deadline.after(20)).__enter__()
    held.close()
    assert (slots.in_use, waiting(slots), others.held, others.free) == (0, 0, {}, 2)


def test_a_slot_that_comes_too_late_goes_on() -> None:
    """Where asking took so long that no call can finish any more, none is begun and the slot is given back."""
    clock, others, numbers = FakeClock(), Others(1), UpstreamNumbers()
    slots = budget(1, others, numbers, clock)
    others.on_ask = lambda: clock.advance(7.99)
    with pytest.raises(UpstreamOverloaded):
        with_slots(answer, slots)(REQUEST, Deadline.after(8, clock))
    assert (slots.in_use, others.held, others.free) == (0, {}, 1)
    assert counted(numbers, "upstream_slot_refusals") == {"no_slot_in_time": 1}


def test_a_shared_slot_runs_out_shortly_after_its_calls_deadline() -> None:
    """It is taken for what is left of the deadline and a second."""
    clock, others = FakeClock(), Others(1)
    with budget(1, others, clock=clock).one(Deadline.after(3, clock)):
        assert list(others.held.values()) == [3 + EXPIRY_SLACK_S]


def test_nobody_asks_while_nobody_waits() -> None:
    """After the last waiter has given up, other processes are left alone."""
    others = Others(0)
    slots = budget(1, others)
    with pytest.raises(UpstreamOverloaded):
        with_slots(answer, slots)(REQUEST, Deadline.after(0.2))
    asked = len(others.asked)
    assert asked >= 2
    threading.Event().wait(0.05)
    assert len(others.asked) == asked


def test_a_budget_that_shrinks_is_kept_to_when_calls_have_ended() -> None:
    """Calls under way keep their slots, but hand them on only to as many as may be."""
    slots = budget(3)
    with ThreadPoolExecutor(1) as pool, ExitStack() as first, ExitStack() as others:
        first.enter_context(slots.one(Deadline.after(60)))
        for _ in range(2):
            others.enter_context(slots.one(Deadline.after(60)))
        waiter = pool.submit(with_slots(answer, slots), REQUEST, Deadline.after(60))
        wait_until(lambda: waiting(slots) == 1)
        slots.adapt(1, slots.duration, NO_SHARED_SLOTS)
        others.close()
        assert (slots.in_use, waiting(slots), waiter.done()) == (1, 1, False)
        first.close()
        assert waiter.result(10) == ANSWER
    assert slots.in_use == 0


def test_a_budget_that_grows_lets_those_go_who_wait() -> None:
    """When slots are added, as many waiters go at once, and not just one of them."""
    slots = budget(1)
    with ThreadPoolExecutor(2) as pool, slots.one(Deadline.after(60)):
        waiters = [pool.submit(with_slots(answer, slots), REQUEST, Deadline.after(60)) for _ in range(2)]
        wait_until(lambda: waiting(slots) == 2)
        slots.adapt(3, slots.duration, NO_SHARED_SLOTS)
        assert [waiter.result(10) for waiter in waiters] == [ANSWER] * 2


def test_a_budget_that_is_shared_otherwise_asks_the_others_from_now_on() -> None:
    """And what was taken of the ones before is given back to them, or they would keep it for seconds."""
    before, after = Others(5), Others(5)
    slots = budget(2, before)
    with slots.one(Deadline.after(60)):
        slots.adapt(2, slots.duration, after)
        with slots.one(Deadline.after(60)):
            assert (len(before.held), len(after.held)) == (1, 1)
    assert (len(before.held), len(after.held), slots.in_use) == (0, 0, 0)


def test_a_slot_that_is_handed_on_is_one_of_the_others_that_there_are_now() -> None:
    """Whoever is handed it asks them, and the ones before get it back."""
    before, after = Others(1), Others(1)
    slots = budget(1, before)
    with ThreadPoolExecutor(1) as pool, ExitStack() as held:
        held.enter_context(slots.one(Deadline.after(60)))
        waiter = pool.submit(with_slots(answer, slots), REQUEST, Deadline.after(60))
        wait_until(lambda: waiting(slots) == 1)
        slots.adapt(1, slots.duration, after)
        held.close()
        assert waiter.result(10) == ANSWER
    assert (before.held, after.held, before.free, after.free) == ({}, {}, 1, 1)
