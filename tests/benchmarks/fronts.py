"""`python -m tests.benchmarks.fronts [NAME ...]`: what becomes of requests and answers behind each proxy, as one table.

Each proxy runs with its file of `deploy/fronts` (nginx with `deploy/nginx`), in front of a served gateway with the
simulator behind it. Nothing here is a target; the tests in `tests/scenarios/fronts` hold what has to be.
"""

import gzip
import json
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException
from itertools import chain
from pathlib import Path

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.benchmarks.debian import install_missing
from tests.benchmarks.machine import description
from tests.scenarios.upstream.raw_server import http
from tests.support.fronts import NAMES, Front, front
from tests.support.nginx import OUTSIDE
from tests.support.server import ServedGateway, free_port, served_gateway_at
from tests.support.waiting import wait_until

PROGRAMS = {
    **{name: name for name in ("nginx", "haproxy", "squid", "lighttpd", "caddy", "envoy")},
    "apache": "apache2",
    "varnish": "varnishd",
    "trafficserver": "traffic_server",
}
FROM_PYPI = frozenset({"caddy", "envoy"})
HEADINGS = (
    "front", "304", "compression", "address", "underscores", "prefix", "header", "URL", "idle", "restart", "back after"
)  # fmt: skip
SIZES = (4_000, 8_000, 8_192, 10_000, 12_000, 15_000, 30_000, 60_000, 120_000)
IDLE_LIMIT_S = 35.0
"""granian closes after 30 s."""

CHECK = b"GET /readyz"
DOWN_S = 1.0
CALLS_A_SECOND = 20
GIVE_UP_S = 90.0
PAGE = "/campaigns?page=2"


def main(names: list[str]) -> int:
    """Measure the proxies `names`, all where none is named, and print the table. Return 0."""
    for name in names:
        if name not in NAMES:
            raise SystemExit(f"There is no front {name!r}; give any of: {' '.join(NAMES)}")
    names = names or list(NAMES)
    install_missing([PROGRAMS[name] for name in names if name not in FROM_PYPI])
    for line in chain((HEADINGS, ("---",) * len(HEADINGS)), map(measured, names)):
        sys.stdout.write(f"| {' | '.join(line)} |\n")
        sys.stdout.flush()
    sys.stdout.write(f"\n{datetime.now(UTC):%Y-%m-%d}. {description([])}\n")
    return 0


