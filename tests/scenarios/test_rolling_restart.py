"""Two gateways that are restarted in turn while callers call, and one alone: nobody is to notice.

`ROLLING_REQUESTS=10000` makes it ten thousand requests for each test; restarts go on meanwhile.
"""

import json
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Self

import pytest
import requests

from gateway.simulator.server import SimulatorServer
from tests.support.nginx import deployed_nginx
from tests.support.server import ServedGateway, free_port, served_gateway_at
from tests.support.waiting import wait_until

REQUESTS = int(os.environ.get("ROLLING_REQUESTS", "300"))
CALLERS = 8
LIMIT_S = 60.0

PAGES = [f"/campaigns?page={page}" for page in range(1, 21)]

HEADERS = {"X-API-Key": "web-key", "If-Match": "*"}
"""The second one means nothing to a gateway, and has nginx ask one for each request."""

LOGGED_AT_ONCE = {
    "access_log /var/log/nginx/access.log json buffer=64k flush=1s;": "access_log /var/log/nginx/access.log json;"
}


class Restartable:
    """A gateway that has the same port whenever it is started; `listener` listens there for as long as it likes."""

    def __init__(self, base_url: str, listener: socket.socket | None = None) -> None:
        self._listener = listener
        self.port: int = free_port() if listener is None else listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._base_url = base_url
        self._running: AbstractContextManager[ServedGateway]
        self.codes: list[int | None] = []

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.__exit__(None, None, None)

    def _start(self) -> None:
        self._running = served_gateway_at(self.port, self._base_url, 1, self._listener, GATEWAY__HTTP__DRAIN_S="1")
        self._served = self._running.__enter__()

    def restart(self) -> None:
        """End it by SIGTERM, wait until it is gone, and start it again; it answers when this returns."""
        process = self._served.process
        self._running.__exit__(None, None, None)
        self.codes.append(process.returncode)
        self._start()

    def is_called(self) -> bool:
        """Tell whether callers have come since it was started."""
        return '"path": "/campaigns"' in self._served.log.read_text()


@dataclass(frozen=True)
class Place:
    """Where a request goes: `key` is another one when kept connections are good no more."""

    key: object
    connect: Callable[[], HTTPConnection]


@dataclass
class Calls:
    """What callers got so far: statuses, and what it was where there was none."""

    each: list[Counter[object]] = field(default_factory=lambda: [Counter() for _ in range(CALLERS)])

    @property
    def counts(self) -> Counter[object]:
        """All of them."""
        return sum((one.copy() for one in self.each), Counter())


@contextmanager
def calling(choose: Callable[[], Place]) -> Iterator[Calls]:
    """Have callers call until the context ends, most on connections that they keep, and never a second time."""
    calls, ended = Calls(), threading.Event()

    def call(number: int) -> None:
        counts, kept, place = calls.each[number], None, None
        asked = number * 17
        while not ended.wait(0.05):
            chosen = choose()
            if kept is None or place != chosen.key or number % 4 == 0:
                if kept is not None:
                    kept.close()
                kept, place = chosen.connect(), chosen.key
            asked += 1
            try:
                kept.request("GET", PAGES[asked % len(PAGES)], headers=HEADERS)
                answer = kept.getresponse()
                answer.read()
                counts[answer.status] += 1
            except (OSError, HTTPException) as error:
                counts[repr(error)] += 1
                kept.close()
        if kept is not None:
            kept.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def restarted_in_turn(
    gateways: tuple[Restartable, ...], calls: Calls, settled: Callable[[Restartable], object]
) -> None:
    """Restart all gateways, each when the one before has settled, again and again.

    It ends when there were enough requests.
    """
    wait_until(lambda: calls.counts[200] > 50, LIMIT_S)
    while not gateways[0].codes or calls.counts.total() < REQUESTS:
        for gateway in gateways:
            gateway.restart()
            settled(gateway)


@pytest.fixture(scope="module")
def _two(_simulator: SimulatorServer) -> Iterator[tuple[Restartable, Restartable]]:
    with Restartable(_simulator.base_url) as one, Restartable(_simulator.base_url) as other:
        yield one, other


@pytest.fixture
def two(simulator: SimulatorServer, _two: tuple[Restartable, Restartable]) -> tuple[Restartable, Restartable]:
    """Return two gateways, which nobody has restarted yet, in front of a CC-iSales that takes its time."""
    simulator.latency_s = 0.02
    for gateway in _two:
        gateway.codes.clear()
    return _two


def told(calls: Calls, gateways: tuple[Restartable, ...], front: str) -> None:
    """Print the numbers, for whoever runs it by hand with `-s`."""
    restarts = sum(len(gateway.codes) for gateway in gateways)
    print(f"\n{front}: {calls.counts.total()} requests, {dict(calls.counts)}, {restarts} restarts")  # noqa: T201 -- shown with -s


