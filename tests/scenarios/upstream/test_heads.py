"""Heads of answers as servers, boxes and proxies write them."""

import pytest

from gateway.errors import UpstreamBrokenContract
from tests.scenarios.upstream.conftest import Fetch
from tests.scenarios.upstream.raw_server import GOOD_BODY, RawServer, says

LENGTH = b"Content-Length: %d" % len(GOOD_BODY)
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD_BODY), GOOD_BODY)


def answer(*lines: bytes, body: bytes = GOOD_BODY, end: bytes = b"\r\n") -> bytes:
    """Return an answer of these lines and a body."""
    return end.join([*lines, b"", b""]) + body


GOOD = {
    "lower-case reason": answer(b"HTTP/1.1 200 ok", LENGTH),
    "no reason": answer(b"HTTP/1.1 200", LENGTH),
    "reason in UTF-8": answer("HTTP/1.1 200 成功".encode(), LENGTH),
    "lower-case name": answer(b"http/1.1 200 OK", LENGTH),
    "HTTP/2 in text": answer(b"HTTP/2 200", LENGTH),
    "two blanks": answer(b"HTTP/1.1  200  OK", LENGTH),
    "empty line before": b"\r\n" + answer(b"HTTP/1.1 200 OK", LENGTH),
    "500 headers": answer(b"HTTP/1.1 200 OK", *(b"X-%d: 1" % number for number in range(500)), LENGTH),
    "a header of 70,000 bytes": answer(b"HTTP/1.1 200 OK", b"X: " + b"a" * 70_000, LENGTH),
    "line feeds alone": answer(b"HTTP/1.1 200 OK", b"X: 1", LENGTH, end=b"\n"),
    "a line that is no header": answer(b"HTTP/1.1 200 OK", b"nonsense", LENGTH),
    "a blank before the colon": answer(b"HTTP/1.1 200 OK", LENGTH.replace(b":", b" :")),
    "a folded header": answer(b"HTTP/1.1 200 OK", b"X: a", b"  b: c", LENGTH),
    "a carriage return within": answer(b"HTTP/1.1 200 OK", b"X: a\rb", LENGTH),
    "headers in GBK": answer(b"HTTP/1.1 200 OK", "X: 成功查询".encode("gbk"), LENGTH),
    "the length twice": answer(b"HTTP/1.1 200 OK", LENGTH, LENGTH),
    "the length twice in one": answer(b"HTTP/1.1 200 OK", LENGTH + b", %d" % len(GOOD_BODY)),
    "103 first": answer(b"HTTP/1.1 103 Early Hints", b"Link: </x>", b"", b"HTTP/1.1 200 OK", LENGTH),
    "100 and 102 first": answer(b"HTTP/1.1 100", b"", b"HTTP/1.1 102 X", b"", b"HTTP/1.1 200 OK", LENGTH),
    "Chunked": answer(b"HTTP/1.1 200 OK", b"TRANSFER-ENCODING:Chunked", body=CHUNKS),
}


@pytest.mark.parametrize("head", GOOD.values(), ids=GOOD.keys())
def test_a_good_answer_is_read_whatever_its_head_looks_like(upstream: RawServer, fetch: Fetch, head: bytes) -> None:
    """The page comes, and so does the next one over the same connection."""
    upstream.will(says(head), says(head))
    assert fetch().total_items == 0
    assert fetch().total_items == 0
    assert upstream.connections == 1


BAD = {
    "another protocol": (answer(b"ICY 200 OK", LENGTH), "is not HTTP that can be read"),
    "no head": (GOOD_BODY + b"\n\n", "is not HTTP that can be read"),
    "300 KiB of headers": (answer(b"HTTP/1.1 200 OK", *[b"X: " + b"a" * 3000] * 100), "is not HTTP that can be read"),
    "interim answers without end": (b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000, "is not HTTP that can be read"),
}


@pytest.mark.parametrize(("head", "words"), BAD.values(), ids=BAD.keys())
def test_what_is_no_head_is_told(upstream: RawServer, fetch: Fetch, head: bytes, words: str) -> None:
    """It is a broken contract, of bounded size, and the next answer is read."""
    upstream.will(says(head))
    with pytest.raises(UpstreamBrokenContract, match=words):
        fetch()
    assert fetch().total_items == 0
