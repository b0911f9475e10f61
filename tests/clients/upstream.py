"""A CC-iSales whose rows are those that break clients: great ids and counts, nulls, and codes that nobody knows.

The simulator's rows are ordinary ones, because it is for demos too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.unit.isales.vendor import as_json, envelope, row

BIG_ID: Final = 3_000_000_001
"""More than 32 bits hold."""
GREATEST_ID: Final = 2**63 - 1
"""More than JavaScript's numbers hold."""
TIMES: Final = {"strBeginTime": "2026-01-01 08:00:00", "strEndTime": "2026-01-31"}
ROWS: Final = (
    row(id=BIG_ID, name="秋季", **TIMES),
    {"id": 2, "name": None, "status": 99, "deviceType": 99, "strBeginTime": None, "callerNo": None},
    row(id=4, **TIMES),
    row(id=5, **TIMES),
    row(id=GREATEST_ID, **TIMES),
    *(row(id=number, **TIMES) for number in range(6, 121)),
)
GLANCE: Final = 2
"""Rows of a page that nobody reads a whole result with."""


class _Interface(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        page, size = int(asked["curPage"][0]), int(asked["rowsPerPage"][0])
        rows = ROWS[(page - 1) * size : page * size]
        # Who reads a whole result has to be told how much it is; who looks at one or two rows is told a great count.
        total = BIG_ID if size <= GLANCE else len(ROWS)
        counts: dict[str, Any] = {"totalSize": total, "curSkillQueueCount": None, "curIvrCount": BIG_ID}
        body = as_json(envelope(data=rows, **counts))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def upstream() -> Iterator[str]:
    """Serve it for as long as the context lasts; return its URL."""
    with serving(_Interface) as url:
        yield url


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Have `handler` serve a port of the loopback interface for as long as the context lasts; return the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
