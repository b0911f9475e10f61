"""Names on the way: name servers that say nothing, and names that move."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenarios.upstream.raw_server import RawServer
from tests.support.clock import FakeClock
from tests.support.gateway import GatewayUnderTest


@pytest.fixture
def mute(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Have the system's resolver say nothing of names until the event is set, and then where this machine is."""
    speaks, real = threading.Event(), socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if str(host).endswith(".example.com"):
            if options.get("flags"):
                raise socket.gaierror(socket.EAI_NONAME, "no address")
            speaks.wait(20)
            host = "127.0.0.1"
        return real(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield speaks
    speaks.set()


def test_mute_name_servers_are_given_up_in_time(upstream: RawServer, mute: threading.Event) -> None:
    """The caller has an answer that says what it was by the time for connecting, and is served once they speak."""
    gateway = GatewayUnderTest(
        f"http://isales.example.com:{upstream.port}", real_time=True, isales__connect_timeout_s="0.2"
    )
    status, problem, document = gateway.problem("/campaigns")
    assert (status, problem) == (504, "upstream-timeout")
    assert "while looking up its name" in document["detail"]
    mute.set()
    assert gateway.get("/campaigns?page=2").status_code == 200


def test_a_connection_lives_for_two_minutes(upstream: RawServer) -> None:
    """Then the next call makes a new one, to wherever the name leads by then."""
    gateway = GatewayUnderTest(upstream.url, FakeClock())
    for page, (pause_s, connections) in enumerate([(0, 1), (119, 1), (2, 2), (119, 2)], 1):
        gateway.clock.advance(pause_s)
        assert gateway.get(f"/campaigns?page={page}").status_code == 200
        assert upstream.connections == connections
