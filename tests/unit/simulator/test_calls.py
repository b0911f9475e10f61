"""The counts."""

from threading import Barrier, Thread

from gateway.simulator.calls import MAX_DISTINCT_QUERIES, Calls


def test_counts() -> None:
    """Calls are counted as they come, are found good or refused, and end."""
    calls = Calls()
    calls.begin()
    calls.begin()
    calls.accept(1, "a=1")
    calls.refuse()
    calls.lock_out()
    calls.end()
    assert calls.snapshot() == {
        "total": 2,
        "refused": 1,
        "locked": 1,
        "by_vdn": {"1": 1},
        "by_query": {"a=1": 1},
        "in_flight": 1,
        "max_in_flight": 2,
    }


def test_reset_keeps_what_is_in_flight() -> None:
    """After a reset all counts are 0 but those of calls that have not ended."""
    calls = Calls()
    calls.begin()
    calls.accept(1, "a=1")
    calls.reset()
    assert calls.snapshot() == {
        "total": 0,
        "refused": 0,
        "locked": 0,
        "by_vdn": {},
        "by_query": {},
        "in_flight": 1,
        "max_in_flight": 1,
    }


def test_distinct_queries_are_bounded() -> None:
    """Queries beyond the bound are counted together."""
    calls = Calls()
    for number in range(MAX_DISTINCT_QUERIES + 5):
        calls.accept(1, str(number))
    calls.accept(1, "0")
    by_query = calls.snapshot()["by_query"]
    assert len(by_query) == MAX_DISTINCT_QUERIES + 1
    assert (by_query["0"], by_query["(other)"]) == (2, 5)


def test_counts_from_many_threads_are_right() -> None:
    """No count is lost when threads count at once."""
    calls = Calls()
    together = Barrier(8)

    def count() -> None:
        together.wait()
        for _ in range(500):
            calls.begin()
            calls.accept(1, "a=1")
            calls.end()

    threads = [Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = calls.snapshot()
    assert (counts["total"], counts["by_query"]["a=1"], counts["in_flight"]) == (4000, 4000, 0)


def test_waiting_for_a_number_in_flight() -> None:
    """The wait ends when the number is reached, and says so when it is not in time."""
    calls = Calls()
    Thread(target=calls.begin).start()
    assert calls.wait_for_in_flight(1, 10)
    assert not calls.wait_for_in_flight(2, 0)
