"""Chromium without a window, and pages of origins of our own for it to show."""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.simulator.server import SimulatorServer, demo_config

PATIENCE_S = 90.0
"""How long a browser may take to start and show a page on a busy machine."""

OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--enable-logging=stderr", "--v=0"),
)


@dataclass
class Browser:
    """Shows pages, each in a browser of its own whose memory is empty."""

    program: str
    profile: Path
    console: str = ""

    def until(self, url: str, seen: "Callable[[], Any]") -> Any:
        """Show `url` until `seen` returns; return what it returns. What the page said is in `console`."""
        command = [self.program, *OPTIONS, f"--user-data-dir={self.profile}", "--remote-debugging-port=0", url]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                return seen()
            finally:
                process.terminate()
                self.console = process.communicate()[1]

    def dom(self, url: str, *options: str) -> str:
        """Return the document at `url` as it is once its scripts have run. What it said is in `console`."""
        command = [self.program, *OPTIONS, f"--user-data-dir={self.profile}", *options, "--dump-dom", url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        self.console = done.stderr
        return done.stdout


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """Return a browser that knows nothing yet."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    return Browser(program, tmp_path / "profile")


@dataclass
class Site:
    """An origin with one page, which sends what it found out to `/found`. `json` has what is at other paths."""

    html: str = ""
    json: dict[str, bytes] = field(default_factory=dict)
    found: "queue.Queue[Any]" = field(default_factory=queue.Queue)
    origin: str = ""

    def next_found(self) -> Any:
        """Return the next thing that the page found out."""
        return self.found.get(timeout=PATIENCE_S)


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve a page from an origin of its own."""
    yield from _site()


@pytest.fixture
def other_site() -> Iterator[Site]:
    """Serve a page from another origin."""
    yield from _site()


def _site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body = site.json.get(path, site.html.encode())
            self.send_response(200)
            self.send_header("Content-Type", "application/json" if path in site.json else "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            site.found.put(json.loads(body))

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.origin = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def isales() -> Iterator[SimulatorServer]:
    """Return a CC-iSales for all gateways of these tests."""
    with SimulatorServer(demo_config()) as server:
        yield server
