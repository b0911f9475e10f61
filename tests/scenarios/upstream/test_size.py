import gzip
import re
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import UpstreamBrokenContract
from tests.scenarios.upstream.conftest import Fetch
from tests.scenarios.upstream.fault_behaviours import DEFLATE, GZIP, bomb
from tests.scenarios.upstream.raw_server import GOOD_BODY, RawServer, http, says
from tests.support.gateway import GatewayUnderTest

LIMIT = 1_000_000
ROOM_KIB = 40_000
MEBIBYTE = bytes(2**20)


def peak_kib() -> int:
    """Return the most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def too_large(upstream: RawServer, fetch: Fetch) -> None:
    """Check that the next answer is refused for its size, and the memory that it took."""
    # A good call first, so that what any call needs does not count.
    fetch()
    before = peak_kib()
    with pytest.raises(UpstreamBrokenContract, match="larger than 1000000 bytes"):
        fetch()
    assert peak_kib() - before < ROOM_KIB
    assert fetch().total_items == 0


@pytest.fixture
def fetch(upstream: RawServer, connect: Callable[..., Fetch]) -> Fetch:
    """Return a `Fetch` that takes a megabyte."""
    return connect(upstream.url, max_response_bytes=LIMIT)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", lambda: bomb(GZIP)),
        ("deflate", lambda: bomb(DEFLATE)),
        ("gzip, gzip", lambda: gzip.compress(bomb(GZIP))),
    ],
    ids=["gzip", "deflate", "gzip-twice"],
)
def test_bombs(upstream: RawServer, fetch: Fetch, encoding: str, body: Callable[[], bytes]) -> None:
    """A few bytes that unpack to 200 MiB are refused at the limit, and never held."""
    upstream.will(says(http("200 OK", GOOD_BODY)), says(http("200 OK", body(), f"Content-Encoding: {encoding}")))
    too_large(upstream, fetch)


@pytest.mark.parametrize(
    ("head", "flood"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", MEBIBYTE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", MEBIBYTE),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + MEBIBYTE + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", MEBIBYTE),
    ],
    ids=["open-ended", "length", "chunks", "one-chunk"],
)
def test_endless_bodies(upstream: RawServer, fetch: Fetch, head: bytes, flood: bytes) -> None:
    """A body without end is refused at the limit, and never held."""
    upstream.will(says(http("200 OK", GOOD_BODY)), upstream.floods(head, flood))
    too_large(upstream, fetch)


def resident_kib() -> int:
    """Return the memory that this process has now."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def test_nothing_of_them_is_kept(upstream: RawServer) -> None:
    """After fifty such answers to fifty questions the gateway has no more memory than after the first few."""
    upstream.usually = upstream.floods(b"HTTP/1.1 200 OK\r\n\r\n", MEBIBYTE)
    gateway = GatewayUnderTest(upstream.url, isales__breaker_min_calls="1000", isales__max_response_bytes="4194304")

    def ask(pages: range) -> int:
        for page in pages:
            assert gateway.problem(f"/campaigns?page={page}")[:2] == (502, "upstream-broken-contract")
        return resident_kib()

    before = ask(range(1, 6))
    assert ask(range(6, 56)) - before < 2 * ROOM_KIB


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1])
def test_the_limit_itself(upstream: RawServer, fetch: Fetch, size: int) -> None:
    """A body of just the limit is read, and one byte more is not."""
    upstream.will(says(http("200 OK", GOOD_BODY.ljust(size))))
    if size == LIMIT:
        assert fetch().total_items == 0
    else:
        with pytest.raises(UpstreamBrokenContract, match="larger than"):
            fetch()
