"""Slots over several processes in a real Redis: who gets one, who keeps one, and how they come back."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from flask import Flask

from gateway.model import Priority
from gateway.settings.model import Secret
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import KEY_PREFIX
from gateway.shared_store.slots import TURN_MS, RedisSlots
from gateway.shared_store.store import shared_store
from tests.support.redis_server import RedisServer, redis_server
from tests.support.shared_tier import Faults
from tests.support.waiting import wait_until

TTL_S = 60.0
FIRST, SECOND, LAST = Priority.INTERACTIVE, Priority.REFRESH, Priority.EXPORT
Process = Callable[..., RedisSlots]


@pytest.fixture
def process(redis: RedisServer) -> Iterator[Process]:
    """Return what makes the slots of one more process, whose marks outlive any pause of a busy machine."""
    with ExitStack() as stack:

        def make(
            capacity: int,
            upstream: str = "http://one",
            url: Secret = redis.url,
            mark_ms: int = 20_000,
            processes: int = 0,
            faults: Faults | None = None,
        ) -> RedisSlots:
            store = shared_store(Flask("test"), StoreAddress(url, upstream), Faults() if faults is None else faults)
            stack.enter_context(closing(store.backend))
            return RedisSlots(store, capacity, processes, mark_ms)

        yield make


def take(slots: RedisSlots, *tokens: str, priority: Priority = FIRST) -> list[bool | None]:
    """Take these slots one after the other."""
    return [slots.try_take(token, TTL_S, priority) for token in tokens]


def key_of(redis: RedisServer) -> bytes:
    """Return the name of the set of held slots."""
    with redis.client() as client:
        names: list[bytes] = client.keys(f"{KEY_PREFIX}slots:*")
        return min(names)


def test_never_more_than_there_are(process: Process) -> None:
    """The processes have the slots together, and one that is given back can be had again."""
    one, two = process(3), process(3)
    assert take(one, "a", "b") + take(two, "a", "b") == [True, True, True, False]
    one.give_back("a")
    one.give_back("never held")
    assert take(two, "b", "c") == [True, False]


def test_processes_of_the_first_version_are_counted_too(process: Process, redis: RedisServer) -> None:
    """Whose slots stand under the name that they had then, as long as a rolling upgrade takes."""
    earlier = f"{KEY_PREFIX}slots:{hashlib.sha256(b'http://one').hexdigest()[:16]}"
    one = process(2)
    with redis.client() as client:
        client.zadd(earlier, {"0123-1 token": (client.time()[0] + TTL_S) * 1000})
        assert take(one, "a", "b") == [True, False]
        assert client.zcard(earlier) == 2


def test_many_at_once_never_get_more(process: Process) -> None:
    """Forty threads of four processes get five slots."""
    processes, got = [process(5) for _ in range(4)], []
    start = threading.Barrier(40)

    def race(slots: RedisSlots, token: str) -> None:
        start.wait(10)
        got.append(slots.try_take(token, TTL_S, FIRST))

    threads = [threading.Thread(target=race, args=(processes[n % 4], str(n))) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (got.count(True), got.count(False)) == (5, 35)


def test_each_upstream_has_slots_of_its_own(process: Process) -> None:
    """Who calls another CC-iSales is not counted."""
    assert take(process(1), "a") + take(process(1, "http://two"), "a") == [True, True]


def test_a_slot_runs_out_with_its_holder(process: Process) -> None:
    """One that nobody gives back can be had again after its time, and not before."""
    one, two = process(1), process(1)
    assert one.try_take("a", 2.0, FIRST) is True
    assert take(two, "b") == [False]
    wait_until(lambda: two.try_take("b", TTL_S, FIRST))


def test_a_slot_that_is_kept_lasts_longer(process: Process, redis: RedisServer) -> None:
    """For the next call it gets that call's time, and it counts once."""
    one, two = process(2), process(2)
    assert one.try_take("a", 0.3, FIRST) is True
    assert take(one, "a") == [True]
    with redis.client() as client:
        assert client.zcard(key_of(redis)) == 1
        assert client.pttl(key_of(redis)) > 1000
    threading.Event().wait(0.35)
    assert take(two, "b", "c") == [True, False]


def test_nothing_is_left_when_nobody_calls(process: Process, redis: RedisServer) -> None:
    """All keys run out by themselves."""
    assert process(1).try_take("a", 2, FIRST)
    assert take(process(1, mark_ms=2000), "a") == [False]
    with redis.client() as client:
        assert len(client.keys("*")) == 2
        wait_until(lambda: client.keys("*") == [])


def test_a_slot_goes_to_the_process_with_the_highest_priority(process: Process) -> None:
    """A process gives a slot up rather than keep it for a refresh while another one has an interactive caller."""
    one, two = process(1), process(1)
    assert take(one, "a", priority=SECOND) + take(two, "b") == [True, False]
    assert take(one, "a", priority=SECOND) == [False]
    assert take(one, "a", priority=SECOND) == [False]
    assert take(two, "b") == [True]
    assert take(one, "a", priority=SECOND) == [False]
    assert take(two, "b", priority=FIRST) == [True]
    assert take(two, "b", priority=LAST) == [False]
    assert take(one, "a", priority=SECOND) == [True]


