"""What is soaked: nginx with the files of `deploy/nginx`, two gateways behind it, their Redis, and a CC-iSales."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.guesses import Guesses
from gateway.simulator.keys import Tenant
from gateway.simulator.server import SimulatorServer
from tests.soak import announced
from tests.soak.calls import FRESH_COMPLETED_S, FRESH_S, Upstream
from tests.soak.clients import VDNS, access_key, client_tables, secret_key
from tests.support.identity_provider import AUDIENCE, ISSUER, RSA, jwk, jwks
from tests.support.nginx import DeployedNginx, deployed_nginx
from tests.support.redis_server import RedisServer, redis_server
from tests.support.server import ServedGateway, free_port, served_gateway_at, wait_until_it_answers
from tests.support.waiting import wait_until

LATENCY_S = 0.02
LIMIT_S = 60.0
GOOD_FAULTS = frozenset({"latency"})
"""Faults of the simulator that are good answers all the same."""

SETTINGS = {
    "GATEWAY__ISALES__CONNECT_TIMEOUT_S": "1",
    "GATEWAY__ISALES__READ_TIMEOUT_S": "2",
    "GATEWAY__ISALES__DEADLINE_S": f"{announced.DEADLINE_S}",
    "GATEWAY__ISALES__BREAKER_MIN_CALLS": "5",
    "GATEWAY__ISALES__BREAKER_WINDOW_S": "5",
    "GATEWAY__ISALES__BREAKER_OPEN_S": "1",
    "GATEWAY__ISALES__BREAKER_OPEN_MAX_S": f"{announced.BREAKER_OPEN_MAX_S}",
    "GATEWAY__CACHE__FRESH_S": f"{FRESH_S}",
    "GATEWAY__CACHE__FRESH_COMPLETED_S": f"{FRESH_COMPLETED_S}",
    "GATEWAY__CACHE__STALE_WHILE_REVALIDATE_S": "4",
    "GATEWAY__CACHE__STALE_IF_ERROR_S": "20",
    "GATEWAY__CACHE__MAX_BYTES": "8388608",
    "GATEWAY__HTTP__DRAIN_S": "1",
    # As `make serve` has it.
    "GRANIAN_BACKPRESSURE": "2048",
    "GRANIAN_BLOCKING_THREADS": "2048",
    "MALLOC_ARENA_MAX": "2",
}
"""Lifetimes and breaker times so short that within a minute all that there is happens many times."""


class Gateway:
    """One granian with one worker, which may be restarted on its port."""

    def __init__(self, name: str, base_url: str, variables: dict[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.tracebacks: list[str] = []
        self._base_url = base_url
        self._variables = variables
        self._stack = ExitStack()
        self._served: ServedGateway | None = None

    @property
    def served(self) -> ServedGateway:
        """What is served now."""
        assert self._served is not None, f"{self.name} does not run"
        return self._served

    def start(self) -> None:
        """Start it, and return when it is ready."""
        served = self._stack.enter_context(served_gateway_at(self.port, self._base_url, 1, **self._variables))
        wait_until_it_answers(f"{served.url}/readyz", served.process)
        self._served = served

    def stop(self) -> None:
        """End it with SIGTERM, and return when it has ended."""
        if self._served is None:
            return
        served, self._served = self._served, None
        with served.log.open(encoding="utf-8") as log:
            # The file is gone afterwards, but not for who has it open.
            self._stack.close()
            self.tracebacks += [line.strip() for line in log if "Traceback" in line]

    def pids(self) -> list[tuple[str, int]]:
        """Return its processes by their roles; none while it does not run."""
        served = self._served
        if served is None:
            return []
        return [(f"{self.name} main", served.process.pid), *((f"{self.name} worker", p) for p in served.worker_pids())]

    def worker(self) -> int:
        """Return the process that serves."""
        (pid,) = self.served.worker_pids()
        return pid


class Stack:
    """All of it."""

    def __init__(
        self, simulator: SimulatorServer, redis: RedisServer, gateways: list[Gateway], front: DeployedNginx
    ) -> None:
        self.simulator = simulator
        self.redis = redis
        self.gateways = gateways
        self.front = front

    def pids(self) -> Iterator[tuple[str, int]]:
        """Yield the processes of the gateways by their roles."""
        for gateway in self.gateways:
            yield from gateway.pids()

    def take_out(self, gateway: Gateway) -> None:
        """Have nginx send nothing to `gateway`."""
        self._change(f"server 127.0.0.1:{gateway.port} ", f"server 127.0.0.1:{gateway.port} down ")

    def put_back(self, gateway: Gateway) -> None:
        """Undo `take_out`."""
        self._change(f"server 127.0.0.1:{gateway.port} down ", f"server 127.0.0.1:{gateway.port} ")

    def _change(self, old: str, new: str) -> None:
        """Change nginx' `upstream.conf`, reload, and return when no worker of before takes requests any more."""
        file = self.front.folder / "etc/conf.d/upstream.conf"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")
        master = self.front.process.pid
        before = set(_workers_of(master))
        self.front.process.send_signal(signal.SIGHUP)
        wait_until(lambda: (now := set(_workers_of(master))) and not before & now, LIMIT_S)


