"""Chromium without a window, and pages of origins of our own for it to show."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import playwright.sync_api
import pytest
import requests

from gateway.simulator.campaigns import Campaign
from gateway.simulator.listing import Arrangement
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.console import TENANTS, Console, new_profile, profile, running_chromium
from tests.support.gateway import KEYS
from tests.support.server import served_gateway
from tests.support.waiting import wait_until

PATIENCE_S = 90.0
"""How long a page may take on a busy machine."""

OPERATOR = {"X-API-Key": KEYS["operator"]}
QUICK: Any = {
    "GATEWAY__CACHE__FRESH_S": "1",
    "GATEWAY__CACHE__STALE_WHILE_REVALIDATE_S": "0",
    "GATEWAY__HTTP__LONGEST_WAIT_S": "1",
    "GATEWAY__TENANTS": TENANTS,
}
"""Settings with which a console soon hears of everything."""


FORGET = "location.protocol === 'about:' || [localStorage, sessionStorage].forEach((kept) => kept.clear())"


@dataclass
class Browser:
    """Shows pages in a tab that has forgotten the tests before. What the last one said is in `console`."""

    page: playwright.sync_api.Page
    console: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.console.append(said.text))
        self.page.on("pageerror", lambda error: self.console.append(f"Uncaught {error}"))

    def dom(self, url: str) -> str:
        """Return the document at `url` as it is once its scripts have run."""
        self._show(url)
        self.page.wait_for_load_state("networkidle")
        return self.page.content()

    def until(self, url: str, seen: Callable[[], Any]) -> Any:
        """Show `url` until `seen` returns; return what it returns."""
        self._show(url)
        found = seen()
        # Playwright tells of what was said meanwhile when it is asked for something.
        self.page.title()
        return found

    def _show(self, url: str) -> None:
        self.console.clear()
        self.page.goto(url)


@pytest.fixture
def browser(tab: Callable[..., playwright.sync_api.Page]) -> Browser:
    """Return one that has shown nothing yet."""
    return Browser(tab())


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
    yield from a_site()


def a_site() -> Iterator[Site]:
    """Serve one until the iterator goes on."""
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


@pytest.fixture(scope="package")
def chromium() -> Iterator[playwright.sync_api.Browser]:
    """Return a browser for the tests of this folder, which Playwright steers."""
    # Not of the session: while there is one, no other loop of asyncio can run in this thread.
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


@pytest.fixture(scope="session")
def console_gateway(isales: SimulatorServer) -> Iterator[str]:
    """Return the URL of a gateway whose pages are good for a second, and where nobody waits for long."""
    with served_gateway(isales.base_url, **QUICK) as served:
        yield served.url


@pytest.fixture(scope="session")
def _lasting_gateway(isales: SimulatorServer) -> Iterator[str]:
    with served_gateway(isales.base_url, GATEWAY__CACHE__FRESH_S="600", GATEWAY__HTTP__LONGEST_WAIT_S="1") as served:
        yield served.url


@pytest.fixture(scope="session")
def prefixed_gateway(isales: SimulatorServer) -> Iterator[str]:
    """Return the URL of a gateway below a path."""
    with served_gateway(isales.base_url, GRANIAN_URL_PATH_PREFIX="/isales/v2") as served:
        yield served.url


def wait_for_the_next_second() -> None:
    """Return when what CC-iSales answers next is told apart from what it has answered, by `Campaigns-As-Of`."""
    before = int(time.time())
    wait_until(lambda: int(time.time()) > before)


@pytest.fixture
def empty_gateway(console_gateway: str, simulator: SimulatorServer) -> str:
    """Return its URL when it has forgotten what the tests before have had it fetch."""
    assert simulator
    return _emptied(console_gateway)


@pytest.fixture
def lasting_gateway(_lasting_gateway: str, simulator: SimulatorServer) -> str:
    """Return the URL of a gateway whose pages are fresh for ten minutes, and which has none yet."""
    assert simulator
    return _emptied(_lasting_gateway)


def _emptied(gateway: str) -> str:
    # A page of the tests before may be fresh still, and what is around the list is looked at once a minute. Who waits
    # when a tab is closed has the page fetched again until the time is over.
    with requests.Session() as session:

        def nobody_waits() -> bool:
            return "\ncampaign_gateway_waiters 0.0\n" in session.get(f"{gateway}/metrics", timeout=PATIENCE_S).text

        wait_until(nobody_waits, least_s=0.1)
        purged = session.delete(f"{gateway}/cache?vdn=1&hard=true", headers=OPERATOR, timeout=PATIENCE_S)
    assert purged.status_code == 200
    return gateway


NewConsole = Callable[..., Console]


@pytest.fixture
def consoles() -> Iterator[list[Console]]:
    """Return those that a test has opened. None may have had a fault of its own at the end."""
    opened: list[Console] = []
    yield opened
    assert [fault for console in opened for fault in console.faults] == []


@pytest.fixture
def new_console(
    chromium: playwright.sync_api.Browser, empty_gateway: str, consoles: list[Console]
) -> Iterator[NewConsole]:
    """Return a function that opens a console in a fresh profile."""
    with ExitStack() as stack:

        def make(gateway: str = empty_gateway, init_script: str = "", **options: Any) -> Console:
            context = stack.enter_context(profile(chromium, **options))
            if init_script:
                context.add_init_script(init_script)
            consoles.append(Console(context, gateway, context.new_page()))
            return consoles[-1]

        yield make


@pytest.fixture(scope="package")
def tabs(chromium: playwright.sync_api.Browser) -> Iterator[dict[str, playwright.sync_api.Page]]:
    """Return the tabs of this folder, each in a profile of its own, by the options of that."""
    opened: dict[str, playwright.sync_api.Page] = {}
    yield opened
    for page in opened.values():
        page.context.close()


@pytest.fixture
def tab(
    chromium: playwright.sync_api.Browser, tabs: dict[str, playwright.sync_api.Page]
) -> Iterator[Callable[..., playwright.sync_api.Page]]:
    """Return a function that gives a tab in a profile with some options, which has forgotten the tests before.

    A profile and a process for each test would cost three times the work. What cannot be taken away again, such as a
    clock or an initial script, is for a `profile`.
    """
    used: set[str] = set()

    def give(**options: Any) -> playwright.sync_api.Page:
        name = json.dumps(options, sort_keys=True)
        used.add(name)
        if name not in tabs:
            tabs[name] = new_profile(chromium, **options).new_page()
        return tabs[name]

    yield give
    for name in used:
        page = tabs[name]
        page.unroute_all()
        page.evaluate(FORGET)
        page.goto("about:blank")
        session = page.context.new_cdp_session(page)
        session.send("Network.clearBrowserCache")
        session.detach()


@pytest.fixture
def console(
    tab: Callable[..., playwright.sync_api.Page],
    empty_gateway: str,
    consoles: list[Console],
) -> Console:
    """Return a console that nobody has opened yet."""
    page = tab()
    consoles.append(Console(page.context, empty_gateway, page))
    return consoles[-1]


def a_campaign(number: int, **differences: Any) -> Campaign:
    """Return a campaign that runs from the beginning of 2026 to the end of 2099, but for the differences."""
    usual: dict[str, Any] = {
        "id": number, "name": f"Campaign {number}", "status": 2, "device_type": 2, "begin": "2026-01-01",
        "end": "2099-12-31", "caller_no": "02155550100", "cc_id": 1,
    }  # fmt: skip
    return Campaign(**{**usual, **differences})