def test_equal_processes_come_to_hold_equally_many(process: Process) -> None:
    """A process that has all slots gives up half of them to another one that waits, and no more."""
    one, two = process(6), process(6)
    assert take(one, *"abcdef") + take(two, "x") == [True] * 6 + [False]
    assert take(one, *"abcdef") == [False, False, False, True, True, True]
    assert take(two, "x", "y", "z") == [True, True, True]
    assert take(one, "a") + take(two, "w") == [False, False]
    assert take(one, "d") + take(two, "x") == [True, True]


def test_free_slots_are_left_to_who_has_fewer(process: Process) -> None:
    """As long as another process waits that has fewer slots, a process that has some does not take the free ones."""
    one, two = process(3), process(3)
    assert take(one, "a", "b", "c") + take(two, "x") == [True, True, True, False]
    one.give_back("c")
    assert take(one, "c") == [False]
    assert take(two, "x") == [True]


def test_who_has_none_gets_one_after_a_while(process: Process) -> None:
    """With more processes than slots they take turns, the one that waits longest first."""
    one, two, three = process(1), process(1), process(1)
    pause = threading.Event()
    assert take(one, "a") + take(two, "b") == [True, False]
    pause.wait(0.01)
    assert take(three, "c") + take(one, "a") == [False, True]

    def kept() -> bool:
        assert take(two, "b") == [False]
        assert take(three, "c") == [False]
        pause.wait(TURN_MS / 10_000)
        return take(one, "a") == [True]

    wait_until(lambda: not kept())
    assert take(three, "c") + take(one, "a") + take(two, "b") == [False, False, True]


def test_a_mark_does_not_outlive_its_process_for_long(process: Process) -> None:
    """A slot that was left to a process that does not ask any more is had by another one soon."""
    one, two = process(1, mark_ms=1000), process(1, mark_ms=1000)
    assert take(one, "a", priority=SECOND) + take(two, "b") == [True, False]
    assert take(one, "a", priority=SECOND) == [False]
    wait_until(lambda: take(one, "a", priority=SECOND) == [True])


@pytest.mark.parametrize("planted", ["other types", "for ever", "bad marks"])
def test_what_is_not_ours_keeps_nobody_waiting(process: Process, redis: RedisServer, planted: str) -> None:
    """Keys of another type, slots without end and marks that cannot be read are removed."""
    one = process(1)
    assert take(one, "a") == [True]
    held = key_of(redis)
    marks = held + b":waiting"
    with redis.client() as client:
        client.delete(held)
        if planted == "other types":
            client.set(held, "x")
            client.set(marks, "x")
        elif planted == "for ever":
            client.zadd(held, {"somebody": 1e15, "else": float("inf")})
        else:
            client.hset(marks, mapping={"x": "y", "z": "0 1 99999999999999", "w": "0 1 1"})
    assert take(one, "a") == [True]
    assert take(process(1), "b") == [False]


@pytest.mark.parametrize(
    ("trouble", "kind"), [("killed", "refused"), ("hung", "timeout"), ("full", "full"), ("read-only", "readonly")]
)
def test_trouble_is_told_and_never_raised(process: Process, trouble: str, kind: str) -> None:
    """Nobody counts then, nothing raises, and after three failures of taking nothing is tried."""
    faults = Faults()
    with redis_server() as server:
        slots = process(1, url=server.url, faults=faults)
        assert take(slots, "a") == [True]
        act = {"killed": server.kill, "hung": server.pause, "full": server.fill, "read-only": server.make_read_only}
        act[trouble]()
        try:
            for token in "bcdefgh":
                assert take(slots, token) == [None]
                slots.give_back(token)
            assert set(faults) == {kind}
            # With a Redis that can be read, what may have been taken is given back, which a replica refuses too.
            assert faults[kind] == (6 if trouble == "read-only" else 3)
            slots.give_back("a")
        finally:
            if trouble == "hung":
                server.resume()


@pytest.mark.parametrize(("capacity", "processes", "share"), [(9, 3, 3), (10, 3, 3), (2, 5, 1)])
def test_each_process_keeps_to_its_share_while_nobody_counts(
    process: Process, capacity: int, processes: int, share: int
) -> None:
    """So that all together make no more calls than ever; what was taken before counts, what is given back does not."""
    with redis_server() as server:
        slots = process(capacity, url=server.url, processes=processes)
        assert take(slots, "before") == [True]
        server.kill()
        assert take(slots, "before") == [None], "it is kept"
        tokens = [str(number) for number in range(capacity)]
        assert take(slots, *tokens) == [None] * (share - 1) + [False] * (capacity - share + 1)
        slots.give_back("before")
        assert take(slots, "again", "more") == [None, False]
