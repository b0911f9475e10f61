"""Names looked up within a time."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gateway.name_lookup import MOST_AGE_S, NameLookup, is_too_old
from tests.support.clock import FakeClock
from tests.support.server import free_port
from tests.support.waiting import wait_until

HERE = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 7))


class NameServer:
    """Says `found` of every name once it is not mute any more."""

    def __init__(self, found: list[Any] | Exception) -> None:
        self.found = found
        self.asked: list[str] = []
        self.speaks = threading.Event()
        self.names = NameLookup(self._resolve)

    def _resolve(self, host: str, _port: int) -> list[Any]:
        self.asked.append(host)
        self.speaks.wait(10)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def test_a_mute_name_server_holds_nobody() -> None:
    """Whoever asks has an answer by their own time, and one thread waits for all of them."""
    server = NameServer([HERE])
    for _ in range(5):
        with pytest.raises(TimeoutError, match=r"isales\.example\.com within 0\.01 s"):
            server.names.addresses("isales.example.com", 443, 0.01)
    assert server.asked == ["isales.example.com"]
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(server.names.addresses, "isales.example.com", 443, 10.0) for _ in range(3)]
        server.speaks.set()
        assert [answer.result(10) for answer in waiting] == [[HERE]] * 3


def test_each_look_up_that_is_over_is_followed_by_another() -> None:
    """Nothing is kept: a name that has moved is found where it is."""
    server = NameServer([HERE])
    server.speaks.set()
    assert server.names.addresses("a.example.com", 443, 10.0) == [HERE]
    server.found = []
    assert server.names.addresses("a.example.com", 443, 10.0) == []
    assert server.asked == ["a.example.com"] * 2


def test_an_address_asks_nobody() -> None:
    """An address of IPv4 or IPv6 is returned without a look-up."""
    server = NameServer([HERE])
    assert server.names.addresses("127.0.0.1", 443, 0.0)[0][4] == ("127.0.0.1", 443)
    assert server.names.addresses("::1", 443, 0.0)[0][4][0] == "::1"
    assert server.asked == []


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "unknown"), UnicodeError("label too long")])
def test_what_the_resolver_raises_is_raised(error: Exception) -> None:
    """Each who waits gets it."""
    server = NameServer(error)
    server.speaks.set()
    with pytest.raises(type(error)):
        server.names.addresses("no-such-name.example.com", 443, 10.0)


def test_connects_to_the_first_address_that_takes_it() -> None:
    """One that refuses is passed over; where all do, that is raised."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port, closed = listening.getsockname()[1], free_port()
        server = NameServer([(*HERE[:4], ("127.0.0.1", closed)), (*HERE[:4], ("127.0.0.1", port))])
        server.speaks.set()
        with server.names.connect("two.example.com", 443, 5.0) as sock:
            assert sock.getpeername() == ("127.0.0.1", port)
            assert sock.gettimeout() == 5.0
    with pytest.raises(ConnectionRefusedError):
        server.names.connect("two.example.com", 443, 5.0)
    server.found = []
    with pytest.raises(OSError, match="no address"):
        server.names.connect("two.example.com", 443, 5.0)


def test_connections_are_given_up_after_two_minutes() -> None:
    """A connection is too old after 120 seconds, and not before."""
    clock = FakeClock()
    connected_at = clock()
    clock.advance(MOST_AGE_S)
    assert not is_too_old(connected_at, clock)
    clock.advance(0.1)
    assert is_too_old(connected_at, clock)


def test_look_ups_leave_no_thread_behind() -> None:
    """A thread ends with its answer."""
    server = NameServer([HERE])
    server.speaks.set()
    server.names.addresses("a.example.com", 443, 10.0)
    wait_until(lambda: all(thread.name != "name-lookup" for thread in threading.enumerate()))
