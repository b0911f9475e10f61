"""Connections that say nothing, straight at a gateway that has few places, with the options of the Makefile."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests

from gateway.simulator.server import SimulatorServer
from tests.support.gateway import PROJECT
from tests.support.server import ServedGateway, served_gateway

PLACES = 8
OPTIONS = dict(re.findall(r"^export (GRANIAN_HTTP\w*) \?= (\S+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE))
HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
KEPT_BY_FRONTS_S = 20


@pytest.fixture(scope="module")
def served(_simulator: SimulatorServer) -> Iterator[ServedGateway]:
    """Return a gateway with few places, which soon closes connections that say nothing more."""
    few = {"GRANIAN_BACKPRESSURE": str(PLACES), "GRANIAN_BLOCKING_THREADS": str(PLACES)}
    options = {**OPTIONS, "GRANIAN_HTTP1_HEADER_READ_TIMEOUT": "1000"}
    with served_gateway(_simulator.base_url, 1, **few, **options) as made:
        yield made


@pytest.mark.parametrize("said", [b"", HEAD, HEAD + b"\r\n"], ids=["nothing", "half a request", "one request"])
def test_connections_that_say_nothing_more_give_their_places_back(served: ServedGateway, said: bytes) -> None:
    """As many of them as there are places keep everybody out, and only until granian closes them."""
    with ExitStack() as stack:
        url = urlsplit(served.url)
        for _ in range(PLACES):
            connection = stack.enter_context(socket.create_connection((url.hostname or "", url.port or 0), timeout=20))
            connection.sendall(said)
        assert requests.get(f"{served.url}/healthz", headers={"Connection": "close"}, timeout=20).ok


def test_they_are_kept_for_longer_than_fronts_keep_them() -> None:
    """A front that sends a request on a connection that granian is closing loses it. All deploy files say the same."""
    assert int(OPTIONS["GRANIAN_HTTP1_HEADER_READ_TIMEOUT"]) > KEPT_BY_FRONTS_S * 1000
    for path in ("deploy/systemd/campaign-gateway.service", "deploy/container/Containerfile"):
        set_there = dict(re.findall(r"\b(GRANIAN_HTTP\w*)=(\S+)", (PROJECT / path).read_text()))
        assert set_there == OPTIONS
