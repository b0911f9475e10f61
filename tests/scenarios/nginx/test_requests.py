"""What nginx passes on of a request, and what it refuses."""

import json
import re
import socket
import ssl
import time
from collections.abc import Callable

import pytest

from tests.scenarios.upstream.raw_server import RawServer
from tests.support.nginx import OUTSIDE, DeployedNginx

HEAD = "GET /campaigns HTTP/1.1\r\nHost: x\r\nX-API-Key: web-key\r\n"
SMUGGLED = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"

REFUSED = {
    "CL.TE": f"{HEAD}Content-Length: 6\r\n{CHUNKED}\r\n0\r\n\r\nG",
    "TE.CL": f"{HEAD}{CHUNKED}Content-Length: 4\r\n\r\n5c\r\n{SMUGGLED}\r\n0\r\n\r\n",
    "two lengths": f"{HEAD}Content-Length: 0\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "a list of lengths": f"{HEAD}Content-Length: 0, 0\r\n\r\n",
    "a negative length": f"{HEAD}Content-Length: -1\r\n\r\n",
    "an unknown coding": f"{HEAD}Transfer-Encoding: xchunked\r\n\r\n",
    "two codings": f"{HEAD}{CHUNKED}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a blank before the colon": f"{HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
    "a folded header": f"{HEAD}X-Folded: one\r\n two\r\n\r\n",
    "a folded coding": f"{HEAD}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "no name of a host": "GET /campaigns HTTP/1.1\r\nX-API-Key: web-key\r\n\r\n",
    "two names of hosts": f"{HEAD}Host: y\r\n\r\n",
    "a NUL in a header": f"{HEAD}X-Nul: a\0b\r\n\r\n",
    "a blank in the target": "GET /campaigns /x HTTP/1.1\r\nHost: x\r\n\r\n",
    "a NUL in the target": "GET /campaigns%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/2 in words": "GET /campaigns HTTP/2.0\r\nHost: x\r\n\r\n",
    "a GET with a body": f"{HEAD}Content-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "a GET in chunks": f"{HEAD}{CHUNKED}\r\n0\r\n\r\n",
    "a target too long": f"GET /campaigns?name={'a' * 11_000} HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header too long": f"{HEAD}X-Long: {'a' * 11_000}\r\n\r\n",
    "headers too long together": HEAD + "".join(f"X-{n}: {'a' * 9_000}\r\n" for n in range(8)) + "\r\n",
}

TAKEN = {
    "the usual": f"{HEAD}Connection: close\r\n\r\n",
    "the absolute form": "GET http://evil.example/campaigns HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "HTTP/1.0 without a host": "GET /campaigns HTTP/1.0\r\n\r\n",
    "lines that end in LF alone": f"{HEAD}Connection: close\r\n\r\n".replace("\r\n", "\n"),
    "a length of nothing": f"{HEAD}Content-Length: 0\r\nConnection: close\r\n\r\n",
}


def statuses(answers: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answers)]


@pytest.mark.parametrize("shape", REFUSED)
def test_odd_requests_are_refused(recording: DeployedNginx, stand_in: RawServer, shape: str) -> None:
    """One answer, a problem, the connection closed where its state is in doubt, and nothing reaches the gateway."""
    answer = recording.raw(REFUSED[shape].encode())
    assert statuses(answer) == [400], answer
    head, _, body = answer.partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert problem["status"] == 400
    assert b"Content-Type: application/problem+json" in head
    assert f"X-Request-Id: {problem['request_id']}".encode() in head
    assert stand_in.requests == []


@pytest.mark.parametrize("shape", TAKEN)
def test_what_is_passed_on_has_one_form(recording: DeployedNginx, stand_in: RawServer, shape: str) -> None:
    """Whatever the caller's form, the gateway sees one request, in origin form, with our host and without a body."""
    assert statuses(recording.raw(TAKEN[shape].encode())) == [200]
    (request,) = stand_in.requests
    assert request.startswith(b"GET /campaigns HTTP/1.1\r\nHost: campaign-gateway\r\n")
    assert request.count(b" HTTP/1.1\r\n") == 1
    assert b"\r\n" in request
    assert b"\n" not in request.replace(b"\r\n", b"")
    assert not re.search(rb"(?i)\r\n(content-length|transfer-encoding|te|upgrade|expect):", request)


