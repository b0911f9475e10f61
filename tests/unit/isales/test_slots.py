"""The budget with real threads, and with other processes whose answers the test decides."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from gateway.errors import UpstreamOverloaded, UpstreamTimeout
from gateway.isales.call_duration import CallDuration
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.send import VendorAnswer
from gateway.isales.shared_slots import NO_SHARED_SLOTS, SharedSlots
from gateway.isales.slots import EXPIRY_SLACK_S, Slots, with_slots
from gateway.model import Deadline, Priority
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until
from tests.unit.isales.vendor import QUERY, TENANT

REQUEST = campaigns_request(QUERY, TENANT)
ANSWER = VendorAnswer({})


class Counts:
    """Counts as metrics do."""

    def __init__(self) -> None:
        self.refusals: Counter[str] = Counter()
        self.waits: list[float] = []

    def slot_wait(self, seconds: float) -> None:
        """Note one wait."""
        self.waits.append(seconds)

    def slot_refusal(self, reason: str) -> None:
        """Count one refusal."""
        self.refusals[str(reason)] += 1


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
    counts: Counts | None = None,
    clock: Callable[[], float] | None = None,
) -> Slots:
    """Return slots for deadlines of eight seconds."""
    duration = CallDuration(8.0) if clock is None else CallDuration(8.0, clock)
    return Slots(concurrency, duration, shared, counts or Counts())


def waiting(slots: Slots) -> int:
    """Return how many wait."""
    return sum(slots.waiting_at(priority) for priority in Priority)


def answer(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
    return ANSWER


def test_no_slot_in_time_is_overload() -> None:
    """A caller that waits in vain is told the limit, how many waited and when to come back."""
    counts = Counts()
    slots = budget(1, counts=counts)
    slots.duration.record(3.0)
    deadline = Deadline.after(3.2)
    with slots.one(Deadline.after(60)), pytest.raises(UpstreamOverloaded, match=r"isales\.concurrency") as caught:
        with_slots(answer, slots)(REQUEST, deadline)
    assert "At most 1 calls" in caught.value.detail
    assert "1 callers were waiting" in caught.value.detail
    assert not deadline.expired
    assert caught.value.retry_after_s == 6
    assert counts.refusals == {"no_slot_in_time": 1}
    assert len(counts.waits) == 2
    assert (slots.in_use, waiting(slots)) == (0, 0)


def test_a_turn_that_cannot_come_is_told_at_once() -> None:
    """With calls of two seconds, who would be the fifth in line with six seconds left does not even wait."""
    clock, counts = FakeClock(), Counts()
    slots = budget(1, counts=counts, clock=clock)
    slots.duration.record(2.0)
    with ThreadPoolExecutor(3) as pool:
        held = ExitStack()
        held.enter_context(slots.one(Deadline.after(8, clock)))
        others = [pool.submit(with_slots(answer, slots), REQUEST, Deadline.after(8, clock)) for _ in range(3)]
        wait_until(lambda: waiting(slots) == 3)
        with pytest.raises(UpstreamOverloaded, match="3 callers were waiting") as caught:
            with_slots(answer, slots)(REQUEST, Deadline.after(6, clock))
        assert caught.value.retry_after_s == 8
        assert counts.refusals == {"queue_too_long": 1}
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
    clock, counts = FakeClock(), Counts()
    slots = budget(2, counts=counts, clock=clock)
    slots.duration.record(1.5)
    with pytest.raises(UpstreamTimeout, match=r"1\.00 s were left .* takes about 1\.50 s"):
        with_slots(answer, slots)(REQUEST, Deadline.after(1, clock))
    assert counts.refusals == {"too_late_to_start": 1}
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
    """A refresh that rises above an export which seeks, and asks seldom, seeks in its place at once."""
    others = Others(0)
    slots = Slots(1, CallDuration(8.0), others, ask_again_s=60)
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
    slots = Slots(1, CallDuration(8.0), others, ask_again_s=60)
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
    """The seeker that is handed a slot and finds another one at the same time passes the first one on."""
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
    """The seeker that is told that there is none uses the one that it was handed meanwhile."""
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
    clock, others, counts = FakeClock(), Others(1), Counts()
    slots = budget(1, others, counts, clock)
    others.on_ask = lambda: clock.advance(7.99)
    with pytest.raises(UpstreamOverloaded):
        with_slots(answer, slots)(REQUEST, Deadline.after(8, clock))
    assert (slots.in_use, others.held, others.free) == (0, {}, 1)
    assert counts.refusals == {"no_slot_in_time": 1}


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
    """All that may, not just one of them."""
    slots = budget(1)
    with ThreadPoolExecutor(2) as pool, slots.one(Deadline.after(60)):
        waiters = [pool.submit(with_slots(answer, slots), REQUEST, Deadline.after(60)) for _ in range(2)]
        wait_until(lambda: waiting(slots) == 2)
        slots.adapt(3, slots.duration, NO_SHARED_SLOTS)
        assert [waiter.result(10) for waiter in waiters] == [ANSWER] * 2


def test_a_budget_that_is_shared_otherwise_asks_the_others_from_now_on() -> None:
    """What was taken of the ones before is left to run out."""
    before, after = Others(5), Others(5)
    slots = budget(2, before)
    with slots.one(Deadline.after(60)):
        slots.adapt(2, slots.duration, after)
        with slots.one(Deadline.after(60)):
            assert (len(before.held), len(after.held)) == (1, 1)
    assert (len(before.held), len(after.held), slots.in_use) == (1, 0, 0)
