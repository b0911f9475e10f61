"""An HTTP/1.1 server that keeps connections open, one thread a connection.

Werkzeug's own request handler closes the connection after each answer; a client's connection pool would never be
put to the test. This one frames requests and answers so that the next request can follow, and lets an answer take
the socket over (`environ["werkzeug.socket"]`) and raise `ConnectionError` to have the connection given up.
"""

import contextlib
import io
import socket
import ssl
from collections.abc import Callable, Iterable
from http import HTTPStatus
from threading import Condition
from typing import Any
from wsgiref.types import WSGIApplication

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

MAX_REQUEST_BODY_BYTES = 1024 * 1024

_ONCE_AT_MOST = ("Host", "Content-Length", "Content-Type", "Authorization")
_BODILESS = frozenset({204, 304})

Head = tuple[int, str, list[tuple[str, str]]]


class KeepAliveRequestHandler(WSGIRequestHandler):
    """Serves the requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Buffered, so that headers and body leave together.
    wbufsize = 64 * 1024

    def run_wsgi(self) -> None:
        """Answer one request whose head has been read."""
        unreadable = self._unreadable()
        if unreadable is not None:
            # Where the next request begins is not known; `send_error` closes the connection.
            self.send_error(*unreadable)
            return
        environ = self.make_environ()
        # Read to its end even where nobody wants it, else the body would be taken for the next request.
        environ["wsgi.input"] = io.BytesIO(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        head: list[Head] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: object = None
        ) -> Callable[[bytes], object]:
            code, _, phrase = status.partition(" ")
            head[:] = [(int(code), phrase, headers)]
            return self.wfile.write

        pieces = self.server.app(environ, start_response)
        try:
            self._send(head, pieces)
        except ConnectionError:
            self.close_connection = True
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    def finish(self) -> None:
        """Close the two files of the connection; what a caller who has gone did not take is dropped."""
        for file in (self.wfile, self.rfile):
            with contextlib.suppress(OSError):
                file.close()

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 -- named by the base class
        """Say nothing; the application logs the calls."""

    def _unreadable(self) -> tuple[HTTPStatus, str] | None:
        for name in _ONCE_AT_MOST:
            if len(self.headers.get_all(name, [])) > 1:
                return HTTPStatus.BAD_REQUEST, f"{name} is given more than once"
        if "Transfer-Encoding" in self.headers:
            return HTTPStatus.LENGTH_REQUIRED, "Send Content-Length in place of Transfer-Encoding"
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            return HTTPStatus.BAD_REQUEST, "Content-Length is no number"
        if len(length) > len(str(MAX_REQUEST_BODY_BYTES)) or int(length) > MAX_REQUEST_BODY_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is over {MAX_REQUEST_BODY_BYTES} bytes"
        return None

    def _send(self, head: list[Head], pieces: Iterable[bytes]) -> None:
        """Send the answer piece by piece, its head with the first piece, for the first may raise instead."""
        chunked = False
        headers_sent = False
        for piece in pieces:
            if not headers_sent:
                chunked = self._send_head(head[0])
                headers_sent = True
            if piece:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                self.wfile.flush()
        if not headers_sent:
            chunked = self._send_head(head[0])
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _send_head(self, head: Head) -> bool:
        """Buffer status and headers; tell whether the body goes in chunks, its length not being known."""
        code, phrase, headers = head
        self.send_response_only(code, phrase)
        for name, value in headers:
            self.send_header(name, value)
        bodiless = self.command == "HEAD" or code in _BODILESS
        has_length = any(name.lower() == "content-length" for name, _ in headers)
        chunked = not (bodiless or has_length or self.request_version == "HTTP/1.0")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if self.request_version == "HTTP/1.0":
            self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        return chunked


class KeepAliveServer(ThreadedWSGIServer):
    """Listens as soon as it is made; with `tls`, every connection is TLS. Knows its connections, to end them."""

    request_queue_size = 1024

    def __init__(self, host: str, port: int, app: WSGIApplication, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(host, port, app, KeepAliveRequestHandler)
        self.ssl_context = tls
        self._connections: set[socket.socket] = set()
        self._connections_changed = Condition()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Return the next connection. Its TLS handshake is left to its own thread, where it can block nobody else."""
        connection, address = super().get_request()
        if self.ssl_context is not None:
            connection = self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def shutdown(self) -> None:
        """Stop listening, and wait until no more connections are taken."""
        # On Linux that wakes the thread that waits for connections; elsewhere it looks twice a second by itself.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        super().shutdown()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve the connection `request` in a thread of its own."""
        with self._connections_changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End the connection `request`, which may be gone already."""
        super().shutdown_request(request)
        with self._connections_changed:
            self._connections.discard(request)
            self._connections_changed.notify_all()

    def cut_connections(self, timeout_s: float) -> None:
        """End all connections, idle or not, and wait up to `timeout_s` seconds for their threads to let go."""
        with self._connections_changed:
            for connection in self._connections:
                # One that its own thread is just closing is no longer connected.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
            self._connections_changed.wait_for(lambda: not self._connections, timeout_s)
