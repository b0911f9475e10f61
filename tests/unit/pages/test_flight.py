"""Single flight: one works, the others share."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import GatewayError, InternalError, UpstreamFailed, UpstreamOverloaded, UpstreamTimeout
from gateway.model import Deadline, Priority
from gateway.pages.flight import SingleFlight


def test_concurrent_callers_share_one_call() -> None:
    """Of many callers of one key, one does the work and all get what it returns."""
    flights: SingleFlight[int] = SingleFlight()
    entered, release, calls = threading.Event(), threading.Event(), []

    def work() -> int:
        calls.append(1)
        entered.set()
        assert release.wait(10)
        return 42

    with ThreadPoolExecutor(20) as pool:
        leader = pool.submit(flights.run, "k", work, Deadline.after(10))
        assert entered.wait(10)
        followers = [pool.submit(flights.run, "k", work, Deadline.after(10)) for _ in range(19)]
        release.set()
        assert leader.result(10) == (42, True)
        results = [follower.result(10) for follower in followers]
    # A follower that came after the landing leads a flight of its own; its work returns at once.
    assert {result for result, _ in results} == {42}
    assert len(calls) == 1 + sum(leading for _, leading in results)


def test_a_follower_waits_no_longer_than_its_own_deadline() -> None:
    """A follower whose time is up gets a timeout while the leader goes on."""
    flights: SingleFlight[int] = SingleFlight()
    entered, release = threading.Event(), threading.Event()

    def work() -> int:
        entered.set()
        assert release.wait(10)
        return 1

    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(flights.run, "k", work, Deadline.after(10))
        assert entered.wait(10)
        with pytest.raises(UpstreamTimeout, match="already fetching"):
            flights.run("k", work, Deadline.after(0.01))
        release.set()
        assert leader.result(10) == (1, True)


@pytest.mark.parametrize(
    ("failure", "told"), [(UpstreamFailed("no"), UpstreamFailed), (ValueError("bug"), InternalError)]
)
def test_followers_share_a_failure_and_it_is_forgotten(failure: Exception, told: type[Exception]) -> None:
    """It goes to all who wait, as an object of their own, a bug as a problem; the next caller starts afresh."""
    flights: SingleFlight[int] = SingleFlight()
    entered, release = threading.Event(), threading.Event()

    def work() -> int:
        entered.set()
        assert release.wait(10)
        raise failure

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(flights.run, "k", work, Deadline.after(10))
        assert entered.wait(10)
        follower = pool.submit(flights.run, "k", lambda: 5, Deadline.after(10))
        while not follower.running():
            pass
        release.set()
        assert leader.exception(10) is failure
        shared = follower.exception(10)
        assert shared is None or (isinstance(shared, told) and shared is not failure)
    assert flights.run("k", lambda: 7, Deadline.after(1)) == (7, True)


def test_a_leader_becomes_as_urgent_as_its_followers() -> None:
    """A refresh that an interactive caller comes to wait for matters as much as that caller."""
    flights: SingleFlight[int] = SingleFlight()
    refresh = Deadline.after(10, priority=Priority.REFRESH)
    entered, risen = threading.Event(), threading.Event()
    refresh.urgency.watch(risen.set)

    def work() -> int:
        entered.set()
        assert risen.wait(10)
        return 42

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(flights.run, "k", work, refresh)
        assert entered.wait(10)
        follower = pool.submit(flights.run, "k", work, Deadline.after(10))
        assert (leader.result(10), follower.result(10)) == ((42, True), (42, False))
    assert refresh.priority is Priority.INTERACTIVE


def test_different_keys_do_not_wait_for_each_other() -> None:
    """A flight of one key leaves the others alone."""
    flights: SingleFlight[int] = SingleFlight()
    result = flights.run("a", lambda: flights.run("b", lambda: 2, Deadline.after(1))[0] + 1, Deadline.after(1))
    assert result == (3, True)


@pytest.mark.parametrize(
    "failure", [UpstreamTimeout("too late", sent=False), UpstreamOverloaded("no slot", sent=False)]
)
def test_the_hurry_of_a_leader_is_its_own(failure: GatewayError) -> None:
    """Who follows a leader whose deadline was shortened, and has time left when it gives up, does the work."""
    flights: SingleFlight[int] = SingleFlight()
    entered, release = threading.Event(), threading.Event()

    def gives_up() -> int:
        entered.set()
        assert release.wait(10)
        raise failure

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(flights.run, "k", gives_up, Deadline.after(10, shortened=True))
        assert entered.wait(10)
        follower = pool.submit(flights.run, "k", lambda: 5, Deadline.after(10))
        while not follower.running():
            pass
        release.set()
        assert leader.exception(10) is failure
        assert follower.result(10) == (5, True)


@pytest.mark.parametrize(
    "failure", [UpstreamFailed("no"), UpstreamOverloaded("503"), UpstreamTimeout("a step took long")]
)
def test_a_hurried_leader_that_meets_a_failure_shares_it(failure: GatewayError) -> None:
    """What came of CC-iSales within a short deadline that has not passed is as true for the others."""
    flights: SingleFlight[int] = SingleFlight()
    entered, waiting = threading.Event(), threading.Event()

    def fails() -> int:
        entered.set()
        assert waiting.wait(10)
        raise failure

    class Watched(Deadline):
        def remaining(self) -> float:
            waiting.set()
            return super().remaining()

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(flights.run, "k", fails, Deadline.after(10, shortened=True))
        assert entered.wait(10)
        follower = pool.submit(flights.run, "k", lambda: 5, Watched.after(10))
        assert leader.exception(10) is failure
        assert type(follower.exception(10)) is type(failure)