def measured(name: str) -> tuple[str, ...]:
    """Return one line of the table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for place in ("gateway", "idle"):
            (folder / place).mkdir()
        simulator = stack.enter_context(SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)))
        port = free_port()
        gateway = _Restartable(port, simulator.base_url)
        stack.callback(gateway.stop)
        proxy = stack.enter_context(front(name, folder / "gateway", f"http://127.0.0.1:{port}"))
        return (
            name,
            not_modified(proxy),
            compression(proxy),
            address(proxy, gateway.served),
            underscores(proxy),
            prefix(proxy),
            largest(lambda size: proxy.ask(PAGE, {"X-Padding": "a" * size}).status == HTTPStatus.OK),
            largest(lambda size: b'"errors"' in proxy.ask(f"/campaigns?name={'a' * size}").body),
            idle(name, folder / "idle"),
            *restart(proxy, gateway),
        )


def not_modified(proxy: Front) -> str:
    """Tell for which codings the tag that came with a page brings 304."""
    found = []
    for coding in ("identity", "gzip", "br"):
        headers = {"Accept-Encoding": coding}
        tag = proxy.ask(PAGE, headers).headers.get("etag", "")
        if proxy.ask(PAGE, {**headers, "If-None-Match": tag}).status == HTTPStatus.NOT_MODIFIED:
            found.append(coding)
    return ", ".join(found) or "none"


def compression(proxy: Front) -> str:
    """Tell who compresses, from the tag of what is compressed."""
    plain, packed = (proxy.ask(PAGE, {"Accept-Encoding": coding}) for coding in ("identity", "gzip"))
    if packed.headers.get("content-encoding") != "gzip":
        return "none"
    if json.loads(gzip.decompress(packed.body)) != plain.json:
        return "broken"
    tag = plain.headers["etag"].strip('"')
    made_by_us = packed.headers.get("etag") in {f'"{tag}-gzip"', f'"gzip.{tag}"'}
    return "the gateway's" if made_by_us and "content-encoding" not in plain.headers else "the front's"


def address(proxy: Front, gateway: ServedGateway) -> str:
    """Tell what the gateway takes for the address of a caller who says that it is another one."""
    identifier = f"address-{proxy.name}"
    said = {"X-Forwarded-For": "6.6.6.6", "X_Forwarded_For": "6.6.6.6", "X-Request-Id": identifier}
    proxy.ask("/campaigns?page=0", said, source=OUTSIDE)
    wait_until(lambda: identifier in gateway.log.read_text())
    (line,) = [line for line in gateway.log.read_text().splitlines() if identifier in line]
    seen = json.loads(line)["remote"]
    return "the caller's" if seen == OUTSIDE else str(seen)


def underscores(proxy: Front) -> str:
    """Tell whether a key in `X_API_Key` counts."""
    return (
        "dropped" if proxy.ask(PAGE, {"X_API_Key": "web-key"}, key=None).status == HTTPStatus.UNAUTHORIZED else "pass"
    )


def prefix(proxy: Front) -> str:
    """Tell whether the gateway is there under a prefix."""
    if proxy.prefixed is None:
        return "none"
    return "ok" if proxy.ask(PAGE, base=proxy.prefixed).body == proxy.ask(PAGE).body else "broken"


def largest(passes: Callable[[int], bool]) -> str:
    """Return the largest of SIZES that passes."""
    passed = 0
    for size in SIZES:
        try:
            if not passes(size):
                break
        except (OSError, HTTPException):
            break
        passed = size
    return f"{'>= ' if passed == SIZES[-1] else ''}{passed:,}"


@dataclass
class _Listener:
    """Takes connections, answers each request, and notes how long a connection was idle when it was closed.

    Those of health checks do not count.
    """

    port: int
    connections: int = 0
    idle_s: list[float] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def serve(self, connection: socket.socket) -> None:
        """Answer on this connection until it is closed."""
        connection.settimeout(IDLE_LIMIT_S + 5)
        asked, since = b"", time.monotonic()
        with connection, suppress(OSError):
            while data := connection.recv(65536):
                if not asked and not data.startswith(CHECK):
                    self.connections += 1
                asked, since = data, time.monotonic()
                connection.sendall(http("200 OK", b"{}", "Content-Type: application/json"))
        if asked and not asked.startswith(CHECK):
            self.idle_s.append(time.monotonic() - since)
            self.closed.set()


@contextmanager
def _listening() -> Iterator[_Listener]:
    server = socket.create_server(("127.0.0.1", 0))
    listener = _Listener(server.getsockname()[1])

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=listener.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def idle(name: str, folder: Path) -> str:
    """Return after how long an idle connection to the gateway is closed, or, if it is not, whether it is used again."""
    with _listening() as listener, front(name, folder, f"http://127.0.0.1:{listener.port}") as proxy:
        listener.closed.clear()
        listener.idle_s.clear()
        proxy.ask("/campaigns")
        if listener.closed.wait(IDLE_LIMIT_S):
            return f"{max(listener.idle_s):.0f} s"
        before = listener.connections
        proxy.ask("/campaigns")
        return "not used again" if listener.connections > before else f"> {IDLE_LIMIT_S:.0f} s"


class _Restartable:
    """A gateway that has the same port whenever it is started."""

    def __init__(self, port: int, base_url: str) -> None:
        self._port = port
        self._base_url = base_url
        self._stack = ExitStack()
        self.served = self.start()

    def start(self) -> ServedGateway:
        """Start it; it answers when this returns."""
        variables = {"GATEWAY__HTTP__TRUSTED_PROXIES": "1", "GATEWAY__HTTP__DRAIN_S": "1"}
        self.served = self._stack.enter_context(served_gateway_at(self._port, self._base_url, 1, **variables))
        return self.served

    def stop(self) -> None:
        """End it by SIGTERM, and wait until it is gone."""
        self._stack.close()


def restart(proxy: Front, gateway: _Restartable) -> tuple[str, str]:
    """Return what callers get while the one gateway is restarted, and after how long it is back behind the front.

    Twenty calls a second are made, each on a connection of its own, from before it is told to end.
    """
    seen: Counter[str] = Counter()
    ended = threading.Event()

    def call() -> None:
        while not ended.wait(1 / CALLS_A_SECOND):
            try:
                seen[str(proxy.ask(PAGE).status)] += 1
            except (OSError, HTTPException) as fault:
                seen[type(fault).__name__] += 1

    caller = threading.Thread(target=call)
    caller.start()
    gateway.stop()
    time.sleep(DOWN_S)
    try:
        gateway.start()
    except AssertionError as fault:
        ended.set()
        caller.join()
        return f"not measured: {fault}", ""
    up = time.monotonic()
    back = None
    while back is None and time.monotonic() < up + GIVE_UP_S:
        with suppress(OSError, HTTPException):
            back = time.monotonic() - up if proxy.ask(PAGE).status == HTTPStatus.OK else None
        time.sleep(0.02)
    ended.set()
    caller.join()
    told = ", ".join(f"{count} x {outcome}" for outcome, count in sorted(seen.items()))
    return told, f"> {GIVE_UP_S:.0f} s" if back is None else f"{back:.1f} s"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
