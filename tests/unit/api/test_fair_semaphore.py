"""Few have a turn at a time; who waits for something else has none."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from gateway.api.fair_semaphore import ARRIVED, FairSemaphore, in_order
from gateway.errors import UpstreamFailed
from gateway.model import CampaignQuery, Deadline, ServedPage
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

QUERY = CampaignQuery(vdn=1)
DEADLINE = Deadline.after(10)


def start_response(
    status: str, headers: list[tuple[str, str]], exc_info: object = None, /
) -> Callable[[bytes], object]:
    """Take what a WSGI server would send."""
    return len


def start(semaphore: FairSemaphore, order: list[str], name: str, *, returning: bool = False) -> threading.Thread:
    """Let a thread wait for a turn and note its name when it has one."""
    waiting = semaphore.waiting

    def acquire() -> None:
        semaphore.acquire(returning=returning)
        order.append(name)
        semaphore.release()

    thread = threading.Thread(target=acquire)
    thread.start()
    wait_until(lambda: semaphore.waiting == waiting + 1)
    return thread


def test_who_returns_goes_first_then_who_came_first() -> None:
    """A request that has its page is finished before new ones begin."""
    semaphore, order = FairSemaphore(1), list[str]()
    semaphore.acquire()
    threads = [
        start(semaphore, order, "first"),
        start(semaphore, order, "second"),
        start(semaphore, order, "returns", returning=True),
        start(semaphore, order, "returns too", returning=True),
    ]
    semaphore.release()
    for thread in threads:
        thread.join(10)
    assert order == ["returns", "returns too", "first", "second"]
    assert semaphore.waiting == 0


def test_no_more_than_so_many_have_a_turn() -> None:
    """Of many threads, two at most are at work at any time, and all come to it."""
    semaphore, lock, at_work, most, done = FairSemaphore(2), threading.Lock(), 0, 0, 0

    def app(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        nonlocal at_work, most, done
        with lock:
            at_work += 1
            most = max(most, at_work)
        wait_until(lambda: at_work == 2 or done >= 38)
        with lock:
            at_work -= 1
            done += 1
        return []

    wrapped = in_order(app, semaphore)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: wrapped({"PATH_INFO": "/campaigns"}, start_response), range(40)))
    assert (most, done) == (2, 40)


def test_a_turn_is_given_up_while_a_page_is_fetched_and_taken_again() -> None:
    """Others work meanwhile; a failure makes no difference, and who has no turn gives none up."""
    semaphore = FairSemaphore(1)

    def serve(query: CampaignQuery, deadline: Deadline) -> ServedPage:
        semaphore.acquire()
        semaphore.release()
        raise UpstreamFailed("It failed.")

    with pytest.raises(UpstreamFailed):
        semaphore.outside(serve)(QUERY, DEADLINE)
    semaphore.acquire()
    with pytest.raises(UpstreamFailed):
        semaphore.outside(serve)(QUERY, DEADLINE)
    thread = start(semaphore, [], "next")
    semaphore.release()
    thread.join(10)
    assert not thread.is_alive()
    semaphore.acquire()
    late = start(semaphore, [], "no turn too many was given up")
    semaphore.release()
    late.join(10)


def test_probes_need_no_turn_and_requests_know_when_they_came() -> None:
    """All turns are taken, and `/healthz` is answered; what counts for a deadline is when a request came."""
    semaphore, clock = FairSemaphore(1), FakeClock(50.0)
    seen: list[WSGIEnvironment] = []

    def app(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        seen.append(environ)
        return [b"up"]

    wrapped = in_order(app, semaphore, clock)
    semaphore.acquire()
    assert wrapped({"PATH_INFO": "/healthz"}, start_response) == [b"up"]
    late = threading.Thread(target=lambda: wrapped({"PATH_INFO": "/campaigns"}, start_response))
    late.start()
    wait_until(lambda: semaphore.waiting == 1)
    clock.advance(3)
    semaphore.release()
    late.join(10)
    assert [environ.get(ARRIVED) for environ in seen] == [None, 50.0]


def test_a_crash_ends_the_turn() -> None:
    """What goes wrong below does not use up turns."""
    semaphore = FairSemaphore(1)

    def app(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        raise RuntimeError

    for _ in range(3):
        with pytest.raises(RuntimeError):
            in_order(app, semaphore)({"PATH_INFO": "/campaigns"}, start_response)
    assert semaphore.waiting == 0
