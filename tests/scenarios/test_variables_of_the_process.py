"""Variables of the process that are named as headers are: no answer is another one for them, whatever the server."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from gateway.simulator.server import SimulatorServer
from tests.support.gateway import PROJECT, VARIABLES
from tests.support.server import environment, free_port, served_gateway, wait_until_it_answers

PLANTED = {
    "HTTP_X_API_KEY": "operator-key",
    "HTTP_AUTHORIZATION": "Bearer of-the-process",
    "HTTP_ACCEPT": "text/html",
    "HTTP_ACCEPT_ENCODING": "gzip",
    "HTTP_ACCEPT_LANGUAGE": "zh",
    "HTTP_IF_NONE_MATCH": "*",
    "HTTP_CACHE_CONTROL": "only-if-cached",
    "HTTP_PREFER": "wait=1",
    "HTTP_ORIGIN": "https://app.example.com",
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET",
    "HTTP_X_REQUEST_ID": "of-the-process",
    "HTTP_X_REQUEST_TIMEOUT_MS": "1",
    "HTTP_X_FORWARDED_FOR": "192.0.2.1",
    "HTTP_TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "CONTENT_LENGTH": "5",
    "CONTENT_TYPE": "application/x-www-form-urlencoded",
    "REMOTE_USER": "of-the-process",
    "RAW_URI": "/nothing",
    "HTTPS": "on",
}
KEY = "X-API-Key: web-key"
REQUESTS = (
    ("GET /campaigns", KEY),
    ("GET /campaigns", KEY, "X-Request-Id: given"),
    ("GET /campaigns",),
    ("HEAD /campaigns", KEY),
    ("GET /campaigns?page=0", KEY),
    ("GET /campaigns?page=2", KEY, "Accept-Encoding: gzip"),
    ("GET /campaigns?page=2", KEY, "Accept-Encoding: gzip"),
    ("OPTIONS /campaigns",),
    ("POST /campaigns", KEY),
    ("DELETE /cache",),
    ("GET /cache/explain", KEY),
    ("GET /problems",),
    ("GET /openapi.json",),
    ("GET /nothing",),
)
OF_THIS_MOMENT = re.compile(
    rb"^(?:date|server-timing|age|campaigns-as-of):[^\r]*\r\n|(?<=[ ;])(?:ttl|age|max-age)=\d+|[0-9a-f]{32}",
    re.IGNORECASE | re.MULTILINE,
)
"""Times, and ids that the gateway made."""

WSGIREF = """
import sys
from wsgiref.simple_server import make_server
from app import app
make_server("127.0.0.1", int(sys.argv[1]), app).serve_forever()
"""
"""Python's own server, of which people know that it begins with the variables of the process."""


@contextmanager
def by_granian(base_url: str, **variables: str) -> Iterator[str]:
    """Serve the gateway as it is deployed."""
    with served_gateway(base_url, 1, **variables) as served:
        yield served.url


@contextmanager
def by_wsgiref(base_url: str, **variables: str) -> Iterator[str]:
    """Serve it by another server."""
    settings = {**VARIABLES, "GATEWAY__ISALES__BASE_URL": base_url, "GATEWAY__HTTP__DRAIN_S": "0", **variables}
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-c", WSGIREF, url.rpartition(":")[2]]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment(**settings), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_until_it_answers(f"{url}/healthz", process)
            yield url
        finally:
            process.kill()


def answers(url: str) -> list[bytes]:
    """Return what comes back for each request, without what differs from one moment to the next."""
    return [OF_THIS_MOMENT.sub(b"", answer) for answer in (raw_answer(url, *lines) for lines in REQUESTS)]


def raw_answer(url: str, line: str, *headers: str) -> bytes:
    """Return all bytes of the answer to a request with these headers and no others."""
    sent = [f"{line} HTTP/1.1", "Host: gateway", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=20) as connection:
        connection.sendall("\r\n".join(sent).encode())
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize("serve", [by_granian, by_wsgiref])
def test_answers_are_the_same_byte_for_byte(
    simulator: SimulatorServer, serve: Callable[..., AbstractContextManager[str]]
) -> None:
    """With a key, an origin, conditions and limits among the variables, hits and problems are those without."""
    origins = {"GATEWAY__HTTP__CORS_ORIGINS": '["https://app.example.com"]'}
    with serve(simulator.base_url, **origins) as url:
        without = answers(url)
    with serve(simulator.base_url, **origins, **PLANTED) as url:
        assert answers(url) == without
    assert without[0].startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))
    assert b" 401 " in without[2]
