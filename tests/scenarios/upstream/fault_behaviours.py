"""What a CC-iSales of bare sockets does to a request in each fault, for as long as the fault lasts."""

import re
import socket
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.scenarios.upstream.raw_server import Behaviour, RawServer, good, http, says, says_and_closes
from tests.unit.isales.vendor import as_json, envelope, row

Behave = Callable[[RawServer], Behaviour]
"""Makes the behaviour of the server that it is given."""

JSON = "Content-Type: application/json;charset=UTF-8"
DEFLATE, GZIP = 15, 31
"""How zlib is told which header to begin with."""

LEAK = "ORA-01017"
"""A word of CC-iSales' own that no caller may ever read."""

TRACE = f"<h1>HTTP Status 500</h1><pre>java.sql.SQLException: {LEAK} at com.huawei.Dao.query(Dao.java:7)".encode()
CHUNKED = f"HTTP/1.1 200 OK\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()

_STAMP = re.compile(rb"Authorization: auth-v2/[^/]*/([^/]*)/")


def answers(body: bytes, status: str = "200 OK", *headers: str) -> Behave:
    """Answer with `body`."""
    return lambda _server: says(http(status, body, *(headers or (JSON,))))


def answers_well(_server: RawServer) -> Behaviour:
    """Give a good answer."""
    return good


def says_of_itself(**changes: object) -> Behave:
    """Answer with an envelope with `changes`; with a change to `...` without that key."""
    document = {key: value for key, value in envelope(**changes).items() if value is not ...}
    return answers(as_json(document))


def closes_after(data: bytes) -> Behave:
    """Send `data` and close the connection in good order."""
    return lambda _server: says_and_closes(data)


def resets_after(data: bytes) -> Behave:
    """Send `data`, and when that has arrived reset the connection."""

    def of(server: RawServer) -> Behaviour:
        def behave(connection: socket.socket) -> None:
            connection.sendall(data)
            # What is still under way when a reset comes may be lost with it.
            server.stopping.wait(0.05 if data else 0.0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        return behave

    return of


def answers_late(seconds: float, answer: Behaviour = good) -> Behave:
    """Give `answer` after `seconds`."""

    def of(server: RawServer) -> Behaviour:
        def behave(connection: socket.socket) -> None:
            server.stopping.wait(seconds)
            answer(connection)

        return behave

    return of


def never_answers(server: RawServer) -> Behaviour:
    """Say nothing for as long as the other end listens."""

    def behave(connection: socket.socket) -> None:
        connection.settimeout(0.2)
        while not server.stopping.is_set():
            try:
                if not connection.recv(65536):
                    return
            except TimeoutError:
                continue

    return behave


def drips(head: bytes, drop: bytes) -> Behave:
    """Send `head`, then `drop` every 200 ms."""
    return lambda server: server.drips(head, drop, 0.2)


def floods(head: bytes, flood: bytes) -> Behave:
    """Send `head`, then `flood` as fast as it goes, without end."""
    return lambda server: server.floods(head, flood)


def sends_a_bomb(_server: RawServer) -> Behaviour:
    """Send some 200 KB of gzip that unpack to 200 MiB of spaces."""
    return says(http("200 OK", bomb(GZIP), JSON, "Content-Encoding: gzip"))


def has_another_clock(ahead_s: float) -> Behave:
    """Refuse what was not signed within a minute of a clock that is `ahead_s` ahead, and tell what that one shows."""

    def of(server: RawServer) -> Behaviour:
        def behave(connection: socket.socket) -> None:
            now = datetime.now(UTC) + timedelta(seconds=ahead_s)
            stamp = _STAMP.search(server.requests[-1])
            assert stamp
            if abs(datetime.fromisoformat(stamp[1].decode()) - now) <= timedelta(minutes=1):
                good(connection)
            else:
                connection.sendall(refusal(now))

        return behave

    return of


def claims_another_clock(_server: RawServer) -> Behaviour:
    """Refuse every signature, and blame a clock that is five minutes ahead."""
    return lambda connection: connection.sendall(refusal(datetime.now(UTC) + timedelta(minutes=5)))


def refusal(now: datetime) -> bytes:
    """Return the HTTP 401 of a CC-iSales on whose clock it is `now`."""
    return http("401 Unauthorized", TRACE, f"Date: {format_datetime(now, usegmt=True)}")


def counts_down(server: RawServer) -> Behaviour:
    """Have one campaign less with each answer."""

    def behave(connection: socket.socket) -> None:
        total = 21 - len(server.requests)
        connection.sendall(http("200 OK", as_json(envelope(totalSize=total, data=[row(id=total)])), JSON))

    return behave


def bomb(wrapper: int) -> bytes:
    """Return 200 MiB of spaces, compressed to some 200 KiB by `GZIP` or `DEFLATE`, without the end of that."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, wrapper)
    mebibyte = b" " * 2**20
    # What follows a full flush refers to nothing before it, so it can be repeated.
    first, again = (compressor.compress(mebibyte) + compressor.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * 199
