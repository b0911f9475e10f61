"""What nginx refuses by itself: in the words of the API, over HTTP/1.1 and HTTP/2, and without a query in any log."""

import json
import re
import socket
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.scenarios.upstream.raw_server import RawServer
from tests.support.nginx import OUTSIDE, DeployedNginx
from tests.support.programs import program

PROTOCOLS = ("--http1.1", "--http2")
SOMEBODY = "name=somebody"
METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")


def curl(
    nginx: DeployedNginx, protocol: str, path: str, *options: str, body: bytes | None = None, plain: bool = False
) -> tuple[int, Mapping[str, str], bytes]:
    """Send a request by curl, in the protocol of that option; return status, headers by lower-case names, and body."""
    url = f"{nginx.url.replace('https:', 'http:') if plain else nginx.url}{path}"
    command = [
        program("curl", "curl"),
        "--silent",
        "--include",
        "--globoff",
        "--path-as-is",
        "--max-time",
        "15",
        protocol,
    ]
    ran = subprocess.run(
        [*command, protocol, "--cacert", str(nginx.authority), *options, url],
        input=body,
        capture_output=True,
        check=True,
    )
    answer = re.sub(rb"\AHTTP/[^\r]* 100 [^\r]*\r\n\r\n", b"", ran.stdout)
    head, _, content = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, content


def refusal(answer: tuple[int, Mapping[str, str], bytes]) -> dict[str, Any]:
    """Return the problem that was answered, which has to be one of status 400 and as whole as any other."""
    status, headers, content = answer
    assert (status, headers["content-type"]) == (400, "application/problem+json"), content
    problem: dict[str, Any] = json.loads(content)
    assert (problem["status"], problem["request_id"]) == (400, headers["x-request-id"])
    assert headers["cache-control"] == "no-store"
    assert headers["strict-transport-security"] == "max-age=63072000"
    return problem


def error_log(nginx: DeployedNginx) -> str:
    """Return all that is in it."""
    return (nginx.folder / "log/error.log").read_text()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("path", ["/campaigns", "/docs", "/cache"])
