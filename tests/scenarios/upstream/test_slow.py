import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from gateway.errors import UpstreamTimeout, UpstreamUnreachable
from tests.scenarios.upstream.conftest import Fetch
from tests.scenarios.upstream.raw_server import GOOD_BODY, THREAD_NAME, RawServer, good, http
from tests.unit.isales.vendor import tenant

DEADLINE_S = 0.3
MORE_S = 3.0
"""For a machine that has not come so far by then as it is to come."""
GENEROUS_S = 10.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def threads() -> set[threading.Thread]:
    """Return the threads that are not those of the server."""
    return {thread for thread in threading.enumerate() if thread.name != THREAD_NAME}


def times_out(fetch: Fetch, phase: str, deadline_s: float = DEADLINE_S) -> str:
    """Check that a call ends by its deadline, in `phase`, and leaves no thread; return what it said."""
    said = ended(fetch, deadline_s)
    if phase not in said and 0 < deadline_s < MORE_S:
        said = ended(fetch, MORE_S)
    assert phase in said
    return said


def ended(fetch: Fetch, deadline_s: float) -> str:
    """Check that a call ends by its deadline and leaves no thread; return what it said."""
    before, started = threads(), time.monotonic()
    with pytest.raises(UpstreamTimeout) as caught:
        fetch(deadline_s=deadline_s)
    assert time.monotonic() - started < GENEROUS_S
    assert threads() <= before
    return caught.value.detail


@pytest.fixture
def dead_port() -> Iterator[int]:
    """Listen without ever accepting, with the queue full, so that connecting neither works nor fails."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port: int = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)  # noqa: FBT003 -- the signature is the socket's
            sock.connect_ex(("127.0.0.1", port))
        yield port
        for sock in waiting:
            sock.close()


def test_silence(upstream: RawServer, fetch: Fetch) -> None:
    """CC-iSales that takes the request and never answers is given up at the deadline, and can be called again."""
    upstream.usually = upstream.is_silent
    assert "the deadline passed" in times_out(fetch, "waiting for the answer")
    upstream.usually = good
    assert fetch().total_items == 0


def test_silence_beyond_the_read_timeout(upstream: RawServer, connect: Callable[..., Fetch]) -> None:
    """Silence is given up after the read timeout where that is shorter, and the setting is named."""
    upstream.will(upstream.is_silent)
    fetch = connect(upstream.url, read_timeout_s=0.2)
    assert "longer than 0.2 s (isales.read_timeout_s)" in times_out(fetch, "waiting for the answer", 60.0)


@pytest.mark.parametrize(
    ("said", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (HEAD, b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED + b"1", b"0"),
        (CHUNKED + b"5\r\n12345\r\n0\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 503 Busy", b"y"),
    ],
    ids=[
        "status",
        "header",
        "headers",
        "interim",
        "length",
        "chunks",
        "chunk-size",
        "trailers",
        "open-ended",
        "reason",
    ],
)
def test_drips(upstream: RawServer, fetch: Fetch, said: bytes, drop: bytes) -> None:
    """An answer that comes in drips, wherever they begin, is given up at the deadline."""
    upstream.usually = upstream.drips(said, drop)
    times_out(fetch, "in the middle of the answer")
    upstream.usually = good
    assert fetch().total_items == 0


def test_slow_but_in_time(upstream: RawServer, fetch: Fetch) -> None:
    """An answer that comes piece by piece within the deadline is taken."""
    answer = http("200 OK", GOOD_BODY)

    def slowly(connection: socket.socket) -> None:
        for start in range(0, len(answer), 40):
            upstream.stopping.wait(0.02)
            connection.sendall(answer[start : start + 40])

    upstream.will(slowly)
    assert fetch().total_items == 0


def test_no_time_left(upstream: RawServer, fetch: Fetch) -> None:
    """A call whose deadline has passed already sends nothing."""
    times_out(fetch, "was not called", deadline_s=0.0)
    assert upstream.connections == 0


def test_connecting_takes_too_long(connect: Callable[..., Fetch], dead_port: int) -> None:
    """A host that does not take the connection is given up at the deadline."""
    times_out(connect(f"http://127.0.0.1:{dead_port}"), "while connecting")


def test_connecting_takes_longer_than_it_may(connect: Callable[..., Fetch], dead_port: int) -> None:
    """A host that does not take the connection is given up after the connect timeout, and the setting is named."""
    fetch = connect(f"http://127.0.0.1:{dead_port}", connect_timeout_s=0.2)
    assert "longer than 0.2 s (isales.connect_timeout_s)" in times_out(fetch, "while connecting", 60.0)


def resolves_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Have every name stand for several addresses."""
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: addresses)


def test_several_dead_addresses(connect: Callable[..., Fetch], dead_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All addresses of a name together get no more time than the deadline."""
    resolves_to(monkeypatch, *[dead_port] * 8)
    fetch = connect("http://isales.example.com", connect_timeout_s=0.1)
    times_out(fetch, "while connecting", 0.25)


def test_the_address_that_works_is_found(
    upstream: RawServer, connect: Callable[..., Fetch], dead_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that does not answer leaves time for the next one."""
    resolves_to(monkeypatch, dead_port, upstream.port)
    assert connect("http://isales.example.com", connect_timeout_s=0.1)().total_items == 0


def test_no_address(connect: Callable[..., Fetch], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for no address cannot be connected to."""
    resolves_to(monkeypatch)
    with pytest.raises(UpstreamUnreachable, match="no address") as caught:
        connect("http://isales.example.com")()
    assert caught.value.retryable_in_s is None


@pytest.mark.parametrize("head", [b"", b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"], ids=["silent", "drips"])
def test_slow_tls_handshakes(connect: Callable[..., Fetch], head: bytes) -> None:
    """A TLS handshake that never ends is given up at the deadline, be it silent or in drips."""
    with RawServer() as other:
        greeting = other.drips(head, b"x") if head else other.is_silent
        with RawServer(greeting=greeting) as server:
            times_out(connect(f"https://127.0.0.1:{server.port}"), "in the TLS handshake")
            other.stopping.set()


def test_a_request_that_nobody_takes(connect: Callable[..., Fetch]) -> None:
    """A request that does not go out, because nobody reads it, is given up at the deadline."""
    with RawServer() as other, RawServer(greeting=other.is_silent) as server:
        fetch = connect(server.url, tenant(locale="x" * 8_000_000))
        times_out(fetch, "while sending the request", deadline_s=1.0)
        other.stopping.set()
