"""Chromium without a window, and pages of origins of our own for it to show."""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import playwright.sync_api
import pytest

from gateway.simulator.campaigns import Campaign
from gateway.simulator.listing import Arrangement
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.console import TENANTS, Console, profile, running_chromium
from tests.support.server import served_gateway

PATIENCE_S = 90.0
"""How long a browser may take to start and show a page on a busy machine."""

QUICK: Any = {
    "GATEWAY__CACHE__FRESH_S": "1",
    "GATEWAY__HTTP__LONGEST_WAIT_S": "2",
    "GATEWAY__TENANTS": TENANTS,
}
"""Settings with which a console soon hears of everything."""

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


@pytest.fixture(scope="module")
def chromium() -> Iterator[playwright.sync_api.Browser]:
    """Return a browser for the tests of a module, which Playwright steers."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def simulator(isales: SimulatorServer) -> Iterator[SimulatorServer]:
    """Return the CC-iSales of all tests, without faults or latency and with its usual campaigns before and after."""

    def reset() -> None:
        isales.faults.clear()
        isales.latency_s = 0.0
        isales.listings.arrange(Arrangement())
        isales.calls.reset()

    reset()
    yield isales
    reset()


@pytest.fixture(scope="module")
def console_gateway(isales: SimulatorServer) -> Iterator[str]:
    """Return the URL of a gateway whose pages are fresh for a second, and where nobody waits for long."""
    with served_gateway(isales.base_url, **QUICK) as served:
        yield served.url


@pytest.fixture
def new_console(
    chromium: playwright.sync_api.Browser, console_gateway: str, simulator: SimulatorServer
) -> Iterator[Callable[..., Console]]:
    """Return a function that opens a console in a fresh profile. None may have had a fault of its own at the end."""
    assert simulator
    opened: list[Console] = []
    with ExitStack() as stack:

        def make(gateway: str = console_gateway, init_script: str = "", **options: Any) -> Console:
            context = stack.enter_context(profile(chromium, **options))
            if init_script:
                context.add_init_script(init_script)
            opened.append(Console(context, gateway, context.new_page()))
            return opened[-1]

        yield make
    assert [fault for console in opened for fault in console.faults] == []


@pytest.fixture
def console(new_console: Callable[..., Console]) -> Console:
    """Return a console that nobody has opened yet."""
    return new_console()


def a_campaign(number: int, **differences: Any) -> Campaign:
    """Return a campaign that runs from the beginning of 2026 to the end of 2099, but for the differences."""
    usual: dict[str, Any] = {
        "id": number, "name": f"Campaign {number}", "status": 2, "device_type": 2, "begin": "2026-01-01",
        "end": "2099-12-31", "caller_no": "02155550100", "cc_id": 1,
    }  # fmt: skip
    return Campaign(**{**usual, **differences})