def test_bodies_of_other_methods_fall_by_the_way(recording: DeployedNginx, stand_in: RawServer) -> None:
    """The gateway refuses the method, and sees nothing of what came with it; a large body is not even read."""
    length = f"Content-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}"
    assert len(statuses(recording.raw(f"POST /campaigns HTTP/1.1\r\nHost: x\r\n{length}".encode()))) == 1
    (request,) = stand_in.requests
    assert request.startswith(b"POST /campaigns HTTP/1.1\r\n")
    assert b"metrics" not in request
    assert recording.get("/campaigns", method="POST", headers={"Content-Length": "2000"}).status == 400
    assert len(stand_in.requests) == 1


SPOOFED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Port": "66",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=6.6.6.6;host=evil.example",
    "X-Real-Ip": "6.6.6.6",
    "Host": "evil.example",
}


def test_nothing_that_callers_say_of_their_way_is_passed_on(recording: DeployedNginx, stand_in: RawServer) -> None:
    """Addresses, hosts and prefixes are nginx' own; there is exactly one address.

    The request's id is ours too: one that nginx makes up may have any digits in it.
    """
    recording.get("/campaigns", headers={**SPOOFED, "X-Request-Id": "mine"}, source=OUTSIDE)
    (request,) = stand_in.requests
    assert not re.search(rb"(?i)evil|6\.6\.6\.6|gopher|66", request)
    assert re.findall(rb"(?i)\r\nx-forwarded-for: ([^\r]*)", request) == [OUTSIDE.encode()]


def test_headers_with_underscores_are_dropped(recording: DeployedNginx, stand_in: RawServer) -> None:
    """WSGI could not tell `X_API_Key` from `X-API-Key`."""
    recording.get("/campaigns", key=None, headers={"X_API_Key": "web-key", "X_Forwarded_For": "6.6.6.6"})
    assert b"_" not in stand_in.requests[0]


@pytest.mark.parametrize("sent", ["mine-1", "a" * 128])
def test_a_sane_request_id_is_kept(recording: DeployedNginx, stand_in: RawServer, sent: str) -> None:
    """It is passed on, comes back, and is in the log."""
    assert recording.get("/campaigns", headers={"X-Request-Id": sent}).headers["x-request-id"] == sent
    assert re.findall(rb"(?i)\r\nx-request-id: ([^\r]*)", stand_in.requests[0]) == [sent.encode()]
    assert [line["request_id"] for line in recording.log()] == [sent]


