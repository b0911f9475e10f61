"""The connections of callers: what is sent again, and what is lost."""

import random
import ssl
from collections.abc import Iterator
from http.client import HTTPException

import pytest

from tests.scenarios.upstream.raw_server import RawServer, http, says_and_closes
from tests.scenarios.upstream.tls_server import CA, serving
from tests.soak.callers import Caller, Connection, Ledger
from tests.soak.clients import chance, clients
from tests.soak.mix import Mix, Request
from tests.support.waiting import wait_until

PAGE = http("200 OK", b"{}", "Cache-Status: campaign-gateway; hit")


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Return a server with TLS."""
    with serving(CA.issue_cert("127.0.0.1")) as server:
        yield server


@pytest.fixture
def connection(server: RawServer) -> Iterator[Connection]:
    """Return a connection to it that is not made yet."""
    tls = ssl.create_default_context(cadata=CA.cert_pem.bytes().decode())
    connection = Connection(server.port, "127.0.1.1", tls)
    yield connection
    connection.close()


def test_a_connection_is_kept(server: RawServer, connection: Connection) -> None:
    """Names of headers are in lower case, whoever sends them."""
    assert connection.get("/campaigns?page=1", {"X-API-Key": "k"})[0] == 200
    status, headers, _ = connection.get("/campaigns?page=2", {"X-API-Key": "k"})
    assert (status, "content-length" in headers) == (200, True)
    assert (server.connections, connection.resent) == (1, 0)
    assert server.requests[1].startswith(b"GET /campaigns?page=2 HTTP/1.1\r\n")
    assert b"X-API-Key: k\r\n" in server.requests[1]


def test_a_request_on_a_kept_connection_that_was_closed_is_sent_again(
    server: RawServer, connection: Connection
) -> None:
    """Once, on a new connection, and it is counted."""
    server.will(says_and_closes(PAGE))
    connection.get("/", {})
    assert connection.get("/", {})[0] == 200
    assert (server.connections, connection.resent) == (2, 1)


def test_a_request_is_not_sent_a_third_time(server: RawServer, connection: Connection) -> None:
    """A new connection that is closed as well is an error."""
    server.will(says_and_closes(PAGE), says_and_closes(b""))
    connection.get("/", {})
    with pytest.raises((OSError, HTTPException)):
        connection.get("/", {})
    assert server.connections == 2


@pytest.mark.parametrize("sent", [b"", PAGE[:-1]])
def test_nothing_that_was_begun_is_sent_again(server: RawServer, connection: Connection, sent: bytes) -> None:
    """A new connection that breaks is an error, whatever came; and the next request is none."""
    server.will(says_and_closes(sent))
    with pytest.raises((OSError, HTTPException)):
        connection.get("/", {})
    assert (server.connections, connection.resent) == (1, 0)
    assert connection.get("/", {})[0] == 200


def test_a_caller_that_fails_is_told() -> None:
    """Not of an answer, but by itself, as where it does not know what to make of one."""

    class Broken(Mix):
        def draw(self, source: random.Random) -> Request:
            raise KeyError("no page")

    mix = Broken(clients(), chance(1, "pages"))
    caller = Caller(1, 1, ssl.create_default_context(), mix, Ledger(), 1000.0, 1)
    caller.start()
    wait_until(lambda: caller.failure)
    with pytest.raises(KeyError):
        caller.end()
