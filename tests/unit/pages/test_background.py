"""Threads for what nobody waits for: so many and no more, none after the end, and none is an answer too."""

import threading

import pytest

from gateway.pages.background import Background
from tests.support.threads import no_more_threads
from tests.support.waiting import wait_until


def nothing() -> None:
    """Do nothing."""


def test_so_many_at_a_time() -> None:
    """With room for two a third is refused until one of them is done, and each has a thread of its name."""
    go_on, names = threading.Event(), list[str]()

    def work() -> None:
        names.append(threading.current_thread().name)
        assert go_on.wait(10)

    background = Background(most=2)
    assert [background.start(work, name) for name in ("one", "two", "three")] == [True, True, False]
    wait_until(lambda: len(names) == 2)
    go_on.set()
    wait_until(lambda: background.start(work, "four"))
    wait_until(lambda: len(names) == 3)
    assert sorted(names[:2]) == ["one", "two"]
    assert names[2] == "four"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_fails_gives_its_place_back() -> None:
    """Work that ends its thread takes nothing along."""
    threads = list[threading.Thread]()

    def fails() -> None:
        threads.append(threading.current_thread())
        raise RuntimeError

    background = Background(most=1)
    for times in range(1, 4):
        assert background.start(fails, "fails")
        wait_until(lambda times=times: len(threads) == times)  # type: ignore[misc] # -- a default binds it
        threads[-1].join(10)
    assert background.start(nothing, "works")


def test_after_the_end_nothing_begins_and_what_is_under_way_goes_on() -> None:
    """A process that drains lets what it has begun come to its end."""
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go_on.wait(10)
        done.set()

    background = Background()
    assert background.start(work, "one")
    assert begun.wait(10)
    background.close()
    assert not background.start(nothing, "two")
    go_on.set()
    assert done.wait(10)


def test_without_a_thread_it_is_said_and_the_place_is_free_again() -> None:
    """The next one tries again."""
    background = Background(most=1)
    with no_more_threads():
        assert [background.start(nothing, "none") for _ in range(3)] == [False] * 3
    assert background.start(nothing, "one")
