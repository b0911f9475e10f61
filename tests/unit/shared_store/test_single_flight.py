"""What is done once at a time, in a thread of its own, and shared by all who ask meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from gateway.shared_store.single_flight import SingleFlight


class Asked:
    """Work that takes until it is let go, and then brings its number, or fails."""

    def __init__(self) -> None:
        self.times = 0
        self.go_on = threading.Event()
        self.failure: Exception | None = None

    def __call__(self) -> int:
        """Do it."""
        self.times += 1
        assert self.go_on.wait(10)
        if self.failure is not None:
            raise self.failure
        return self.times


def test_who_comes_meanwhile_shares_it() -> None:
    """It is done once for all of them, and again for whoever comes later."""
    asked = Asked()
    flight = SingleFlight(asked, "asked")
    with ThreadPoolExecutor(3) as pool:
        begun = flight.begin()
        waiting = [pool.submit(flight.result, 10) for _ in range(3)]
        assert flight.begin() is begun
        asked.go_on.set()
        assert {one.result() for one in waiting} <= {1, 2}
    assert begun.result() == 1
    before = asked.times
    assert flight.result(10) == before + 1


def test_nobody_waits_longer_than_he_likes() -> None:
    """It goes on all the same, and is there for who asks next."""
    asked = Asked()
    flight = SingleFlight(asked, "asked")
    with pytest.raises(redis.TimeoutError):
        flight.result(0.001)
    begun = flight.begin()
    asked.go_on.set()
    assert begun.result(10) == 1
    assert asked.times == 1


def test_a_failure_is_everybodys_and_is_forgotten() -> None:
    """The next one tries again."""
    asked = Asked()
    asked.failure = redis.ConnectionError("refused")
    asked.go_on.set()
    flight = SingleFlight(asked, "asked")
    for _ in range(2):
        with pytest.raises(redis.ConnectionError, match="refused"):
            flight.result(10)
    asked.failure = None
    assert flight.result(10) == 3


def test_without_a_thread_it_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """Where the system gives no more of them, that is trouble like any other."""
    flight = SingleFlight(lambda: 1, "x" * 10)
    size = threading.stack_size()
    # More memory than there may be for one.
    threading.stack_size(1 << 46)
    try:
        with pytest.raises(redis.ConnectionError, match="no thread"):
            flight.result(10)
    finally:
        threading.stack_size(size)
    assert flight.result(10) == 1
