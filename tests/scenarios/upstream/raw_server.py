"""A CC-iSales of bare sockets, which does to each request what the test said that it should."""

import select
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.unit.isales.vendor import as_json, envelope

Behaviour = Callable[[socket.socket], None]
"""What happens to one request, whose bytes have been read. Closing the connection is up to it."""

THREAD_NAME = "raw-server"
GOOD_BODY = as_json(envelope())


def http(status: str, body: bytes, *headers: str) -> bytes:
    """Return a complete answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def says(data: bytes) -> Behaviour:
    """Send `data` and keep the connection open."""
    return lambda connection: connection.sendall(data)


def says_and_closes(data: bytes) -> Behaviour:
    """Send `data` and close the connection in good order."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.close()

    return behave


def says_and_resets(data: bytes, go: threading.Event) -> Behaviour:
    """Send `data`, and when `go` is set break the connection."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(data)
        go.wait(5)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return behave


good = says(http("200 OK", GOOD_BODY))


class RawServer:
    """Listens on `port`, or one of its own. `requests` are the bytes of all that were read.

    `connections` is how many came; `usually` is what happens to requests that the test has said nothing about. With
    `tls` connections are wrapped, with `greeting` that happens to them instead of HTTP; both may change meanwhile.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, greeting: Behaviour | None = None, port: int = 0) -> None:
        self.usually: Behaviour = good
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopping = threading.Event()
        self.tls = tls
        self.greeting = greeting
        self._script: deque[Behaviour] = deque()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._stop, self._stopped = socket.socketpair()
        # Little is taken for a server that does not read, whatever the system would give it.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, name=THREAD_NAME)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def will(self, *behaviours: Behaviour) -> None:
        """Treat the next requests so, and those after them as usual."""
        self._script.extend(behaviours)

    def drips(self, head: bytes, drop: bytes, every_s: float = 0.03) -> Behaviour:
        """Send `head`, then `drop` again and again until nobody listens any more."""

        def behave(connection: socket.socket) -> None:
            connection.sendall(head)
            while not self.stopping.wait(every_s):
                connection.sendall(drop)

        return behave

    def floods(self, head: bytes, flood: bytes) -> Behaviour:
        """Send `head`, then `flood` as fast as it goes until nobody listens any more."""

        def behave(connection: socket.socket) -> None:
            connection.sendall(head)
            while not self.stopping.is_set():
                connection.sendall(flood)

        return behave

    def is_silent(self, _connection: socket.socket) -> None:
        """Say nothing, and keep the connection open."""
        self.stopping.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        # Wakes whoever waits for a client that stays connected.
        self._stop.close()
        # Closing alone would leave `accept` waiting.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
        self._stopped.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), name=THREAD_NAME)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.greeting:
                self.greeting(connection)
                return
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            connection.settimeout(5)
            while request := self._read(connection):
                self.requests.append(request)
                behave = self._script.popleft() if self._script else self.usually
                behave(connection)
        except (OSError, ValueError):
            # What was done to a request may have closed the connection, which then has no number to wait for.
            pass
        finally:
            connection.close()

    def _read(self, connection: socket.socket) -> bytes:
        request = b""
        either = select.poll()
        for each in (connection, self._stopped):
            either.register(each, select.POLLIN)
        while not request.endswith(b"\r\n\r\n"):
            either.poll()
            data = b"" if self.stopping.is_set() else connection.recv(65536)
            if not data:
                return b""
            request += data
        return request
