"""A simulator on a real socket whose clock stands still, and a caller that signs for it."""

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Exchange, Fault
from gateway.simulator.keys import Tenant
from gateway.simulator.server import SimulatorServer
from gateway.simulator.signature import ReceivedRequest, authorization

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
TENANTS = (
    Tenant(vdns=(1,), access_key="ak-1", secret_key="sk-1"),
    Tenant(vdns=(2, 3), access_key="ak-2", secret_key="sk-2"),
)
ALL = {"status": "0", "deviceType": "0", "curPage": "1", "rowsPerPage": "10"}


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """Run a simulator: VDN 1 with `ak-1`, VDNs 2 and 3 with `ak-2`; it is noon of 1 March 2026, UTC."""
    with SimulatorServer(SimulatorConfig(TENANTS, now=lambda: NOW)) as server:
        yield server


@pytest.fixture
def signed_headers(simulator: SimulatorServer) -> Callable[..., dict[str, str]]:
    """Return a function of path and raw query that returns the headers of a well signed call."""

    def sign(path: str, query: str, *, key: int = 1, timestamp: str = "2026-03-01T12:00:00Z") -> dict[str, str]:
        host = f"127.0.0.1:{simulator.port}"
        request = ReceivedRequest("GET", path, query, {"host": host})
        return {
            "Host": host,
            "Content-Type": "application/json; charset=UTF-8",
            "Authorization": authorization(request, f"ak-{key}", f"sk-{key}", timestamp, ["host"]),
        }

    return sign


@pytest.fixture
def ask(
    simulator: SimulatorServer, signed_headers: Callable[..., dict[str, str]]
) -> Callable[..., tuple[http.client.HTTPResponse, bytes]]:
    """Return a function that makes a well signed call: parameters or a raw query in, response and body out."""

    def call(
        parameters: dict[str, str] | str | None = None,
        *,
        vdn: object = 1,
        key: int = 1,
        method: str = "GET",
        headers: dict[str, str | None] | None = None,
        timestamp: str = "2026-03-01T12:00:00Z",
        connection: http.client.HTTPConnection | None = None,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        if isinstance(parameters, str):
            query = parameters
        else:
            given = {**ALL, **(parameters or {})}
            query = "&".join(f"{name}={quote(value, safe='')}" for name, value in given.items())
        path = f"/rest/isales/v1/openapi/campaigns/{vdn}"
        sent: dict[str, str | None] = {**signed_headers(path, query, key=key, timestamp=timestamp)}
        sent.update(headers or {})
        wire = connection or http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=10)
        wire.request(
            method,
            f"{path}?{query}" if query else path,
            headers={name: value for name, value in sent.items() if value is not None},
        )
        response = wire.getresponse()
        body = response.read()
        if connection is None:
            wire.close()
        return response, body

    return call


@pytest.fixture
def ask_json(ask: Callable[..., tuple[http.client.HTTPResponse, bytes]]) -> Callable[..., Any]:
    """Return the same function, but for the JSON of the body, status 200 being asserted."""

    def call(parameters: dict[str, str] | str | None = None, **options: Any) -> Any:
        response, body = ask(parameters, **options)
        assert response.status == 200, body
        return json.loads(body)

    return call


@pytest.fixture
def control(simulator: SimulatorServer) -> Callable[..., tuple[int, bytes]]:
    """Return a function that sends a method, a path below `/simulator` and a body, and returns status and body."""

    def call(method: str, path: str, body: object = None) -> tuple[int, bytes]:
        wire = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=10)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        wire.request(method, f"/simulator{path}", body=content)
        response = wire.getresponse()
        answer = response.read()
        wire.close()
        return response.status, answer

    return call


@pytest.fixture
def exchange_of() -> Iterator[Callable[..., Exchange]]:
    """Yield a function that makes an exchange without a server, with a small answer and pauses of no time."""
    with socket.socket() as unconnected:
        plain = Exchange(
            fault=Fault("latency"),
            turn=1,
            envelope_with=lambda _more: {"resultCode": "0200000"},
            locale="zh_CN",
            now=NOW,
            pause=lambda _seconds: None,
            connection=unconnected,
        )
        yield partial(replace, plain)
