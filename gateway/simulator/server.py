"""Runs the simulator: in a thread for tests, in the foreground for people."""

import signal
import ssl
import sys
from threading import Thread
from types import TracebackType
from typing import Self

from gateway.simulator.app import SimulatorConfig, create_simulator
from gateway.simulator.calls import Calls
from gateway.simulator.faults import FaultSwitch
from gateway.simulator.http_server import KeepAliveServer
from gateway.simulator.keys import Tenant
from gateway.simulator.listing import Listings
from gateway.simulator.state import SimulatorState

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8090
DEMO_TENANTS = (
    Tenant(vdns=(1,), access_key="demo-access-key", secret_key="demo-secret-key"),  # noqa: S106 -- for demos only
    Tenant(vdns=(2,), access_key="demo-access-key-2", secret_key="demo-secret-key-2"),  # noqa: S106 -- for demos only
)

_STOP_TIMEOUT_S = 5.0


class SimulatorServer:
    """A simulator that runs in a thread of this process, as a context manager or by `start` and `stop`.

    `port` 0 takes a free port, which it keeps: after `stop`, `start` serves the same address again with the same
    counts and faults. `tls` serves HTTPS.
    """

    def __init__(
        self,
        config: SimulatorConfig,
        host: str = DEFAULT_HOST,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._app = create_simulator(config)
        self._state: SimulatorState = self._app.extensions["simulator"]
        self._host = host
        self._port = port
        self._tls = tls
        self._server: KeepAliveServer | None = None
        self._thread: Thread | None = None

    @property
    def port(self) -> int:
        """The port it serves; 0 before the first `start` where none was given."""
        return self._port

    @property
    def base_url(self) -> str:
        """The URL without path, such as `http://127.0.0.1:8090`."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{self._host}:{self._port}"

    @property
    def calls(self) -> Calls:
        """The counts of calls."""
        return self._state.calls

    @property
    def faults(self) -> FaultSwitch:
        """The switch for faults."""
        return self._state.faults

    @property
    def listings(self) -> Listings:
        """The campaigns of each VDN, and how they shift."""
        return self._state.listings

    @property
    def latency_s(self) -> float:
        """The seconds that each answer takes at least; may be set while it runs, for those that wait as well."""
        return self._state.latency_s

    @latency_s.setter
    def latency_s(self, seconds: float) -> None:
        self._state.latency_s = seconds

    @property
    def clock_ahead_s(self) -> float:
        """The seconds that its clock is ahead; may be set while it runs."""
        return self._state.clock_ahead_s

    @clock_ahead_s.setter
    def clock_ahead_s(self, seconds: float) -> None:
        self._state.clock_ahead_s = seconds

    @property
    def revoked(self) -> frozenset[str]:
        """The access keys that are refused for now; may be set while it runs."""
        return self._state.revoked

    @revoked.setter
    def revoked(self, access_keys: frozenset[str]) -> None:
        self._state.revoked = access_keys

    def start(self) -> None:
        """Listen, and answer from a thread. Raises `SystemExit` with a message on stderr when the port is taken."""
        self._state.stopping.clear()
        self._server = KeepAliveServer(self._host, self._port, self._app, self._tls)
        self._port = self._server.port
        self._thread = Thread(target=self._server.serve_forever, name="simulator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, cut all connections, idle or not, and let waiting faults go. Nothing when not started."""
        if self._server is None or self._thread is None:
            return
        self._state.stopping.set()
        self._server.shutdown()
        self._server.cut_connections(_STOP_TIMEOUT_S)
        self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def demo_config() -> SimulatorConfig:
    """Return the set-up for demos: the `DEMO_TENANTS` for VDN 1 and 2, one line a call on stderr."""
    return SimulatorConfig(tenants=DEMO_TENANTS, log=_to_stderr)


def run(
    config: SimulatorConfig,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve in the foreground until interrupted, saying on stderr where."""
    # Shells start what they put in the background with SIGINT ignored, and then nothing would end it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    server = KeepAliveServer(host, port, create_simulator(config), tls)
    scheme = "http" if tls is None else "https"
    vdns = ", ".join(str(vdn) for tenant in config.tenants for vdn in tenant.vdns)
    _to_stderr(f"CC-iSales simulator on {scheme}://{host}:{server.port}, VDN {vdns}")
    server.serve_forever()


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
