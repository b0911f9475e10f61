"""Between a cache and the gateway: passes everything on as it is, and notes what was asked for and what was told."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_BETWEEN_TWO = frozenset({"connection", "keep-alive", "transfer-encoding", "proxy-connection"})
_MAX_AGE = re.compile(r"\bmax-age=(\d+)")
_LIMIT_S = 20.0
_DELAY_S = 0.1
"""How far away the gateway is. So who answers at once has not waited for it, though it may be asked meanwhile."""


@dataclass(frozen=True)
class Heard:
    """A request that was there at `at`, and what the gateway answered, gone by `answered` (seconds of the wall clock).

    `conditional`: it named a page that it had.
    """

    at: float
    answered: float
    conditional: bool
    status: int
    max_age_s: int


@dataclass
class Relay:
    """Passes on to the gateway what comes to `url`. `heard` has the requests for the path `path`, in order."""

    path: str
    url: str = ""
    heard: list[Heard] = field(default_factory=list)


@contextmanager
def relaying(gateway: str, path: str) -> Iterator[Relay]:
    """Relay to the gateway at this URL for as long as the context lasts, and note requests for `path`."""
    relay = Relay(path)
    port = urlsplit(gateway).port

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            at = time.time()
            connection = HTTPConnection("127.0.0.1", port, timeout=_LIMIT_S)
            try:
                connection.putrequest("GET", self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in _BETWEEN_TWO:
                        connection.putheader(name, value)
                connection.endheaders()
                answer = connection.getresponse()
                body = answer.read()
            finally:
                connection.close()
            if self.path == path:
                found = _MAX_AGE.search(answer.headers.get("Cache-Control", ""))
                told = int(found[1]) if found else 0
                time.sleep(_DELAY_S)
                relay.heard.append(Heard(at, time.time(), "If-None-Match" in self.headers, answer.status, told))
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in _BETWEEN_TWO:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            # Health checks hang up as soon as they know.
            with suppress(ConnectionError):
                super().handle()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        relay.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()
