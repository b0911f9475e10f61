"""The store in this process: bounded in bytes, aged by a monotonic clock."""

from datetime import timedelta

from flask import Flask
from flask_caching import Cache
from hypothesis import given
from hypothesis import strategies as st

from gateway.pages.memory import OVERHEAD_BYTES, ProcessCache
from tests.support.clock import FakeClock


def test_values_live_for_their_time() -> None:
    """A value is there until its time is over, then it is gone and takes no room."""
    clock = FakeClock()
    cache = ProcessCache(10_000, default_timeout=5, clock=clock)
    cache.set("a", b"1", timeout=10)
    cache.set("b", b"2")
    cache.set("c", b"3", timeout=timedelta(seconds=20))
    clock.advance(5)
    assert (cache.get("a"), cache.get("b"), cache.has("b"), cache.has("a")) == (b"1", None, False, True)
    clock.advance(5)
    assert (cache.get("a"), cache.get("c")) == (None, b"3")
    assert cache.held_bytes == OVERHEAD_BYTES + 2


def test_the_least_recently_used_goes_first() -> None:
    """Reading a value keeps it; the one that nobody read makes room."""
    cache = ProcessCache(3 * (OVERHEAD_BYTES + 101))
    for key in "abc":
        cache.set(key, b"x" * 100)
    assert cache.get("a") is not None
    cache.set("d", b"x" * 100)
    assert [cache.has(key) for key in "abcd"] == [True, False, True, True]


def test_a_value_larger_than_the_bound_is_not_kept() -> None:
    """It replaces the old value by nothing, and leaves the others alone."""
    cache = ProcessCache(1000)
    cache.set("a", b"1")
    cache.set("b", b"2")
    assert cache.set("a", b"x" * 1000) is False
    assert (cache.get("a"), cache.get("b")) == (None, b"2")


def test_delete_and_clear_forget() -> None:
    """What is deleted is gone and its room is free."""
    cache = ProcessCache(1000)
    cache.set("a", b"1")
    assert (cache.delete("a"), cache.delete("a"), cache.held_bytes) == (True, False, 0)
    cache.set("b", b"1")
    assert (cache.clear(), cache.get("b"), cache.held_bytes) == (True, None, 0)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 600), st.booleans()), max_size=60))
def test_never_more_than_the_bound_is_held(steps: list[tuple[str, int, bool]]) -> None:
    """Whatever is set and deleted, the bytes held are those of the entries and within the bound."""
    cache = ProcessCache(2000)
    for key, size, keep in steps:
        if keep:
            cache.set(key, b"x" * size)
        else:
            cache.delete(key)
        held = sum(OVERHEAD_BYTES + 1 + len(cache.get(key) or b"") for key in "abcdefgh" if cache.has(key))
        assert cache.held_bytes == held <= 2000


def test_flask_caching_takes_it_as_a_backend() -> None:
    """Flask-Caching makes the backend with the bound that it is given."""
    cache = Cache(Flask("test"), config={"CACHE_TYPE": "gateway.pages.memory.ProcessCache", "CACHE_MAX_BYTES": 12_345})
    backend: object = cache.cache
    assert isinstance(backend, ProcessCache)
    assert backend.max_bytes == 12_345
    cache.set("a", b"1", timeout=5)
    assert cache.get("a") == b"1"
