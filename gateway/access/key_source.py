"""Where the identity provider's keys come from: an address, or a file.

Not `requests`: it bounds each socket operation and not the whole, follows redirects, and takes proxies and passwords
from the environment. The standard library's client does none of this.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from gateway.bounded_file import read_bounded
from gateway.name_lookup import NAMES, NameLookup
from gateway.settings.model import JwtSettings
from gateway.trust.context import client_context

TIMEOUT_S: Final = 2.0
"""For looking the name up, for connecting to one address, and then for handshake, question and answer together."""

MAX_BYTES: Final = 262_144
OK: Final = 200
PORTS: Final = {"http": http.client.HTTP_PORT, "https": http.client.HTTPS_PORT}
HEADERS: Final = {"Accept": "application/jwk-set+json, application/json", "Connection": "close"}


def reader_of(jwt: JwtSettings) -> Callable[[], bytes]:
    """Return a function that reads the JWK set of an identity provider, and raises OSError or ValueError."""
    return url_reader(jwt.jwks_url) if jwt.jwks_url else file_reader(jwt.jwks_file)


def url_reader(url: str, timeout_s: float = TIMEOUT_S, names: NameLookup = NAMES) -> Callable[[], bytes]:
    """Return a function that fetches a JWK set from `url`, http or https, and raises OSError or ValueError.

    TLS is verified by the system's authorities. Redirects are refused: the address is the setting's, nobody else's.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def fetch() -> bytes:
        # Told, because without one the standard library looks for it in the host, and an IPv6 address has colons.
        connection = _connection(parts.scheme, host, parts.port or PORTS[parts.scheme])
        sock = names.connect(host, connection.port, timeout_s)
        if parts.scheme == "https":
            sock = client_context().wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        with closing(sock), _cut_after(timeout_s, sock):
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            connection.sock = sock
            return _ask(connection, path)

    return fetch


def file_reader(path: str) -> Callable[[], bytes]:
    """Return a function that reads a JWK set from the file at `path`, and raises OSError or ValueError."""

    def read() -> bytes:
        return read_bounded(path, MAX_BYTES)

    return read


def _connection(scheme: str, host: str, port: int) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    return kind(host, port)


@contextmanager
def _cut_after(seconds: float, sock: socket.socket) -> Iterator[None]:
    """Cut the connection off when time is up, whatever is under way on it, and raise TimeoutError then."""
    passed = threading.Event()

    def cut() -> None:
        passed.set()
        with suppress(OSError):
            # Not the method of an SSLSocket, which takes its state away from under the thread that reads.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    watchdog = threading.Timer(seconds, cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    except TimeoutError:
        passed.set()
    except (OSError, ValueError):
        if not passed.is_set():
            raise
    finally:
        watchdog.cancel()
    if passed.is_set():
        # What came before the cut may look whole where no length was announced.
        raise TimeoutError(f"no whole answer within {seconds:g} s")


def _ask(connection: http.client.HTTPConnection, path: str) -> bytes:
    try:
        connection.request("GET", path, headers=HEADERS)
        return _body(connection.getresponse())
    except http.client.HTTPException as fault:
        raise ValueError(f"the answer is not HTTP as it must be ({type(fault).__name__})") from None


def _body(answer: http.client.HTTPResponse) -> bytes:
    if answer.status != OK:
        raise ValueError(f"the answer is HTTP {answer.status}")
    if answer.getheader("Content-Encoding", "identity") != "identity":
        raise ValueError("the answer is compressed, which was not asked for")
    return _bounded(answer.read(MAX_BYTES + 1))


def _bounded(document: bytes) -> bytes:
    if len(document) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    return document
