"""Keep-alive, framing and TLS of the HTTP server."""

import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from threading import Barrier, Thread

import pytest
import trustme

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Fault
from gateway.simulator.keys import Tenant
from gateway.simulator.server import SimulatorServer
from gateway.simulator.signature import ReceivedRequest, authorization

Ask = Callable[..., tuple[HTTPResponse, bytes]]


@pytest.fixture
def pooled(simulator: SimulatorServer) -> Iterator[HTTPConnection]:
    """Keep one connection open, as in a client's pool; it does not open itself again."""
    connection = HTTPConnection("127.0.0.1", simulator.port, timeout=10)
    connection.connect()
    connection.auto_open = 0
    yield connection
    connection.close()


@pytest.fixture
def exchange_bytes(simulator: SimulatorServer) -> Callable[[bytes], bytes]:
    """Return a function that sends bytes and returns all that comes until the server closes."""

    def send(request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as connection:
            connection.sendall(request)
            received = b""
            while piece := connection.recv(65536):
                received += piece
            return received

    return send


def test_two_calls_over_one_connection(ask: Ask, pooled: HTTPConnection) -> None:
    """A connection carries one call after the other, success, failure and refusal alike."""
    assert ask(connection=pooled)[0].status == 200
    assert ask({"status": "9"}, connection=pooled)[0].status == 200
    assert ask(headers={"Authorization": None}, connection=pooled)[0].status == 401
    assert ask(connection=pooled)[0].status == 200


def test_body_of_a_get_is_read_away(ask: Ask, pooled: HTTPConnection, simulator: SimulatorServer) -> None:
    """A body that nobody asked for is not taken for the next request."""
    pooled.request("GET", "/simulator/calls", body=b"GET /evil HTTP/1.1\r\n\r\n" * 1000)
    first = pooled.getresponse()
    first.read()
    assert first.status == 200
    assert ask(connection=pooled)[0].status == 200
    assert simulator.calls.total == 1


def test_chunked_answer_keeps_the_connection(ask: Ask, pooled: HTTPConnection, simulator: SimulatorServer) -> None:
    """A drip has a length and an end, so that the connection can be used again."""
    simulator.faults.arm(Fault("drip", times=1, seconds=0.0))
    assert ask(connection=pooled)[0].status == 200
    assert ask(connection=pooled)[0].status == 200


def test_fault_on_one_connection_leaves_the_other(ask: Ask, pooled: HTTPConnection, simulator: SimulatorServer) -> None:
    """A reset ends its own connection only; one that is idle meanwhile goes on."""
    assert ask(connection=pooled)[0].status == 200
    simulator.faults.arm(Fault("reset-before", times=1))
    with pytest.raises(ConnectionError):
        ask()
    assert ask(connection=pooled)[0].status == 200


def test_pipelined_requests_are_answered_in_order(exchange_bytes: Callable[[bytes], bytes]) -> None:
    """Requests sent without waiting are answered one after the other."""
    received = exchange_bytes(
        b"GET /simulator/calls HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    )
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.count(b"HTTP/1.1 404 NOT FOUND\r\n") == 1
    assert received.count(b"Connection: close\r\n") == 1


def test_http_1_0_is_closed_after_the_answer(exchange_bytes: Callable[[bytes], bytes]) -> None:
    """A caller with HTTP/1.0 gets its answer and the end of the connection."""
    received = exchange_bytes(b"GET /simulator/calls HTTP/1.0\r\nHost: h\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.rstrip().endswith(b"}")


def test_head_has_no_body(exchange_bytes: Callable[[bytes], bytes]) -> None:
    """The answer to a HEAD ends with its headers."""
    received = exchange_bytes(b"HEAD /simulator/calls HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Host: a\r\nHost: b\r\n", 400),
        (b"Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400),
        (b"Host: a\r\nContent-Length: x\r\n", 400),
        (b"Host: a\r\nContent-Length: -1\r\n", 400),
        (b"Host: a\r\nAuthorization: a\r\nAuthorization: b\r\n", 400),
        (b"Host: a\r\nTransfer-Encoding: chunked\r\n", 411),
        (b"Host: a\r\nContent-Length: 1048577\r\n", 413),
        (b"Host: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n", 413),
    ],
)
def test_request_that_cannot_be_framed_is_refused(
    exchange_bytes: Callable[[bytes], bytes], headers: bytes, status: int
) -> None:
    """A request whose end or sense is in doubt is refused, and the connection closed."""
    received = exchange_bytes(b"GET /simulator/calls HTTP/1.1\r\n" + headers + b"\r\n")
    assert received.startswith(f"HTTP/1.1 {status} ".encode())


def test_twenty_callers_at_once(ask: Ask, simulator: SimulatorServer) -> None:
    """Calls are answered side by side: twenty that wait for each other are in flight together."""
    together = Barrier(20)
    simulator.latency_s = 1.0
    statuses: list[int] = []

    def call() -> None:
        together.wait()
        statuses.append(ask()[0].status)

    threads = [Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    assert simulator.calls.wait_for_in_flight(20, 10)
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20
    assert simulator.calls.snapshot()["max_in_flight"] == 20


def test_who_waits_is_let_go_when_the_latency_is_taken_back(ask: Ask, simulator: SimulatorServer) -> None:
    """A test that has seen what it wanted to see while calls wait need not wait for them."""
    simulator.latency_s = 3600.0
    statuses: list[int] = []
    thread = Thread(target=lambda: statuses.append(ask()[0].status))
    thread.start()
    assert simulator.calls.wait_for_in_flight(1, 10)
    simulator.latency_s = 0.0
    thread.join(10)
    assert statuses == [200]


@pytest.fixture
def tls() -> Iterator[tuple[SimulatorServer, ssl.SSLContext]]:
    """Run a simulator with HTTPS; yield it and the context of a client that trusts it."""
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    config = SimulatorConfig((Tenant((1,), "ak-1", "sk-1"),))
    with SimulatorServer(config, tls=server_side) as server:
        yield server, client_side


def get_calls(server: SimulatorServer, context: ssl.SSLContext, times: int = 1) -> list[int]:
    """Return the statuses of `times` requests over one HTTPS connection."""
    connection = HTTPSConnection("127.0.0.1", server.port, timeout=10, context=context)
    statuses = []
    for _ in range(times):
        connection.request("GET", "/simulator/calls")
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    return statuses


def test_https_keeps_the_connection(tls: tuple[SimulatorServer, ssl.SSLContext]) -> None:
    """With TLS, a connection carries several requests, and the URL says https."""
    server, context = tls
    assert server.base_url == f"https://127.0.0.1:{server.port}"
    assert get_calls(server, context, times=3) == [200] * 3


def test_handshake_that_never_comes_blocks_nobody(tls: tuple[SimulatorServer, ssl.SSLContext]) -> None:
    """A caller who connects and says nothing keeps no other from being served."""
    server, context = tls
    with socket.create_connection(("127.0.0.1", server.port), timeout=10):
        assert get_calls(server, context) == [200]


def test_client_without_trust_is_not_served(tls: tuple[SimulatorServer, ssl.SSLContext]) -> None:
    """A client that does not know the authority fails, and the next one is served."""
    server, context = tls
    with pytest.raises(ssl.SSLCertVerificationError):
        get_calls(server, ssl.create_default_context())
    assert get_calls(server, context) == [200]


def test_reset_works_under_tls(tls: tuple[SimulatorServer, ssl.SSLContext]) -> None:
    """A fault of the connection reaches through TLS to the socket."""
    server, context = tls
    server.faults.arm(Fault("reset-before", times=1))
    connection = HTTPSConnection("127.0.0.1", server.port, timeout=10, context=context)
    path, host = "/rest/isales/v1/openapi/campaigns/1", f"127.0.0.1:{server.port}"
    request = ReceivedRequest("GET", path, "", {"host": host})
    timestamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    headers = {"Authorization": authorization(request, "ak-1", "sk-1", timestamp, ["host"])}
    connection.request("GET", path, headers=headers)
    with pytest.raises(ConnectionResetError):
        connection.getresponse()
    connection.close()
    assert server.faults.armed is None