def _workers_of(master: int) -> Iterator[int]:
    """Yield the workers of nginx that take connections: those that are about to end say so in their command line."""
    for pid in Path(f"/proc/{master}/task/{master}/children").read_text(encoding="utf-8").split():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"worker process" in command and b"shutting down" not in command:
            yield int(pid)


class CallLog:
    """Counts the calls of the simulator by how they ended; its `log`."""

    def __init__(self) -> None:
        self.upstream = Upstream()
        self.refusals: dict[str, list[float]] = {}
        """When calls may have been answered by 401, seconds of the monotonic clock, by the path, which has the VDN."""
        self._lock = threading.Lock()

    def __call__(self, line: str) -> None:
        """Take note of one call: method, path and outcome."""
        _, path, outcome = line.split(" ", 2)
        fault = outcome.removeprefix("fault ")
        with self._lock:
            if outcome == "0200000" or (fault != outcome and fault in GOOD_FAULTS):
                self.upstream.good += 1
            else:
                name = "401" if outcome.startswith("401") else fault
                self.upstream.failed[name] = self.upstream.failed.get(name, 0) + 1
                if name in {"401", "http-status"}:
                    self.refusals.setdefault(path.partition("?")[0], []).append(time.monotonic())


@contextmanager
def stack(folder: Path, log: CallLog) -> Iterator[Stack]:
    """Run all of it for as long as the context lasts; `folder` is empty."""
    tenants = tuple(Tenant((vdn,), access_key(vdn), secret_key(vdn)) for vdn in VDNS)
    tables = (f'{{vdn = {vdn}, access_key = "{access_key(vdn)}", secret_key = "{secret_key(vdn)}"}}' for vdn in VDNS)
    (folder / "jwks.json").write_bytes(jwks(jwk("rsa", RSA)))
    (folder / "nginx").mkdir()
    with (
        SimulatorServer(
            SimulatorConfig(tenants=tenants, latency_s=LATENCY_S, log=log, guesses=Guesses(lock_after=0))
        ) as simulator,
        redis_server() as redis,
        ExitStack() as running,
    ):
        variables = {
            **SETTINGS,
            "GATEWAY__TENANTS": f"[{', '.join(tables)}]",
            "GATEWAY__CLIENTS": client_tables(),
            "GATEWAY__JWT__ISSUER": ISSUER,
            "GATEWAY__JWT__AUDIENCE": AUDIENCE,
            "GATEWAY__JWT__JWKS_FILE": str(folder / "jwks.json"),
            "GATEWAY__CACHE__SHARED_URL": redis.url.reveal(),
        }
        gateways = [Gateway(name, simulator.base_url, variables) for name in ("A", "B")]
        for gateway in gateways:
            running.callback(gateway.stop)
            gateway.start()
        servers = " ".join(f"127.0.0.1:{gateway.port}" for gateway in gateways)
        with deployed_nginx(folder / "nginx", servers) as front:
            yield Stack(simulator, redis, gateways, front)
