"""Lanes of faults."""

import threading

import pytest

from tests.soak.clients import chance
from tests.soak.faults import Draw, Lane
from tests.support.waiting import wait_until

AT_ONCE = Draw((0.0, 0.0), (0.0, 0.0))
KINDS = ("drip", "hang", "html")


def played(seed: int) -> list[str]:
    """Return the first six faults of a lane, none of which lasts."""
    found: list[str] = []
    enough = threading.Event()

    def play(kind: str, lane: Lane) -> None:
        with lane.window(kind):
            lane.hold()
        found.append(kind)
        if len(found) == 2 * len(KINDS):
            enough.set()

    plays = {kind: lambda lane, kind=kind: play(kind, lane) for kind in KINDS}
    lane = Lane("test", plays, AT_ONCE, chance(seed, "test"))
    lane.start()
    assert enough.wait(10)
    lane.end()
    assert [window.fault for window in lane.windows] == found
    assert all(before.ended <= after.began for before, after in zip(lane.windows, lane.windows[1:], strict=False))
    return found[: 2 * len(KINDS)]


def test_each_kind_is_played_once_before_any_is_played_again() -> None:
    """Each round plays all kinds, in an order that the seed decides."""
    orders = {tuple(played(seed)) for seed in range(8)}
    assert all(sorted(order[:3]) == sorted(order[3:]) == sorted(KINDS) for order in orders)
    assert len(orders) > 1
    assert played(3) == played(3)


def test_it_can_be_waited_for_until_each_kind_was_played() -> None:
    """Not only begun; who waits for a lane that has failed is told when it is ended."""
    found: list[str] = []
    plays = {kind: lambda _, kind=kind: found.append(kind) for kind in KINDS}
    lane = Lane("test", plays, AT_ONCE, chance(1, "test"))
    lane.start()
    lane.wait_for_each_once()
    assert set(found) == set(KINDS)
    lane.end()

    def fail(_: Lane) -> None:
        raise AssertionError("cannot be played")

    broken = Lane("test", {**plays, "broken": fail}, AT_ONCE, chance(1, "test"))
    broken.start()
    broken.wait_for_each_once()
    with pytest.raises(AssertionError, match="cannot be played"):
        broken.end()


def test_the_end_ends_a_fault_that_is_under_way() -> None:
    """In good order: what the fault did is undone."""
    undone = threading.Event()

    def play(lane: Lane) -> None:
        with lane.window("hang", "all"):
            lane.hold()
        undone.set()

    lane = Lane("test", {"hang": play}, Draw((0.0, 0.0), (600.0, 600.0)), chance(1, "test"))
    lane.start()
    wait_until(lambda: lane.windows)
    lane.end()
    assert undone.is_set()
    assert [(window.fault, window.detail) for window in lane.windows] == [("hang", "all")]


def test_a_fault_that_cannot_be_played_is_told() -> None:
    """A soak without its faults would show nothing."""

    def play(_: Lane) -> None:
        raise AssertionError("what was waited for did not come true")

    lane = Lane("test", {"hang": play}, AT_ONCE, chance(1, "test"))
    lane.start()
    wait_until(lambda: lane.failure)
    with pytest.raises(AssertionError, match="what was waited for"):
        lane.end()
