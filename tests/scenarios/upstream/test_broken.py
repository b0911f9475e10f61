import gzip
import socket
import threading
from collections.abc import Callable

import pytest

from gateway.errors import UpstreamBrokenContract, UpstreamUnreachable
from tests.scenarios.upstream.conftest import Fetch
from tests.scenarios.upstream.raw_server import (
    GOOD_BODY,
    Behaviour,
    RawServer,
    http,
    says,
    says_and_closes,
    says_and_resets,
)
from tests.unit.isales.vendor import tenant

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def breaks(upstream: RawServer, fetch: Fetch, behaviour: Behaviour) -> str:
    """Check that an answer is a broken contract and that the next one is taken; return what was said."""
    upstream.will(behaviour)
    with pytest.raises(UpstreamBrokenContract) as caught:
        fetch()
    assert caught.value.__context__ is None
    assert fetch().total_items == 0
    return caught.value.detail


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK\r\nX-Hal", "in the middle"),
        (HEAD + b'{"resultCode": "02', "in the middle"),
        (CHUNKED + b'a\r\n{"result', "in the middle"),
    ],
    ids=["before", "headers", "body", "chunk"],
)
def test_resets(upstream: RawServer, fetch: Fetch, said: bytes, what: str) -> None:
    """A connection that is reset cannot have reached CC-iSales, wherever it happens."""
    go = threading.Event()
    upstream.will(says_and_resets(said, go))
    # Data that is still under way when a reset comes may be lost with it; the timer gives it time to arrive.
    timer = threading.Timer(0.1, go.set)
    timer.start()
    with pytest.raises(UpstreamUnreachable, match=what):
        fetch()
    timer.join()
    assert fetch().total_items == 0


def test_closed_before_an_answer(upstream: RawServer, fetch: Fetch) -> None:
    """A new connection that is closed instead of answered did not reach CC-iSales, and nothing is sent again."""
    upstream.will(says_and_closes(b""))
    with pytest.raises(UpstreamUnreachable, match="without an answer"):
        fetch()
    assert len(upstream.requests) == 1
    assert fetch().total_items == 0


@pytest.mark.parametrize(
    "said",
    [
        HEAD,
        HEAD + GOOD_BODY,
        CHUNKED,
        CHUNKED + b"5\r\n{",
        CHUNKED + b"%x\r\n%b\r\n" % (len(GOOD_BODY), GOOD_BODY),
        CHUNKED + b"%x\r\n%b\r\n5" % (len(GOOD_BODY), GOOD_BODY),
    ],
    ids=["no-body", "short-body", "no-chunk", "short-chunk", "no-last-chunk", "short-chunk-size"],
)
def test_cut_short(upstream: RawServer, fetch: Fetch, said: bytes) -> None:
    """A body that ends before it should is never taken for whole, even if what came is good JSON."""
    assert "cut short" in breaks(upstream, fetch, says_and_closes(said))


def test_cut_short_without_a_length(upstream: RawServer, fetch: Fetch) -> None:
    """A body that only the end of the connection ends is good JSON or nothing."""
    breaks(upstream, fetch, says_and_closes(b"HTTP/1.1 200 OK\r\n\r\n" + GOOD_BODY[:-1]))
    upstream.will(says_and_closes(b"HTTP/1.1 200 OK\r\n\r\n" + GOOD_BODY))
    assert fetch().total_items == 0


def test_a_gzip_stream_that_is_cut_short(upstream: RawServer, fetch: Fetch) -> None:
    """A compressed body whose length is right but whose content is not all there is nothing."""
    breaks(upstream, fetch, says(http("200 OK", gzip.compress(GOOD_BODY)[:-15], "Content-Encoding: gzip")))


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n123456",
        CHUNKED + b"zz\r\n{}\r\n",
        CHUNKED + b"1" * 100_000,
    ],
    ids=["ssh", "status", "lengths", "chunk-size", "long-chunk-size"],
)
def test_not_http(upstream: RawServer, fetch: Fetch, said: bytes) -> None:
    """What is no HTTP is a broken contract."""
    assert "not HTTP" in breaks(upstream, fetch, says(said))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"data": [], "totalSize": 0}',
        b"<html><body>Please log in</body></html>",
        b"\xef\xbb\xbf" + GOOD_BODY,
        '{"resultCode": "0200000", "resultDesc": "成功", "data": []}'.encode("gbk"),
        b'{"resultCode": "0200000", "totalSize": 1, "data": null}',
        b'{"resultCode": "0200000", "totalSize": 1}',
        b'{"resultCode": "0200000", "data": {}}',
        b"[" * 60_000,
    ],
    ids=lambda body: repr(body[:16]),
)
def test_not_an_envelope(upstream: RawServer, fetch: Fetch, body: bytes) -> None:
    """HTTP 200 with anything but a page is a broken contract, and nothing of it is passed on."""
    detail = breaks(upstream, fetch, says(http("200 OK", body, "Content-Type: text/html; charset=gbk")))
    assert "html" not in detail


def test_the_charset_of_the_headers_does_not_matter(upstream: RawServer, fetch: Fetch) -> None:
    """A body is UTF-8 even if its header names another charset."""
    body = '{"resultCode": "0200000", "totalSize": 1, "data": [{"id": 1, "name": "春节"}]}'.encode()
    upstream.will(says(http("200 OK", body, "Content-Type: application/json; charset=ISO-8859-1")))
    assert fetch().campaigns[0].name == "春节"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_compressed_body(upstream: RawServer, fetch: Fetch, encoding: str) -> None:
    """A body that comes compressed, although nobody asked for it, is read."""
    upstream.will(says(http("200 OK", gzip.compress(GOOD_BODY), f"Content-Encoding: {encoding}")))
    assert fetch().total_items == 0


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, deflate", "br", "nonsense"])
def test_a_body_that_cannot_be_decompressed(upstream: RawServer, fetch: Fetch, encoding: str) -> None:
    """A body that is not compressed as it says is a broken contract."""
    breaks(upstream, fetch, says(http("200 OK", b"no such thing", f"Content-Encoding: {encoding}")))


def test_a_name_that_does_not_resolve(connect: Callable[..., Fetch]) -> None:
    """A host that does not exist cannot be reached, and the error says why."""
    with pytest.raises(UpstreamUnreachable, match="does not resolve"):
        connect("http://isales.invalid")()


def test_a_name_that_is_none(connect: Callable[..., Fetch]) -> None:
    """A host name with a label that is too long does not resolve either."""
    with pytest.raises(UpstreamUnreachable, match="does not resolve"):
        connect(f"http://{'x' * 70}.example")()


def test_a_port_that_refuses(connect: Callable[..., Fetch]) -> None:
    """A port where nobody listens cannot be reached, and the error says why."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UpstreamUnreachable, match="refused the connection"):
        connect(f"http://127.0.0.1:{port}")()


def test_a_reset_while_the_request_goes_out(connect: Callable[..., Fetch]) -> None:
    """A connection that breaks before the whole request is out is broken, and not a timeout."""
    reset = threading.Event()
    reset.set()
    with RawServer(greeting=says_and_resets(b"", reset)) as server, pytest.raises(UpstreamUnreachable):
        connect(server.url, tenant(locale="x" * 20_000_000))()
