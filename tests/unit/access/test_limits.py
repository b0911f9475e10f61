"""How often a client may ask, in one process and where the count is shared."""

import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.limits import WINDOW_S, Quota, RequestLimits
from gateway.access.windows import ProcessWindows
from gateway.errors import RateLimited
from gateway.telemetry.metrics import Metrics
from tests.support.clock import FakeClock

# Sixty-fourths of a second, which floats hold exactly.
PAUSES = st.sampled_from([0, 1, 1.5, 59, 60, 61]) | st.integers(0, 70 * 64).map(lambda parts: parts / 64)


class House:
    """Limits, with a shared count that answers what a test has put into `shared`, or without one."""

    def __init__(self, shared: list[bool | None] | None = None) -> None:
        self.clock = FakeClock()
        self.metrics = Metrics()
        self._answers = deque(shared or [])
        self.limits = RequestLimits(None if shared is None else self, self.metrics, self.clock)

    def take(self, client: str, limit: int) -> Quota | None:
        """Answer as the shared count."""
        answer = self._answers.popleft()
        return None if answer is None else Quota(client, limit, answer, 0, 7.0)

    def ask(self, limit: int = 3, client: str = "web") -> Quota:
        """Make one request."""
        return self.limits.take(client, limit)

    def number(self, name: str, **labels: str) -> float:
        """Return a number of the metrics."""
        return self.metrics.registry.get_sample_value(f"campaign_gateway_rate_limit{name}_total", labels) or 0.0


@given(limit=st.integers(1, 6), pauses=st.lists(PAUSES, max_size=60))
def test_never_more_than_the_limit_in_any_minute(limit: int, pauses: list[float]) -> None:
    """A request is refused exactly where the limit was reached in the minute before it, and what is told is true."""
    house, made = House(), list[float]()
    for pause in pauses:
        house.clock.advance(pause)
        now = house.clock()
        recent = [moment for moment in made if moment > now - WINDOW_S]
        quota = house.ask(limit)
        assert quota.allowed is (len(recent) < limit)
        if quota.allowed:
            made.append(now)
            recent.append(now)
        assert (quota.limit, quota.remaining) == (limit, limit - len(recent))
        assert quota.frees_in_s == recent[0] + WINDOW_S - now
    assert all(sum(end - WINDOW_S < moment <= end for moment in made) <= limit for end in made)


@given(limit=st.integers(1, 4), pauses=st.lists(PAUSES, max_size=20))
def test_who_waits_as_told_is_served(limit: int, pauses: list[float]) -> None:
    """After `Retry-After` a request is allowed, and a whole second before that it would not have been."""
    house = House()
    for pause in pauses:
        house.clock.advance(pause)
        quota = house.ask(limit)
        if not quota.allowed:
            assert 1 <= quota.whole_seconds <= WINDOW_S
            assert quota.whole_seconds - 1 < quota.frees_in_s
            house.clock.advance(quota.whole_seconds)
            assert house.ask(limit).allowed


def test_refused_requests_do_not_count() -> None:
    """A client that keeps asking is served as soon as one that waits."""
    house = House()
    for _ in range(3):
        assert house.ask().allowed
    for _ in range(59):
        house.clock.advance(1)
        assert not house.ask().allowed
    house.clock.advance(1)
    assert [house.ask().allowed for _ in range(4)] == [True, True, True, False]
    assert house.number("ed", client="web") == 60


def test_each_client_has_its_own_limit() -> None:
    """What one uses up is no other's."""
    house = House()
    assert [house.ask(1, name).allowed for name in ("a", "b", "a", "b", "c")] == [True, True, False, False, True]


@pytest.fixture
def _hasty_threads() -> Iterator[None]:
    """Have threads take turns as often as Python can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_hasty_threads")
def test_threads_share_the_limit() -> None:
    """Of many requests at once exactly as many are allowed as the limits say."""
    house = House()
    names = [f"client-{number // 16}" for number in range(3_200)]
    with ThreadPoolExecutor(16) as pool:
        allowed = [quota.allowed for quota in pool.map(lambda name: house.ask(3, name), names)]
    assert sum(allowed) == 3 * 200


def test_a_refusal_tells_the_limit_and_when() -> None:
    """The error names the client, its limit, what it has used and the whole seconds to wait."""
    house = House()
    house.ask(1).require()
    house.clock.advance(17.25)
    with pytest.raises(RateLimited) as refusal:
        house.ask(1).require()
    assert refusal.value.retry_after_s == 43
    assert refusal.value.detail == (
        "Client 'web' may make 1 request a minute that no fresh page answers, and all of them were made in the last "
        "minute. The next one is possible in 43 s."
    )


def test_the_shared_count_decides_where_there_is_one() -> None:
    """This process' own count says nothing then, in either direction."""
    house = House(shared=[True, True, False, True])
    assert [house.ask(1).allowed for _ in range(4)] == [True, True, False, True]
    assert (house.number("ed", client="web"), house.number("_faults")) == (1, 0)


def test_without_the_shared_count_each_process_counts_for_itself() -> None:
    """What it let pass before is taken off, what was refused is not, and each such request is counted as a fault."""
    house = House(shared=[True, False, None, None, None, False])
    assert [house.ask(3).allowed for _ in range(6)] == [True, False, True, True, False, False]
    assert (house.number("ed", client="web"), house.number("_faults")) == (3, 3)


def test_memory_is_bounded_by_the_limits() -> None:
    """Nothing is kept of requests that were refused or are older than a minute."""
    clock = FakeClock()
    windows = ProcessWindows(clock)
    for _ in range(100):
        windows.acquire_entry("web", 5, WINDOW_S)
    assert windows.get_moving_window("web", 5, WINDOW_S) == (0.0, 5)
    clock.advance(60)
    assert windows.get_moving_window("web", 5, WINDOW_S) == (0.0, 0)


def test_windows_can_be_forgotten() -> None:
    """One of them, or all; that is what limits asks of a storage beside counting."""
    windows = ProcessWindows(FakeClock())
    for key in "abc":
        windows.acquire_entry(key, 1, WINDOW_S)
    windows.clear("a")
    assert windows.acquire_entry("a", 1, WINDOW_S)
    assert (windows.reset(), windows.reset(), windows.check()) == (3, 0, True)
    assert issubclass(OSError, windows.base_exceptions)


def test_other_strategies_are_not_for_this_storage() -> None:
    """They count in other ways, and are told so at once."""
    windows = ProcessWindows(FakeClock())
    with pytest.raises(NotImplementedError):
        windows.incr("a", WINDOW_S)
    with pytest.raises(NotImplementedError):
        windows.get("a")
    with pytest.raises(NotImplementedError):
        windows.get_expiry("a")
