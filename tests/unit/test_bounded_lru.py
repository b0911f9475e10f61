"""A mapping that is bounded in bytes."""

import sys
import threading

from hypothesis import given
from hypothesis import strategies as st

from gateway.bounded_lru import OVERHEAD_BYTES, BoundedLru


def test_the_least_recently_used_goes_first() -> None:
    """Reading a value keeps it; the one that nobody read makes room, and that is counted."""
    lru: BoundedLru[str, bytes] = BoundedLru(3 * (OVERHEAD_BYTES + 101))
    for key in "abc":
        lru.put(key, b"x" * 100)
    assert lru.get("a") is not None
    lru.put("d", b"x" * 100)
    assert [lru.get(key) is not None for key in "abcd"] == [True, False, True, True]
    assert (lru.evictions, len(lru), sorted(lru)) == (1, 3, ["a", "c", "d"])


def test_a_value_larger_than_the_bound_is_not_kept() -> None:
    """It replaces the old value by nothing, and leaves the others alone."""
    lru: BoundedLru[str, bytes] = BoundedLru(2000)
    lru.put("a", b"1")
    lru.put("b", b"2")
    assert lru.put("a", b"x" * 2000) is False
    assert (lru.get("a"), lru.get("b"), lru.evictions) == (None, b"2", 0)


def test_remove_and_clear_forget() -> None:
    """What is removed is gone and its room is free; a value that was replaced meanwhile stays."""
    lru: BoundedLru[str, bytes] = BoundedLru(2000)
    old, new = b"old", b"new"
    lru.put("a", old)
    lru.put("a", new)
    assert lru.remove("a", old) is False
    assert lru.remove("a", new) is True
    assert (lru.remove("a"), lru.held_bytes) == (False, 0)
    lru.put("b", b"1")
    lru.clear()
    assert (lru.get("b"), lru.held_bytes, len(lru)) == (None, 0, 0)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 900), st.booleans()), max_size=60))
def test_never_more_than_the_bound_is_held(steps: list[tuple[str, int, bool]]) -> None:
    """Whatever is put and removed, the bytes held are those of the entries and within the bound."""
    lru: BoundedLru[str, bytes] = BoundedLru(3000)
    for key, size, keep in steps:
        if keep:
            lru.put(key, b"x" * size)
        else:
            lru.remove(key)
        assert lru.held_bytes == sum(OVERHEAD_BYTES + 1 + len(lru.get(key) or b"") for key in lru) <= 3000


def test_many_threads_leave_the_books_right() -> None:
    """Reads without the lock beside writes and evictions lose nothing and raise nothing."""
    lru: BoundedLru[str, bytes] = BoundedLru(20 * (OVERHEAD_BYTES + 20))
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for step in range(4000):
                key = str((step * seed) % 60)
                if step % 3:
                    lru.get(key)
                else:
                    lru.put(key, b"x" * (step % 17))
        except BaseException as error:  # noqa: BLE001 -- whatever it is, the test is to fail with it
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 7, 11)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    finally:
        sys.setswitchinterval(interval)
    assert errors == []
    assert lru.held_bytes == sum(OVERHEAD_BYTES + len(key) + len(lru.get(key) or b"") for key in lru)


def test_a_smaller_bound_makes_room_at_once() -> None:
    """The least recently used go; a larger one takes effect with the next value."""
    lru: BoundedLru[str, bytes] = BoundedLru(3 * (OVERHEAD_BYTES + 101))
    for key in "abc":
        lru.put(key, b"x" * 100)
    lru.resize(OVERHEAD_BYTES + 101)
    assert (sorted(lru), lru.held_bytes, lru.evictions) == (["c"], OVERHEAD_BYTES + 101, 2)
    lru.resize(0)
    assert (len(lru), lru.held_bytes) == (0, 0)
    lru.resize(2 * (OVERHEAD_BYTES + 101))
    assert lru.put("d", b"x" * 100)
    assert lru.put("e", b"x" * 100)
    assert sorted(lru) == ["d", "e"]