@pytest.mark.parametrize("sent", ["", "a b", 'a"b', "a" * 129, "é", "<x>", "a\tb"])
def test_an_odd_request_id_is_replaced(recording: DeployedNginx, stand_in: RawServer, sent: str) -> None:
    """By the gateway's own rule, so that both call a request by the same name."""
    came_back = recording.get("/campaigns", headers={"X-Request-Id": sent}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", came_back)
    assert re.findall(rb"(?i)\r\nx-request-id: ([^\r]*)", stand_in.requests[0]) == [came_back.encode()]


@pytest.mark.parametrize("unfinished", ["GET /campaigns HTTP/1.1\r\nHost:", ""])
def test_slow_headers_are_cut_off(
    stand_in: RawServer, in_front_of: Callable[..., DeployedNginx], unfinished: str
) -> None:
    """A caller that sends a header now and then does not hold its connection past the limit, nor any of the gateway."""
    nginx = in_front_of(stand_in.url, {"client_header_timeout 10s;": "client_header_timeout 1s;"})
    with (
        socket.create_connection(("127.0.0.1", nginx.port), timeout=10) as plain,
        nginx.tls().wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(unfinished.encode())
        give_up = time.monotonic() + 10
        cut_off = False
        while not cut_off and time.monotonic() < give_up:
            try:
                connection.sendall(b"a" if unfinished else b"")
                connection.settimeout(0.2)
                cut_off = connection.recv(100) == b""
            except TimeoutError:
                continue
            except (ConnectionError, ssl.SSLError):
                cut_off = True
    assert cut_off
    assert stand_in.connections == 0


def test_a_host_that_a_caller_makes_up_is_in_no_answer(front: DeployedNginx) -> None:
    """Links and problems name paths only."""
    for path in ("/campaigns", "/campaigns?page=0", "/docs", "/nothing", "/problems"):
        answer = front.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        assert "evil.example" not in f"{answer.headers}{answer.body.decode()}"


def test_paths_are_what_nginx_takes_them_for(front: DeployedNginx) -> None:
    """No way of writing a closed path opens it, and none makes the gateway see another path than nginx did."""
    for path in (
        "/metrics",
        "//metrics",
        "/./metrics",
        "/docs/../metrics",
        "/docs/%2e%2e/metrics",
        "/docs/..%2fmetrics",
        "/%6detrics",
        "/metrics?x",
        "/cache",
        "/cache/explain?page=1",
        "//cache//explain",
        "/campaigns/../cache",
        "/healthz",
        "/readyz",
    ):
        closed = front.get(path, key="operator-key", source=OUTSIDE)
        assert (closed.status, closed.json["type"].rpartition("/")[2]) == (403, "forbidden"), path
    for path in ("/metrics;x", "/metrics/", "/%256detrics", "/docs/..%252fmetrics", "/.nginx/forbidden", "/\\metrics"):
        answer = front.get(path, key="operator-key", source=OUTSIDE)
        assert (answer.status, answer.json["type"].rpartition("/")[2]) == (404, "not-found"), path


def test_a_path_with_more_slashes_is_not_found(front: DeployedNginx) -> None:
    """Nginx takes `//campaigns` for `/campaigns` and passes on what was sent: the gateway has nothing there."""
    for path in ("//campaigns", "///campaigns?page=2", "//healthz", "/%2fcampaigns"):
        answer = front.get(path)
        assert (answer.status, answer.json["type"].rpartition("/")[2]) == (404, "not-found"), path


def test_operators_reach_what_is_closed_to_others(front: DeployedNginx) -> None:
    """From an address that is listed, with the scope that it takes."""
    for path in ("/healthz", "/readyz", "/metrics", "/cache/explain"):
        assert front.get(path, key="operator-key").status == 200
    assert front.get("/cache", key="operator-key", method="DELETE").status == 200
    assert front.get("/cache", key="web-key", method="DELETE").status == 403


def test_what_is_for_everybody_is_open(front: DeployedNginx) -> None:
    """All other paths are open to all addresses."""
    for path in (
        *("/campaigns", "/me", "/docs", "/docs/static/page.css", "/console", "/openapi.json"),
        *("/problems", "/problems/forbidden"),
    ):
        assert front.get(path, source=OUTSIDE).status in {200, 404}, path
    assert front.get("/campaigns", source=OUTSIDE).status == 200


def test_floods_from_one_address_are_limited(front: DeployedNginx) -> None:
    """Past the burst there is 429 with `Retry-After`, for that address alone; ours have none. No log has the query."""
    context = front.tls()

    def pipelined(source: str) -> list[int]:
        request = b"GET /campaigns?name=somebody HTTP/1.1\r\nHost: x\r\n\r\n"
        with (
            socket.create_connection(("127.0.0.1", front.port), timeout=20, source_address=(source, 0)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall(request * 599 + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        assert received.count(b"Retry-After: 1\r\n") == statuses(received).count(429)
        return statuses(received)

    outside = pipelined("127.0.0.3")
    assert len(outside) == 600
    assert set(outside) == {401, 429}
    assert outside.count(401) >= 200
    assert set(pipelined("127.0.0.1")) == {401}
    assert front.get("/campaigns", source="127.0.0.4").status == 200
    assert "somebody" not in (front.folder / "log/error.log").read_text()


def test_the_gateway_that_is_gone_is_a_problem_of_ours(
    in_front_of: Callable[..., DeployedNginx],
) -> None:
    """Callers are told so in the words of the contract, and when to try again."""
    answer = in_front_of("http://127.0.0.1:9").get("/campaigns")
    assert (answer.status, answer.json["type"]) == (500, "problems/internal-error")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["cache-control"] == "no-store"


def test_the_logs_remote_is_the_real_one(front: DeployedNginx) -> None:
    """Whatever addresses the caller sent; and neither key nor query is in the log."""
    front.get("/campaigns?name=somebody", headers={**SPOOFED, "X-Request-Id": "who"}, source=OUTSIDE)
    (line,) = [line for line in front.log() if line["request_id"] == "who"]
    assert (line["remote"], line["path"], line["status"]) == (OUTSIDE, "/campaigns", 200)
    text = (front.folder / "log/access.log").read_text()
    assert "somebody" not in text
    assert "web-key" not in text
    assert "6.6.6.6" not in text
