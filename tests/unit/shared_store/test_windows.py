"""Requests of the last minute in a real Redis: over processes, by its clock, and in every trouble with it."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.access.limits import Quota
from gateway.settings.model import Secret
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import KEY_PREFIX
from gateway.shared_store.breaker import LIMIT, OPEN_S
from gateway.shared_store.store import shared_store
from gateway.shared_store.windows import RedisWindows
from tests.support.clock import FakeClock
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import Faults

Process = Callable[..., RedisWindows]


@pytest.fixture
def process(redis: RedisServer) -> Iterator[Process]:
    """Return what makes the windows of one more process."""
    with ExitStack() as stack:

        def make(
            upstream: str = "http://one",
            url: Secret = redis.url,
            faults: Faults | None = None,
            clock: Callable[[], float] = time.monotonic,
        ) -> RedisWindows:
            store = shared_store(
                Flask("test"), StoreAddress(url, upstream), Faults() if faults is None else faults, clock
            )
            stack.enter_context(closing(store.backend))
            return RedisWindows(store)

        yield make


def ask(windows: RedisWindows, limit: int = 3, client: str = "web") -> Quota:
    """Make one request, of which Redis keeps count."""
    quota = windows.take(client, limit)
    assert quota is not None
    return quota


def age(redis: RedisServer, seconds: float) -> None:
    """Make all requests that were counted so many seconds older."""
    with redis.client() as client:
        for key in client.keys(f"{KEY_PREFIX}requests:*"):
            older = [float(moment) - seconds for moment in client.lrange(key, 0, -1)]
            client.delete(key)
            client.rpush(key, *map(repr, older))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 5), pauses=st.lists(st.sampled_from([0, 0, 0, 10, 20, 30, 60]), max_size=25))
def test_never_more_than_the_limit_in_any_minute(
    redis: RedisServer, process: Process, limit: int, pauses: list[int]
) -> None:
    """A request is refused exactly where the limit was reached in the minute before it, whichever process asks."""
    with redis.client() as client:
        client.flushall()
    one, two = process(), process()
    now, made = 0, list[int]()
    for number, pause in enumerate(pauses):
        age(redis, pause)
        now += pause
        recent = [moment for moment in made if moment > now - 60]
        quota = ask((one, two)[number % 2], limit)
        assert quota.allowed is (len(recent) < limit)
        if quota.allowed:
            made.append(now)
            recent.append(now)
        assert (quota.limit, quota.remaining) == (limit, limit - len(recent))
        # A test that takes more than nine seconds would be wrong here, not the gateway.
        assert recent[0] + 60 - now - 9 < quota.frees_in_s <= recent[0] + 60 - now


def test_processes_share_a_clients_limit_and_nothing_else(redis: RedisServer, process: Process) -> None:
    """Another client has its own, and so has the same one before another CC-iSales."""
    one, two, other = process(), process(), process("http://other")
    assert [ask(each).allowed for each in (one, two, one, two, one)] == [True, True, True, False, False]
    assert ask(two, client="batch").allowed
    assert ask(other).remaining == 2


def test_the_clock_of_a_process_does_not_matter(
    redis: RedisServer, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose clock is an hour ahead counts as all others do."""
    right, ahead = process(), process()
    assert ask(right).allowed
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now + 3600)
        assert ask(ahead).allowed
    assert ask(right).remaining == 0
    quota = ask(ahead)
    assert (quota.allowed, 0 < quota.whole_seconds <= 60) == (False, True)


@pytest.mark.parametrize("value", ["future", "text", "string", "hash"])
def test_what_cannot_be_ours_is_replaced(redis: RedisServer, process: Process, value: str) -> None:
    """Requests of the future, as after Redis' clock went back, and any other thing under the key: it begins anew."""
    faults = Faults()
    windows = process(faults=faults)
    ask(windows, 1)
    with redis.client() as client:
        (key,) = client.keys(f"{KEY_PREFIX}requests:*")
        client.delete(key)
        if value == "future":
            client.lpush(key, repr(time.time() + 3600))
        elif value == "text":
            client.lpush(key, "garbage")
        elif value == "string":
            client.set(key, "7")
        else:
            client.hset(key, "a", "b")
    assert [ask(windows, 1).allowed for _ in range(2)] == [True, False]
    assert faults == {}


def test_nothing_is_kept_for_longer_than_a_minute(redis: RedisServer, process: Process) -> None:
    """A key ends with its last request, and holds no more requests than the limit."""
    windows = process()
    for _ in range(10):
        ask(windows)
    with redis.client() as client:
        (key,) = client.keys("*")
        assert key.startswith(b"campaign-gateway:requests:")
        assert (client.llen(key), 0 < client.ttl(key) <= 60) == (3, True)


def test_a_full_redis_keeps_no_count(redis_to_hurt: RedisServer, process: Process) -> None:
    """It is counted as such, left alone after a few times, and asked again when there is room."""
    clock, faults = FakeClock(), Faults()
    windows = process(url=redis_to_hurt.url, faults=faults, clock=clock)
    ask(windows)
    redis_to_hurt.fill()
    assert [windows.take(client, 3) for client in ("new", "web", "web", "web")] == [None] * 4
    assert faults == {"full": LIMIT}
    redis_to_hurt.make_room()
    clock.advance(OPEN_S)
    assert ask(windows).remaining == 1


@pytest.mark.parametrize(("trouble", "kind"), [("hung", "timeout"), ("killed", "refused")])
def test_a_redis_that_does_not_answer_holds_nobody_up(
    redis_to_hurt: RedisServer, process: Process, trouble: str, kind: str
) -> None:
    """Each of a few tries ends soon, and then none is made."""
    faults = Faults()
    windows = process(url=redis_to_hurt.url, faults=faults)
    ask(windows)
    if trouble == "hung":
        redis_to_hurt.pause()
    else:
        redis_to_hurt.kill()
    began = time.monotonic()
    assert [windows.take("web", 3) for _ in range(500)] == [None] * 500
    # Three timeouts of 0.2 s; the rest is room for a busy machine.
    assert time.monotonic() - began < 3
    assert sum(faults.values()) == LIMIT
    assert kind in faults
    if trouble == "hung":
        redis_to_hurt.resume()