@pytest.mark.parametrize("method", METHODS)
def test_a_body_that_is_too_large(front: DeployedNginx, protocol: str, path: str, method: str) -> None:
    """It is a problem whatever the protocol, the log has the method that was sent, and none has the query."""
    identifier = f"large-{method}-{path[1:]}-{protocol.strip('-')}"
    options = ("--request", method, "--header", f"X-Request-Id: {identifier}", "--data-binary", "@-")
    problem = refusal(curl(front, protocol, f"{path}?{SOMEBODY}", *options, body=b"a" * 2000))
    assert (problem["type"], problem["instance"]) == ("problems/invalid-parameters", path[1:])
    (line,) = [line for line in front.log() if line["request_id"] == identifier]
    assert (line["method"], line["path"], line["status"]) == (method, path, 400)
    assert "somebody" not in error_log(front)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_large_body_of_unknown_length(front: DeployedNginx, protocol: str) -> None:
    """In chunks, or over HTTP/2 without a length: nothing is known of it before it comes."""
    options = ("--request", "DELETE", "--upload-file", "-")
    refusal(curl(front, protocol, f"/cache?{SOMEBODY}", *options, body=b"a" * 20_000))
    assert "somebody" not in error_log(front)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_body_for_nobody(front: DeployedNginx, protocol: str) -> None:
    """Where there is nothing, that is what is said, and no query is in the log."""
    status, _, content = curl(front, protocol, f"/nothing?{SOMEBODY}", "--data-binary", "@-", body=b"a" * 2000)
    assert (status, json.loads(content)["type"]) == (404, "problems/not-found")
    assert "somebody" not in error_log(front)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("length", "taken"), [(8_200, True), (10_000, True), (10_300, False), (16_000, False), (32_000, False)]
)
@pytest.mark.parametrize("letters", ["a", "Z~"])
def test_a_header_has_ten_kib_at_most(
    recording: DeployedNginx,
    stand_in: RawServer,
    protocol: str,
    length: int,
    taken: bool,  # noqa: FBT001 -- a column of the table
    letters: str,
) -> None:
    """However well it can be compressed. What is taken reaches the gateway as any other request does."""
    value = (letters * length)[:length]
    answer = curl(recording, protocol, "/campaigns?page=1", "--header", f"X-Long: {value}", "--interface", OUTSIDE)
    if not taken:
        refusal(answer)
        assert stand_in.requests == []
        return
    assert answer[0] == 200
    (request,) = stand_in.requests
    assert request.startswith(b"GET /campaigns?page=1 HTTP/1.1\r\n")
    assert f"X-Long: {value}\r\n".lower() in request.decode().lower()
    assert re.findall(rb"(?i)\r\n(?:x-forwarded-for|host): ([^\r]*)", request) == [
        b"campaign-gateway",
        OUTSIDE.encode(),
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_url_has_ten_kib_at_most(recording: DeployedNginx, stand_in: RawServer, protocol: str) -> None:
    """A longer one gets a problem, over HTTP/1.1 and HTTP/2."""
    assert curl(recording, protocol, f"/campaigns?name={'a' * 9_900}")[0] == 200
    assert len(stand_in.requests) == 1
    assert refusal(curl(recording, protocol, f"/campaigns?name={'a' * 10_300}"))["instance"] == "campaigns"
    assert len(stand_in.requests) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_characters_that_have_to_be_encoded(front: DeployedNginx, protocol: str) -> None:
    """A problem says so."""
    for text in '"<>':
        for path in (f"/campaigns?name={text}", f"/problems/{text}", f"/docs/{text}?x"):
            assert "percent-encoded" in refusal(curl(front, protocol, path))["detail"]


def test_no_byte_of_a_url_gets_an_empty_answer(front: DeployedNginx) -> None:
    """What granian would refuse without a word nginx refuses with one; all else is the gateway's to judge."""
    for code in range(0x21, 0x100):
        for path in (b"/campaigns?name=%c", b"/problems/%c", b"/docs/%c?x"):
            line = b"GET " + path % code + b" HTTP/1.1\r\nHost: x\r\nX-API-Key: web-key\r\nConnection: close\r\n\r\n"
            head, _, body = front.raw(line).partition(b"\r\n\r\n")
            status = int(head.split()[1])
            assert status == 400 or (code < 0x7F and chr(code) not in '"<>'), (code, path)
            assert status in {200, 400, 404}, (code, path)
            if status != 200:
                assert json.loads(body)["status"] == status


@pytest.mark.parametrize("path", ["/campaigns", "/metrics", "/"])
def test_plain_http_on_the_port_of_tls(front: DeployedNginx, path: str) -> None:
    """It is told as that, and not as a fault of the query; the title is that of the status (RFC 9457, 4.2.1)."""
    problem = refusal(curl(front, "--http1.1", f"{path}?{SOMEBODY}", plain=True))
    assert (problem["type"], problem["title"], problem["instance"]) == ("about:blank", "Bad Request", path[1:] or "./")
    assert "Use https:// in the URL" in problem["detail"]
    assert "somebody" not in error_log(front)


def test_a_gateway_that_is_away_is_in_the_access_log_alone(in_front_of: Callable[..., DeployedNginx]) -> None:
    """With its address and what became of it, and without the query."""
    nginx = in_front_of("http://127.0.0.1:9")
    assert nginx.get(f"/campaigns?{SOMEBODY}").status == 500
    (line,) = nginx.log()
    assert (line["upstream"], line["upstream_status"]) == ("127.0.0.1:9, 127.0.0.1:9", "502, 502")
    assert "somebody" not in error_log(nginx)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE", "HEAD", "OPTIONS"])
def test_the_log_has_the_method_that_was_sent(front: DeployedNginx, method: str) -> None:
    """Whoever answers it: nginx, for a path that is closed, or the gateway."""
    for path in ("/metrics", "/campaigns"):
        identifier = f"method-{method}{path.replace('/', '-')}"
        front.get(path, headers={"X-Request-Id": identifier}, method=method, source=OUTSIDE)
        (line,) = [line for line in front.log() if line["request_id"] == identifier]
        assert line["method"] == method


CALLERS_ADDRESS = {
    "# listen [::]:443 ssl http2 default_server;": "set_real_ip_from 127.0.0.1; real_ip_header X-Test-Address;"
}
"""Callers of any address that the test likes."""


@pytest.mark.parametrize(
    ("addresses", "limited"),
    [
        ([f"2001:db8:0:7::{number:x}" for number in range(1, 101)], True),
        ([f"2001:db8:0:7:{number:x}:{number:x}:0:1" for number in range(1, 101)], True),
        (["2001:db8::1", "2001:db8:0:0:ffff::"], True),
        ([f"2001:db8:0:{number:x}::1" for number in range(100)], False),
        ([f"::ffff:192.0.2.{number}" for number in range(1, 101)], False),
        (["::ffff:192.0.2.1", "192.0.2.1"], True),
        ([f"192.0.2.{number}" for number in range(1, 101)], False),
    ],
)
def test_limits_are_for_what_nobody_can_change_at_will(
    stand_in: RawServer,
    in_front_of: Callable[..., DeployedNginx],
    addresses: list[str],
    limited: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    """Of IPv6 for a network of 64 bits, of which whoever is in it may take any address; of IPv4 for an address."""
    nginx = in_front_of(stand_in.url, CALLERS_ADDRESS)
    asked = [
        f"GET /campaigns HTTP/1.1\r\nHost: x\r\nX-Test-Address: {addresses[number % len(addresses)]}\r\n"
        for number in range(600)
    ]
    with (
        socket.create_connection(("127.0.0.1", nginx.port), timeout=20) as plain,
        nginx.tls().wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(("\r\n".join(asked) + "Connection: close\r\n\r\n").encode())
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert received.count(b"HTTP/1.1 ") == 600
    refused = received.count(b"HTTP/1.1 429 ")
    assert (refused > 300) if limited else (refused == 0)
