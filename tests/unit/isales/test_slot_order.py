"""Who has the next call: by priority, then by arrival, whoever it is that has a slot to give."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from gateway.isales.call_duration import CallDuration
from gateway.isales.slots import Slots
from gateway.model import Deadline, Priority
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.support.waiting import wait_until
from tests.unit.isales.budgets import Others, budget, order_of, waiting

MIXED = [Priority.EXPORT, Priority.REFRESH, Priority.INTERACTIVE, Priority.REFRESH, Priority.INTERACTIVE]
IN_ORDER = [2, 4, 1, 3, 0]


def test_the_highest_priority_goes_first() -> None:
    """Interactive callers before refreshes before exports, and each in the order of arrival."""
    slots = budget(1)
    held = ExitStack()
    held.enter_context(slots.one(Deadline.after(20)))
    assert order_of(slots, MIXED, held.close) == IN_ORDER


def test_the_order_holds_while_other_processes_have_all_slots() -> None:
    """The first in line asks for all; a newcomer of higher priority asks instead of it."""
    others = Others(0)
    slots = budget(2, others)
    assert order_of(slots, MIXED, lambda: others.allow(1)) == IN_ORDER
    wait_until(lambda: others.held == {})
    assert (others.asked[0], others.free) == (Priority.EXPORT, 1)


@pytest.mark.parametrize("free", [None, 0])
def test_who_comes_to_matter_more_moves_up(free: int | None) -> None:
    """A refresh that rises goes before the one in front of it, and behind who was interactive before."""
    others = Others(free)
    slots = budget(1, others)
    held = ExitStack()
    if free is None:
        held.enter_context(slots.one(Deadline.after(20)))
    deadlines = [Deadline.after(20, priority=priority) for priority in (Priority.REFRESH, Priority.REFRESH)]
    deadlines.append(Deadline.after(20))
    order: list[int] = []

    def call(number: int) -> None:
        with slots.one(deadlines[number]):
            order.append(number)

    with ThreadPoolExecutor(3) as pool:
        futures: list[Future[None]] = []
        for number in range(3):
            futures.append(pool.submit(call, number))
            wait_until(lambda: waiting(slots) == len(futures))
        deadlines[1].urgency.raise_to(Priority.INTERACTIVE)
        assert [slots.waiting_at(priority) for priority in Priority] == [2, 1, 0]
        held.close()
        if free is not None:
            others.allow(1)
        for future in futures:
            future.result(20)
        deadlines[1].urgency.raise_to(Priority.INTERACTIVE)
    assert order == [2, 1, 0]
    assert (slots.in_use, waiting(slots), others.held) == (0, 0, {})


def test_who_becomes_the_first_does_not_wait_for_the_seekers_next_try() -> None:
    """A refresh that rises above an export which polls, and asks seldom, polls in its place at once."""
    others = Others(0)
    slots = Slots(1, CallDuration(8.0), others, UpstreamNumbers(), ask_again_s=60)
    order: list[Priority] = []
    export, refresh = (Deadline.after(20, priority=priority) for priority in (Priority.EXPORT, Priority.EXPORT))

    def call(deadline: Deadline) -> None:
        with slots.one(deadline):
            order.append(deadline.priority)

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(call, export)]
        wait_until(lambda: others.asked == [Priority.EXPORT])
        futures.append(pool.submit(call, refresh))
        wait_until(lambda: waiting(slots) == 2)
        others.allow(1)
        refresh.urgency.raise_to(Priority.REFRESH)
        for future in futures:
            future.result(20)
    assert order == [Priority.REFRESH, Priority.EXPORT]


def test_a_newcomer_of_higher_priority_does_not_wait_for_the_seekers_next_try() -> None:
    """Who asks seldom is woken by who goes first, and leaves the slot that has come free meanwhile to it."""
    others = Others(0)
    slots = Slots(1, CallDuration(8.0), others, UpstreamNumbers(), ask_again_s=60)
    order: list[Priority] = []

    def call(priority: Priority) -> None:
        with slots.one(Deadline.after(20, priority=priority)):
            order.append(priority)

    with ThreadPoolExecutor(2) as pool:
        export = pool.submit(call, Priority.EXPORT)
        wait_until(lambda: others.asked == [Priority.EXPORT])
        others.allow(1)
        pool.submit(call, Priority.INTERACTIVE).result(20)
        export.result(20)
    assert order == [Priority.INTERACTIVE, Priority.EXPORT]
