"""`flask demo`: the simulator and the gateway together, for a first look."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import click

from gateway.cli.endings import ToldEnding
from gateway.cli.listening import require_free_port
from gateway.cli.text import TEXT
from gateway.main_thread import wake_for_signals
from gateway.simulator.server import DEFAULT_HOST, DEMO_TENANTS, SimulatorServer, demo_config
from gateway.simulator.showcase import with_showcase

START_LIMIT_S = 20.0
DEMO_VDNS = tuple(vdn for tenant in DEMO_TENANTS for vdn in tenant.vdns)
BANNER = """
  Campaign Gateway  http://{host}:{port}/console  (what is running; to read and try: /docs)
  simulator         {simulator}
  API key           demo-key                       (may read VDN 1)

  Try it:

    curl -H 'X-API-Key: demo-key' 'http://{host}:{port}/campaigns?status=running&page_size=2'

  Ctrl-C ends both.
"""


@click.command(cls=ToldEnding, short_help="Run a simulator and a gateway, for a look.")
@click.option("--host", default="127.0.0.1", show_default=True, type=TEXT, help="Address of the gateway.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port of the gateway.")
@click.option("--simulator-port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
def demo(host: str, port: int, simulator_port: int) -> None:
    """Run the simulator and, in front of it, the gateway, until Ctrl-C."""
    # Both end it in good order, also where a shell started it with SIGINT ignored, as shells do in the background.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The main thread waits for the gateway to end, while the simulator starts a thread for each connection.
    wake_for_signals()
    another = "Stop that, or choose another port: make run"
    if simulator_port:
        require_free_port(DEFAULT_HOST, simulator_port, f"{another} SIMULATOR_PORT={simulator_port % 65535 + 1}")
    with SimulatorServer(demo_config(), port=simulator_port) as simulator:
        # CC-iSales writes its times in the tenants' zone, which is UTC in config/development.toml.
        now = datetime.now(UTC).replace(tzinfo=None)
        for vdn in DEMO_VDNS:
            simulator.listings.show(vdn, with_showcase(vdn, now))
        require_free_port(host, port, f"{another} PORT={port % 65535 + 1}")
        gateway = _start_gateway(host, port, simulator.base_url)
        try:
            _wait_until_it_answers(gateway, host, port)
            click.echo(BANNER.format(host=host, port=port, simulator=simulator.base_url))
            gateway.wait()
            raise click.ClickException(f"The gateway ended by itself, exit code {gateway.returncode}; see above.")
        except KeyboardInterrupt:
            click.echo("\nEnding the gateway and the simulator.")
        finally:
            gateway.terminate()
            gateway.wait()


def _start_gateway(host: str, port: int, upstream: str) -> "subprocess.Popen[bytes]":
    granian = Path(sys.executable).with_name("granian")
    command = [str(granian), "--interface", "wsgi", "--respawn-failed-workers", "--no-ws", "--log-level", "error"]
    # Settings of the caller's environment would make the demo another one, or point it at a real CC-iSales.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    environment = {
        **inherited,
        "GATEWAY_ENV": "development",
        "GATEWAY__ISALES__BASE_URL": upstream,
        "GATEWAY__HTTP__DRAIN_S": "0",
        "GRANIAN_RESPAWN_INTERVAL": "15",
    }
    # A group of its own, so that Ctrl-C reaches this process alone, which then ends the gateway in good order.
    return subprocess.Popen(  # noqa: S603 -- our own server, no shell  # nosec B603
        [*command, "--host", host, "--port", str(port), "app:app"], env=environment, start_new_session=True
    )


def _wait_until_it_answers(gateway: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    give_up = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up:
        if gateway.poll() is not None:
            raise click.ClickException(f"The gateway did not start, exit code {gateway.returncode}; see above.")
        connection = HTTPConnection(host, port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:  # noqa: PLR2004 -- HTTP's OK
                return
        except (OSError, HTTPException):
            time.sleep(0.05)
        finally:
            connection.close()
    raise click.ClickException(f"The gateway did not answer within {START_LIMIT_S:.0f} s.")
