"""Starting, stopping and running in the foreground."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse

import pytest

from gateway.simulator.server import SimulatorServer, demo_config

Ask = Callable[..., tuple[HTTPResponse, bytes]]


def test_stop_ends_idle_connections(ask: Ask, simulator: SimulatorServer) -> None:
    """A connection that waits in a client's pool sees the server go at once."""
    pooled = HTTPConnection("127.0.0.1", simulator.port, timeout=10)
    assert ask(connection=pooled)[0].status == 200
    simulator.stop()
    assert pooled.sock.recv(1) == b""
    pooled.close()


def test_stopped_server_refuses_connections(simulator: SimulatorServer) -> None:
    """After the stop nobody listens."""
    simulator.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", simulator.port), timeout=10)


def test_started_again_it_is_the_same(ask: Ask, simulator: SimulatorServer) -> None:
    """A server that was down comes back at the same address with the same counts."""
    assert ask()[0].status == 200
    address = simulator.base_url
    simulator.stop()
    simulator.start()
    assert simulator.base_url == address == f"http://127.0.0.1:{simulator.port}"
    assert ask()[0].status == 200
    assert simulator.calls.total == 2


def test_stop_without_start_is_nothing() -> None:
    """Stopping what does not run does nothing."""
    SimulatorServer(demo_config()).stop()


def test_demo_config_has_two_tenants_and_hides_their_secrets() -> None:
    """The demo has VDN 1 and 2 with keys of their own, and its repr has no secret key."""
    config = demo_config()
    assert [(tenant.vdns, tenant.access_key, tenant.secret_key) for tenant in config.tenants] == [
        ((1,), "demo-access-key", "demo-secret-key"),
        ((2,), "demo-access-key-2", "demo-secret-key-2"),
    ]
    assert "demo-secret-key" not in repr(config)


def test_run_serves_in_the_foreground_until_interrupted() -> None:
    """It says where it listens, answers, logs a line a call on stderr, and leaves quietly at an interrupt."""
    # As a shell starts what it puts in the background.
    ignored = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    program = ignored + "from gateway.simulator.server import demo_config, run; run(demo_config(), port=0)"
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert first.startswith("CC-iSales simulator on http://127.0.0.1:")
        assert first.endswith(", VDN 1, 2\n")
        port = int(first.split(":")[2].partition(",")[0])
        wire = HTTPConnection("127.0.0.1", port, timeout=10)
        wire.request("GET", "/rest/isales/v1/openapi/campaigns/1?a=1")
        assert wire.getresponse().status == 401
        wire.close()
        line = process.stderr.readline()
        assert line.startswith("GET /rest/isales/v1/openapi/campaigns/1?a=1 401 Authorization must be")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
