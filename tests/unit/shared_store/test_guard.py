"""What one answer waits for Redis in vain does not grow with what it needs from it."""

from collections.abc import Callable

import pytest
import redis

from gateway.shared_store.breaker import LIMIT
from gateway.shared_store.guard import PART_S, RedisGuard
from gateway.shared_store.operations import Operation
from gateway.telemetry.tracing import Trace, Work, under_way
from tests.support.clock import FakeClock

TIMEOUT_S = 0.2


class Node:
    """A Redis that answers after `takes_s`, or fails then; it counts how often it was asked."""

    def __init__(self, clock: FakeClock, failure: Exception | None = None, takes_s: float = TIMEOUT_S) -> None:
        self._clock = clock
        self.failure = failure
        self._takes_s = takes_s
        self.asked = 0

    def __call__(self) -> bool:
        """Answer, or fail."""
        self.asked += 1
        self._clock.advance(self._takes_s)
        if self.failure is not None:
            raise self.failure
        return True


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that nodes advance."""
    return FakeClock()


@pytest.fixture
def run(clock: FakeClock) -> Callable[[Operation, Node, str], bool | None]:
    """Return a function that runs an operation on the node that has a key, which is called like it."""
    guard = RedisGuard(lambda *_: None, clock, lambda key: key, lambda: ("a", "b"))
    return lambda operation, node, key: guard.run(operation, node, None, key=key)


def test_a_part_is_judged_by_itself_and_named_for_a_while(clock: FakeClock) -> None:
    """What works beside it does not hide it; one that is not tried any more is not held against Redis for ever."""
    guard = RedisGuard(lambda *_: None, clock)
    refused = Node(clock, redis.exceptions.NoPermissionError("this user has no permissions to run it"))
    for _ in range(LIMIT):
        guard.run(Operation.LEASE, refused, None, part="renew")
        guard.run(Operation.LEASE, Node(clock), None)
    assert guard.failing_operations() == [Operation.LEASE]
    guard.run(Operation.LEASE, refused, None, part="renew")
    assert refused.asked == LIMIT, "it is left alone for a while"
    works = Node(clock)
    guard.run(Operation.LEASE, works, None)
    assert works.asked == 1, "all else goes on"
    clock.advance(PART_S)
    assert guard.failing_operations() == []
    guard.run(Operation.LEASE, refused, None, part="renew")
    assert guard.failing_operations() == [Operation.LEASE]


def answer() -> Work:
    """Return an answer under way."""
    return Work(Trace("0" * 32, "1" * 16))


def test_one_answer_waits_for_a_node_in_vain_once(
    clock: FakeClock, run: Callable[[Operation, Node, str], bool | None]
) -> None:
    """Whatever it needs from it; the next answer asks again, and so does who works for nobody."""
    node = Node(clock, redis.TimeoutError("slow"))
    with under_way(answer()):
        for operation in (Operation.LOOK, Operation.LEASE, Operation.STORE):
            assert run(operation, node, "a") is None
        assert node.asked == 1
    with under_way(answer()):
        run(Operation.LOOK, node, "a")
    run(Operation.LOOK, node, "a")
    assert node.asked == 3


def test_other_nodes_and_the_call_budget_are_asked_all_the_same(
    clock: FakeClock, run: Callable[[Operation, Node, str], bool | None]
) -> None:
    """A node that is lost takes only its own away, and a call that is not counted would be one too many."""
    lost, other = Node(clock, redis.TimeoutError("slow")), Node(clock)
    with under_way(answer()):
        run(Operation.LOOK, lost, "a")
        assert run(Operation.LOOK, other, "b") is True
        run(Operation.SLOT, lost, "a")
        run(Operation.SLOT, lost, "a")
    assert lost.asked == 2


@pytest.mark.parametrize(
    ("failure", "takes_s"), [(redis.ConnectionError("refused"), 0.0), (None, TIMEOUT_S)], ids=["refused", "slow"]
)
def test_what_costs_no_time_or_is_answered_is_not_in_vain(
    clock: FakeClock,
    run: Callable[[Operation, Node, str], bool | None],
    failure: Exception | None,
    takes_s: float,
) -> None:
    """A connection that was cut is made anew with the next operation."""
    node = Node(clock, failure, takes_s)
    with under_way(answer()):
        run(Operation.LOOK, node, "a")
        run(Operation.LEASE, node, "a")
    assert node.asked == 2
