"""The head of an answer, read tolerantly: status line and headers as servers, boxes and proxies really write them.

`http.client` gives up on what a good answer may well have: more than 100 headers, a header of more than 64 KiB,
`http/1.1` in lower case, interim answers (1xx, RFC 9110 section 15.2) other than 100. And it takes some lines for the
end of all headers, so that the length of the body is lost. Here the head is read first, and of it `http.client` gets
what matters.
"""

import io
import itertools
import re
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPException, HTTPResponse, IncompleteRead
from typing import Final

MOST_HEAD_BYTES: Final = 262_144
"""Of all heads of one answer together; a good one has a few hundred."""
STATUS_LINE_SHOWN: Final = 80
SWITCHING_PROTOCOLS: Final = b"101"

_STATUS_LINE: Final = re.compile(rb"(?i:HTTP)/([0-9])(?:\.([0-9]))? +([0-9]{3})(?:[^0-9].*)?", re.DOTALL)
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)", re.DOTALL)
_SAME_LENGTHS: Final = re.compile(rb"([0-9]+)(?:[ \t]*,[ \t]*\1)+")
_READ_BY_SOMEBODY: Final = frozenset(
    {
        *(b"content-length", b"transfer-encoding", b"content-encoding", b"connection", b"proxy-connection"),
        *(b"keep-alive", b"content-type", b"date", b"retry-after", b"server"),
    }
)


class TolerantResponse(HTTPResponse):
    """An answer whose head has been tidied before `http.client` reads it."""

    def begin(self) -> None:
        """Read the head. `HTTPException` if it is none, too large or cut short."""
        wire = self.fp
        self.fp = io.BufferedReader(io.BytesIO(_tidy_head(wire)))
        try:
            super().begin()
        finally:
            self.fp = wire


def _tidy_head(wire: io.BufferedIOBase) -> bytes:
    lines = _lines(wire)
    while True:
        # What is no HTTP may well have no empty line, which ends a head.
        first = next(line for line in lines if line)
        status = _STATUS_LINE.fullmatch(first)
        if status is None:
            raise BadStatusLine(first[:STATUS_LINE_SHOWN].decode("latin-1"))
        headers = list(itertools.takewhile(bool, lines))
        major, minor, code = status.groups()
        if not code.startswith(b"1") or code == SWITCHING_PROTOCOLS:
            version = b"HTTP/1.0" if (major, minor) <= (b"1", b"0") else b"HTTP/1.1"
            return b"\r\n".join([version + b" " + code, *_tidied(headers), b"", b""])


def _lines(wire: io.BufferedIOBase) -> Iterator[bytes]:
    left = MOST_HEAD_BYTES
    while True:
        line = wire.readline(left + 1)
        left -= len(line)
        if left < 0:
            raise HTTPException(f"the head is larger than {MOST_HEAD_BYTES} bytes")
        if not line.endswith(b"\n"):
            raise IncompleteRead(line)
        yield line.rstrip(b"\r\n")


def _tidied(lines: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            # A line that goes on with the header before it (obs-fold), or no header at all.
            continue
        name, value = header[1].lower(), header[2].strip()
        same = _SAME_LENGTHS.fullmatch(value) if name == b"content-length" else None
        if name in _READ_BY_SOMEBODY:
            yield name + b": " + (same[1] if same else value)
