"""The backend of Flask-Caching in this process."""

from datetime import timedelta

from flask import Flask
from flask_caching import Cache

from gateway.bounded_lru import OVERHEAD_BYTES
from gateway.pages.memory import ProcessCache
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
    assert cache.entries.held_bytes == OVERHEAD_BYTES + 2


def test_values_are_kept_as_they_are() -> None:
    """What comes out is the very object that went in."""
    cache, value = ProcessCache(10_000), b"a page"
    cache.set("a", value, timeout=10)
    assert cache.get("a") is value


def test_delete_and_clear_forget() -> None:
    """By key, and all; keys can be told by their beginning."""
    cache = ProcessCache(10_000)
    for key in ("page:1:7:x", "page:1:7:y", "page:1:77:x", "other"):
        cache.set(key, b"1", timeout=10)
    assert (cache.delete("other"), cache.delete("other")) == (True, False)
    assert cache.keys("page:1:7:") == ["page:1:7:x", "page:1:7:y"]
    assert len(cache.keys("")) == 3
    assert (cache.clear(), cache.has("page:1:77:x")) == (True, False)


def test_flask_caching_takes_it_as_a_backend() -> None:
    """Flask-Caching makes the backend with the bound and the clock that it is given."""
    clock = FakeClock()
    config = {
        "CACHE_TYPE": "gateway.pages.memory.ProcessCache",
        "CACHE_MAX_BYTES": 12_345,
        "CACHE_CLOCK": clock,
    }
    cache = Cache(Flask("test"), config=config)
    backend: object = cache.cache
    assert isinstance(backend, ProcessCache)
    assert backend.entries.max_bytes == 12_345
    cache.set("a", b"1", timeout=5)
    assert cache.get("a") == b"1"
    clock.advance(5)
    assert cache.get("a") is None
