"""Where the identity provider's keys come from: an address, or a file.

Not `requests`: it bounds each socket operation and not the whole, follows redirects, and takes proxies and passwords
from the environment. The standard library's client does none of this.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 2.0
"""For connecting, for the TLS handshake, and for question and answer together."""

MAX_BYTES: Final = 262_144
OK: Final = 200


def url_reader(url: str, timeout_s: float = TIMEOUT_S) -> Callable[[], bytes]:
    """Return a function that fetches a JWK set from `url`, http or https, and raises OSError or ValueError.

    TLS is verified by the system's authorities. Redirects are refused: the address is the setting's, nobody else's.
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    late = f"no whole answer within {timeout_s:g} s"
    headers = {"Accept": "application/jwk-set+json, application/json", "Connection": "close"}

    def fetch() -> bytes:
        connection = _connection(parts.scheme, parts.hostname or "", parts.port, timeout_s)
        with closing(connection):
            connection.connect()
            passed = threading.Event()
            watchdog = threading.Timer(timeout_s, _cut, (connection.sock, passed))
            watchdog.daemon = True
            watchdog.start()
            try:
                connection.request("GET", path, headers=headers)
                body = _body(connection.getresponse())
            except (OSError, http.client.HTTPException) as fault:
                if passed.is_set():
                    raise TimeoutError(late) from None
                if isinstance(fault, OSError):
                    raise
                raise ValueError(f"the answer is not HTTP as it must be ({type(fault).__name__})") from None
            finally:
                watchdog.cancel()
            if passed.is_set():
                # What came before the cut may look whole where no length was announced.
                raise TimeoutError(late)
            return body

    return fetch


def file_reader(path: str) -> Callable[[], bytes]:
    """Return a function that reads a JWK set from the file at `path`, and raises OSError or ValueError."""

    def read() -> bytes:
        with Path(path).open("rb") as file:
            return _bounded(file.read(MAX_BYTES + 1))

    return read


def _connection(scheme: str, host: str, port: int | None, timeout_s: float) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=timeout_s)


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


def _cut(sock: socket.socket, passed: threading.Event) -> None:
    passed.set()
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
