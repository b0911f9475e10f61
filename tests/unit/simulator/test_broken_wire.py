"""Each fault of the connection, seen from a bare socket."""

import json
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPResponse

import pytest

from gateway.simulator.broken_wire import drip, drip_headers
from gateway.simulator.faults import ConnectionCutError, Exchange, Fault
from gateway.simulator.server import SimulatorServer

Ask = Callable[..., tuple[HTTPResponse, bytes]]
PATH = "/rest/isales/v1/openapi/campaigns/1"
QUERY = "curPage=1&deviceType=0&rowsPerPage=10&status=0"


@pytest.fixture
def wire(
    simulator: SimulatorServer, signed_headers: Callable[..., dict[str, str]]
) -> Iterator[Callable[[Fault], socket.socket]]:
    """Yield a function that arms a fault, makes a call and returns the socket that its answer is to be read from."""
    opened: list[socket.socket] = []

    def call(fault: Fault) -> socket.socket:
        simulator.faults.arm(fault)
        connection = socket.create_connection(("127.0.0.1", simulator.port), timeout=10)
        opened.append(connection)
        lines = [f"GET {PATH}?{QUERY} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in signed_headers(PATH, QUERY).items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection

    yield call
    for connection in opened:
        connection.close()


def read_to_end(connection: socket.socket) -> tuple[bytes, bool]:
    """Return what arrives, and whether the end was a reset."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        return received, True
    return received, False


def test_reset_before(wire: Callable[[Fault], socket.socket]) -> None:
    """Nothing arrives but a reset."""
    assert read_to_end(wire(Fault("reset-before"))) == (b"", True)


def test_reset_in_headers(wire: Callable[[Fault], socket.socket]) -> None:
    """The headers begin, and are reset before they end."""
    received, reset = read_to_end(wire(Fault("reset-in-headers")))
    assert reset
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in received


def test_reset_in_body(wire: Callable[[Fault], socket.socket]) -> None:
    """The headers are whole, and half of the body is before the reset."""
    received, reset = read_to_end(wire(Fault("reset-in-body")))
    assert reset
    assert 0.4 < share_of_body(received) < 0.6


def test_short_body(wire: Callable[[Fault], socket.socket]) -> None:
    """The headers are whole, and half of the body is before an orderly close."""
    received, reset = read_to_end(wire(Fault("short-body")))
    assert not reset
    assert 0.4 < share_of_body(received) < 0.6


def share_of_body(received: bytes) -> float:
    """Return how much of the body that Content-Length tells of is there."""
    head, _, body = received.partition(b"\r\n\r\n")
    length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
    return len(body) / int(length)


def test_hang_until_the_caller_goes(wire: Callable[[Fault], socket.socket], simulator: SimulatorServer) -> None:
    """Nothing arrives, and the call is in flight until the caller has gone."""
    connection = wire(Fault("hang"))
    assert simulator.calls.wait_for_in_flight(1, 10)
    connection.settimeout(0)
    with pytest.raises(BlockingIOError):
        connection.recv(1)
    connection.close()
    assert simulator.calls.wait_for_in_flight(0, 10)


def test_hang_has_an_end(wire: Callable[[Fault], socket.socket]) -> None:
    """When its time is over, a hanging connection is closed without an answer."""
    assert read_to_end(wire(Fault("hang", seconds=0.01))) == (b"", False)


def test_hang_ends_when_the_server_stops(wire: Callable[[Fault], socket.socket], simulator: SimulatorServer) -> None:
    """A server that is stopped does not wait for calls that hang."""
    connection = wire(Fault("hang", seconds=3600.0))
    assert simulator.calls.wait_for_in_flight(1, 10)
    simulator.stop()
    assert read_to_end(connection) == (b"", False)
    assert simulator.calls.wait_for_in_flight(0, 10)


def test_drip_comes_byte_by_byte(exchange_of: Callable[..., Exchange]) -> None:
    """The body leaves one byte at a time, with a pause before each."""
    pauses: list[float] = []
    response = drip(exchange_of(pause=pauses.append))
    pieces = list(response.iter_encoded())
    assert {len(piece) for piece in pieces} == {1}
    assert b"".join(pieces) == b'{"resultCode":"0200000"}'
    assert pauses == [0.2] * len(pieces)
    assert response.content_length == len(pieces)


def test_drip_headers_come_byte_by_byte(exchange_of: Callable[..., Exchange]) -> None:
    """Each byte of the headers is on the wire before the next pause begins; the body follows at once."""
    ours, theirs = socket.socketpair()
    received: list[bytes] = []
    pauses: list[float] = []

    def read_meanwhile(seconds: float) -> None:
        if pauses:
            received.append(theirs.recv(100))
        pauses.append(seconds)

    with ours, theirs:
        response = drip_headers(exchange_of(connection=ours, pause=read_meanwhile))
        with pytest.raises(ConnectionCutError):
            list(response.iter_encoded())
        rest = theirs.recv(100)
    assert {len(piece) for piece in received} == {1}
    assert set(pauses) == {0.2}
    assert b"".join(received) + rest[:1] == b"".join(received)[:-3] + b"\r\n\r\n"
    assert rest[1:] == b'{"resultCode":"0200000"}'


@pytest.mark.parametrize("kind", ["drip", "drip-headers"])
def test_drips_make_a_whole_answer(wire: Callable[[Fault], socket.socket], kind: str) -> None:
    """Whoever has the patience gets the honest answer."""
    connection = wire(Fault(kind, seconds=0.0, times=1))
    response = HTTPResponse(connection)
    response.begin()
    assert json.loads(response.read())["totalSize"] == 250


def test_drip_ends_when_the_caller_goes(
    wire: Callable[[Fault], socket.socket], simulator: SimulatorServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """A drip to a caller who has gone is given up, without a word on stderr."""
    connection = wire(Fault("drip", seconds=0.001))
    assert connection.recv(12) == b"HTTP/1.1 200"
    connection.close()
    assert simulator.calls.wait_for_in_flight(0, 10)
    simulator.stop()
    assert capfd.readouterr().err == ""


def test_any_fault_can_be_late(wire: Callable[[Fault], socket.socket], simulator: SimulatorServer) -> None:
    """With `latency_s`, the fault is not played before that time, and a stop does not wait for it."""
    connection = wire(Fault("html", latency_s=3600.0))
    assert simulator.calls.wait_for_in_flight(1, 10)
    connection.settimeout(0)
    with pytest.raises(BlockingIOError):
        connection.recv(1)
    simulator.stop()
    assert simulator.calls.wait_for_in_flight(0, 10)


@pytest.mark.parametrize("kind", ["reset-before", "reset-in-headers", "reset-in-body", "short-body", "drip-headers"])
def test_broken_connection_is_the_only_one(
    ask: Ask, wire: Callable[[Fault], socket.socket], simulator: SimulatorServer, kind: str
) -> None:
    """The call after a broken one is answered, and nothing stays in flight."""
    read_to_end(wire(Fault(kind, times=1, seconds=0.0)))
    assert ask()[0].status == 200
    assert simulator.calls.wait_for_in_flight(0, 10)
