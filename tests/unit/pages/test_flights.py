"""Single flight: one fetches, the others wait for that."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from gateway.errors import UpstreamFailed
from gateway.model import Priority, Urgency
from gateway.pages.flights import Flight, Flights
from tests.support.waiting import wait_until


def waiting(flight: Flight[int]) -> int:
    """Return how many wait for `flight` right now."""
    return len(flight._waiting)  # noqa: SLF001 -- nothing else tells that a thread has come so far


def test_of_many_who_join_one_leads_and_all_get_what_it_brings() -> None:
    """Twenty threads want the same at the same time: one has to fetch, the others have what it landed."""
    flights: Flights[int] = Flights()
    together = threading.Barrier(20)

    def caller() -> tuple[int | None, bool]:
        together.wait(10)
        flight, leading = flights.join("k", 5.0, Urgency())
        together.wait(10)
        if leading:
            wait_until(lambda: waiting(flight) == 19)
            flights.land("k", flight, 42)
        assert flight.wait(10)
        return flight.result, leading

    with ThreadPoolExecutor(20) as pool:
        results = [each.result(20) for each in [pool.submit(caller) for _ in range(20)]]
    assert {result for result, _ in results} == {42}
    assert sum(leading for _, leading in results) == 1
    assert flights.of("k") is None


def test_who_waits_does_so_for_its_own_time_only() -> None:
    """The flight goes on for the others; whoever comes when it has landed does not wait at all."""
    flights: Flights[int] = Flights()
    flight, _ = flights.join("k", 5.0, Urgency())
    assert not flight.wait(0)
    assert not flight.wait(0.01)
    assert (waiting(flight), flights.of("k")) == (0, flight)
    flights.land("k", flight, 1)
    assert (flight.wait(0), flight.wait(10), flight.result) == (True, True, 1)


def test_a_failure_is_for_those_who_wait_and_then_forgotten() -> None:
    """The next who joins begins another flight, with a beginning of its own."""
    flights: Flights[int] = Flights()
    flight, _ = flights.join("k", 5.0, Urgency())
    error = UpstreamFailed("no")
    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(flight.wait, 10)
        wait_until(lambda: waiting(flight) == 1)
        flights.land("k", flight, None, error)
        assert follower.result(10)
    assert (flight.result, flight.error) == (None, error)
    again, leading = flights.join("k", 7.0, Urgency())
    assert (again is flight, leading, again.began_at) == (False, True, 7.0)


def test_a_flight_becomes_as_urgent_as_who_joins_it() -> None:
    """A refresh that an interactive caller comes to wait for matters as much as that caller, and never less again."""
    flights: Flights[int] = Flights()
    refresh = Urgency(Priority.REFRESH)
    flights.join("k", 5.0, refresh)
    flights.join("k", 5.0, Urgency(Priority.EXPORT))
    priorities = [refresh.priority]
    flights.join("k", 5.0, Urgency(Priority.INTERACTIVE))
    flights.join("k", 5.0, Urgency(Priority.REFRESH))
    priorities.append(refresh.priority)
    assert priorities == [Priority.REFRESH, Priority.INTERACTIVE]


def test_flights_of_different_keys_have_nothing_to_do_with_each_other() -> None:
    """Each has a leader, and lands alone."""
    flights: Flights[int] = Flights()
    (one, leads_one), (two, leads_two) = (flights.join(key, 5.0, Urgency()) for key in "ab")
    assert (leads_one, leads_two) == (True, True)
    flights.land("a", one, 1)
    assert (one.wait(0), two.wait(0), flights.of("a"), flights.of("b")) == (True, False, None, two)


def test_whose_time_runs_out_as_it_is_woken_wakes_the_next() -> None:
    """However the end of a wait meets the landing, nobody behind it is left asleep."""
    flight: Flight[int] = Flight(5.0, Urgency())
    with ThreadPoolExecutor(2) as pool:
        hurried: Future[bool] = pool.submit(flight.wait, 0.05)
        wait_until(lambda: waiting(flight) == 1)
        patient = pool.submit(flight.wait, 20)
        wait_until(lambda: waiting(flight) == 2)
        # It has landed, and the first has been told, when that one's time is over and it asks for the lock.
        with flight._lock:  # noqa: SLF001 -- to have both at the same moment
            flight.result, flight._landed = 3, True  # noqa: SLF001 -- what `land` does, in two steps
            first = flight._waiting.popleft()  # noqa: SLF001 -- what `land` does, in two steps
            threading.Event().wait(0.1)
            first.release()
        assert hurried.result(10)
        assert patient.result(10)
