"""What of a request each proxy passes on to the gateway, and that it keeps no answer."""

import re

import pytest

from gateway.api.cors import READ_HEADERS
from tests.scenarios.upstream.raw_server import RawServer
from tests.support.fronts import PREFIX, READY_PATH, Front
from tests.support.nginx import OUTSIDE


def sent(stand_in: RawServer, before: int) -> bytes:
    """Return the one request that the stand-in has got since it had got `before`.

    A proxy whose kept connection closes just then sends it once more (RFC 9112, section 9.3.1).
    """
    requests = got(stand_in, before)
    assert len(set(requests)) == 1, requests
    return requests[0]


def got(stand_in: RawServer, before: int) -> list[bytes]:
    """Return all of them. A late look of whoever waited for the proxy to answer is none."""
    return [request for request in stand_in.requests[before:] if f" {READY_PATH} ".encode() not in request[:100]]


def values(request: bytes, name: str) -> list[str]:
    """Return the values of all headers of this name."""
    return [value.decode() for value in re.findall(rb"(?i)\r\n%s: *([^\r]*)" % name.encode(), request)]


def test_a_token_of_8_kib_passes(recorded: Front, stand_in: RawServer) -> None:
    """Whole, beside a query of 1,000 characters; Squid would drop it, others would refuse it."""
    token, before = "a" * 8192, len(stand_in.requests)
    answer = recorded.ask(f"/campaigns?x={'y' * 1000}", {"Authorization": f"Bearer {token}"}, key=None)
    assert answer.status == 200
    assert values(sent(stand_in, before), "Authorization") == [f"Bearer {token}"]


def test_a_header_of_10_kib_passes(recorded: Front, stand_in: RawServer) -> None:
    """A header of 10,000 bytes reaches the gateway whole."""
    before = len(stand_in.requests)
    assert recorded.ask("/campaigns", {"X-Other": "a" * 10_000}).status == 200
    assert values(sent(stand_in, before), "X-Other") == ["a" * 10_000]


@pytest.mark.parametrize("accepted", [None, "identity", "gzip", "gzip, deflate, br, zstd", "gzip;q=0, *"])
def test_codings_are_negotiated_with_the_caller(recorded: Front, stand_in: RawServer, accepted: str | None) -> None:
    """What was asked for is passed on as it is, and nothing is asked for that was not."""
    before = len(stand_in.requests)
    recorded.ask("/campaigns", {} if accepted is None else {"Accept-Encoding": accepted})
    assert values(sent(stand_in, before), "Accept-Encoding") == ([] if accepted is None else [accepted])


def test_conditions_and_wishes_are_passed_on(recorded: Front, stand_in: RawServer) -> None:
    """All headers that decide about an answer."""
    headers = {
        "If-None-Match": '"0123456789abcdef0123456789abcdef-x"',
        "Cache-Control": "max-age=5",
        "Prefer": "wait=5",
        "X-Request-Id": "mine",
        "X-Request-Timeout-Ms": "5000",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "Origin": "https://app.example.com",
        "Accept-Language": "zh",
        "Accept": "application/json",
    }
    before = len(stand_in.requests)
    assert recorded.ask("/campaigns?name=%E4%BF%83&begins_from=2026-01-01T00:00:00%2B08:00", headers).status == 200
    request = sent(stand_in, before)
    assert request.startswith(b"GET /campaigns?name=%E4%BF%83&begins_from=2026-01-01T00:00:00%2B08:00 HTTP/1.1\r\n")
    assert {name: values(request, name) for name in headers} == {name: [value] for name, value in headers.items()}
    assert values(request, "X-API-Key") == ["web-key"]


def test_one_address_and_no_underscores(recorded: Front, stand_in: RawServer) -> None:
    """The caller's address alone stands in X-Forwarded-For, and what WSGI could take for another header is gone."""
    read = ("X-Forwarded-For", "Accept-Encoding", *READ_HEADERS.split(", "))
    said = {"X-Forwarded-For": "6.6.6.6", **{name.replace("-", "_"): "k" for name in read if "-" in name}}
    before = len(stand_in.requests)
    recorded.ask("/campaigns", said, source=OUTSIDE)
    request = sent(stand_in, before)
    assert values(request, "X-Forwarded-For") == [OUTSIDE]
    names = re.findall(rb"\r\n([^:\r]+):", request)
    assert [name for name in names if b"_" in name] == []


def test_nothing_is_kept(recorded: Front, stand_in: RawServer) -> None:
    """Pages are private: whoever asks, the gateway is asked, with and without credentials."""
    for number, key in enumerate(("web-key", "web-key", None, "all-key"), 1):
        before = len(stand_in.requests)
        assert recorded.ask("/campaigns?kept", key=key).status == 200
        assert len(got(stand_in, before)) == 1, number


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE", "PATCH"])
def test_methods_are_passed_on(recorded: Front, stand_in: RawServer, method: str) -> None:
    """Other methods than GET reach the gateway, which decides about them."""
    before = len(stand_in.requests)
    recorded.ask("/campaigns", method=method)
    assert sent(stand_in, before).startswith(
        b"GET " if (recorded.name, method) == ("nginx", "HEAD") else method.encode()
    )


def test_the_prefix_is_taken_away(recorded: Front, stand_in: RawServer) -> None:
    """The gateway gets the path without the prefix, and the rest of the URL as it was sent."""
    if recorded.prefixed is None:
        assert recorded.name in {"nginx", "squid"}
        return
    before = len(stand_in.requests)
    recorded.ask(f"/problems/x%2Fy?a=b%20c{PREFIX}/", base=recorded.prefixed)
    assert sent(stand_in, before).startswith(f"GET /problems/x%2Fy?a=b%20c{PREFIX}/ HTTP/1.1\r\n".encode())