def test_nobody_behind_nginx_notices_a_rolling_restart(two: tuple[Restartable, Restartable], tmp_path: Path) -> None:
    """Nginx finds one of them away, and asks the other; while it is away itself, it is not needed."""
    with deployed_nginx(tmp_path, f"{two[0].url} {two[1].url}", LOGGED_AT_ONCE) as nginx:
        tls = nginx.tls()
        place = Place("nginx", lambda: HTTPSConnection("127.0.0.1", nginx.port, timeout=LIMIT_S, context=tls))
        with calling(lambda: place) as calls:
            # Nginx leaves one that it found away alone for two seconds.
            restarted_in_turn(two, calls, lambda gateway: wait_until(gateway.is_called, LIMIT_S))
        told(calls, two, "nginx")
        assert set(calls.counts) == {200}
        assert calls.counts.total() >= REQUESTS
        log = (nginx.folder / "log/access.log").read_text()
    statuses = Counter(json.loads(line)["upstream_status"] for line in log.splitlines())
    assert statuses["502, 200"] > 0, "one was found away"
    assert calls.counts.total() == statuses.total()
    assert statuses[""] == 0, "all were asked of a gateway"
    assert [set(gateway.codes) for gateway in two] == [{0}, {0}]


def test_nobody_behind_nginx_notices_a_restart_of_the_only_gateway(simulator: SimulatorServer, tmp_path: Path) -> None:
    """What holds its listener takes connections, and the next gateway answers them: nginx has no other one to ask."""
    simulator.latency_s = 0.02
    with (
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listener,
        Restartable(simulator.base_url, listener) as only,
        # A gateway takes longer to start where the machine is busy; for how long nginx waits is not what is tested.
        deployed_nginx(
            tmp_path, only.url, {**LOGGED_AT_ONCE, "proxy_read_timeout 12s": "proxy_read_timeout 60s"}
        ) as nginx,
    ):
        tls = nginx.tls()
        place = Place("nginx", lambda: HTTPSConnection("127.0.0.1", nginx.port, timeout=LIMIT_S, context=tls))
        with calling(lambda: place) as calls:

            def go_on(_: Restartable) -> None:
                enough = calls.counts.total() + REQUESTS / 4
                wait_until(lambda: calls.counts.total() > enough, LIMIT_S)

            restarted_in_turn((only,), calls, go_on)
        told(calls, (only,), "nginx, one gateway")
        assert set(calls.counts) == {200}
        assert calls.counts.total() >= REQUESTS
        log = (nginx.folder / "log/access.log").read_text()
    statuses = Counter(json.loads(line)["upstream_status"] for line in log.splitlines())
    assert statuses.total() == calls.counts.total()
    assert set(statuses) <= {"200", "502, 200"}, "asked again where a gateway that ended had taken it and not read it"
    assert set(only.codes) == {0}


class Balancer:
    """Knows which gateways are ready, by looking at `/readyz` well within `http.drain_s`. It tries nothing twice."""

    def __init__(self, gateways: tuple[Restartable, ...]) -> None:
        self._gateways = gateways
        self._ready: dict[int, Place] = {}
        self._turn = 0
        self.were_ready: set[int] = set()

    def choose(self) -> Place:
        """Return whose turn it is."""
        ready = list(self._ready.copy().values())
        self.were_ready.add(len(ready))
        self._turn += 1
        return ready[self._turn % len(ready)]

    def wait_for_all(self) -> None:
        """Wait until all gateways are ready."""
        wait_until(lambda: len(self._ready) == len(self._gateways), LIMIT_S)

    @contextmanager
    def watching(self) -> Iterator[Self]:
        """Look at all of them until the context ends."""
        ended = threading.Event()

        def watch(gateway: Restartable) -> None:
            while not ended.wait(0.05):
                good = False
                with suppress(requests.RequestException):
                    good = requests.get(f"{gateway.url}/readyz", timeout=LIMIT_S).ok
                if not good:
                    self._ready.pop(gateway.port, None)
                elif gateway.port not in self._ready:
                    self._ready[gateway.port] = Place(
                        object(), lambda: HTTPConnection("127.0.0.1", gateway.port, timeout=LIMIT_S)
                    )

        threads = [threading.Thread(target=watch, args=(gateway,)) for gateway in self._gateways]
        for thread in threads:
            thread.start()
        try:
            self.wait_for_all()
            yield self
        finally:
            ended.set()
            for thread in threads:
                thread.join()


def test_nobody_behind_a_balancer_that_looks_at_readyz_notices_it(two: tuple[Restartable, Restartable]) -> None:
    """It sends nothing anywhere else, and nothing a second time: what it had sent to the one that ends is answered."""
    with Balancer(two).watching() as balancer, calling(balancer.choose) as calls:
        restarted_in_turn(two, calls, lambda _: balancer.wait_for_all())
    told(calls, two, "readyz")
    assert set(calls.counts) == {200}
    assert calls.counts.total() >= REQUESTS
    assert balancer.were_ready == {1, 2}
    assert [set(gateway.codes) for gateway in two] == [{0}, {0}]
