"""WSGI servers other than in the deploy files, each with the options that deploy/README.md says it needs."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests

from gateway.reload import published
from tests.support.canaries import require_none
from tests.support.gateway import PROJECT, VARIABLES
from tests.support.server import BIN, ServedGateway, free_port, unmeasured

THREADS = "300"


@dataclass(frozen=True)
class WsgiServer:
    """A server: its package, its command with a place for the port, and what it can do.

    `drains`: SIGTERM makes `/readyz` unready first. `finishes`: what is under way at SIGTERM is answered. `ended` is
    its exit code then.
    """

    name: str
    package: str
    command: str
    workers: int = 1
    drains: bool = False
    finishes: bool = True
    ended: int = 0


GRANIAN = WsgiServer(
    "granian",
    "granian",
    "granian --interface wsgi --respawn-failed-workers --blocking-threads 2048 --backpressure 2048 "
    "--respawn-interval 15 --port {port} app:app",
    drains=True,
)
GTHREAD = WsgiServer(
    "gunicorn-gthread",
    "gunicorn",
    f"gunicorn --no-control-socket --worker-class gthread --threads {THREADS} --workers 2 "
    "--bind 127.0.0.1:{port} app:app",
    workers=2,
    drains=True,
)
PRELOAD = WsgiServer(
    "gunicorn-preload",
    "gunicorn",
    GTHREAD.command.replace(" --workers", " --preload --workers"),
    workers=2,
    drains=True,
)
GEVENT = WsgiServer(
    "gunicorn-gevent",
    "gevent",
    "gunicorn --no-control-socket --worker-class gevent --bind 127.0.0.1:{port} app:app",
    drains=True,
)
UWSGI = WsgiServer(
    "uwsgi",
    "pyuwsgi",
    "uwsgi --http11-socket 127.0.0.1:{port} --module app:app --master --need-app --lazy-apps --enable-threads "
    f"--threads {THREADS} --disable-logging --hook-master-start unix_signal:15=gracefully_kill_them_all",
)
UWSGI_FORKED = WsgiServer("uwsgi-forked", "pyuwsgi", UWSGI.command.replace("--lazy-apps ", ""))
UWSGI_ALONE = WsgiServer(
    "uwsgi-alone",
    "pyuwsgi",
    f"uwsgi --http11-socket 127.0.0.1:{{port}} --module app:app --need-app --enable-threads --threads {THREADS} "
    "--disable-logging",
    finishes=False,
    ended=30,
)
WAITRESS = WsgiServer(
    "waitress",
    "waitress",
    f"waitress-serve --threads {THREADS} --connection-limit 2000 --no-clear-untrusted-proxy-headers "
    "--listen 127.0.0.1:{port} app:app",
    finishes=False,
    ended=-signal.SIGTERM,
)


def arguments(server: WsgiServer, port: int) -> list[str]:
    """Return the command of a server; the test is skipped where it is not installed."""
    if find_spec(server.package) is None:
        pytest.skip(f"{server.package} is not installed here")
    program, *rest = server.command.format(port=port).split()
    # The name of a hook and what it does are one argument.
    return [str(BIN / program), *(each.replace("=", " ") if each.startswith("unix_signal") else each for each in rest)]


@contextmanager
def serving(server: WsgiServer, base_url: str, **variables: str) -> Iterator[ServedGateway]:
    """Serve the gateway in front of the CC-iSales at `base_url` by `server`, with `variables` of the environment."""
    port = free_port()
    settings = {**VARIABLES, "GATEWAY__ISALES__BASE_URL": base_url, "GATEWAY__HTTP__DRAIN_S": "0", **variables}
    with tempfile.NamedTemporaryFile("w") as log:
        process = subprocess.Popen(
            arguments(server, port),
            cwd=PROJECT,
            env=unmeasured(**settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        served = ServedGateway(f"http://127.0.0.1:{port}", process, Path(log.name))
        try:
            _wait_for(served)
            yield served
        finally:
            # Some do not end while a connection is kept, and nothing of theirs is to be seen any more.
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()
            require_none(Path(log.name).read_bytes(), "the log of a served gateway")


def _wait_for(served: ServedGateway, limit_s: float = 60.0) -> None:
    # They listen before they have loaded the app, so the first request waits for that.
    give_up = time.monotonic() + limit_s
    while time.monotonic() < give_up:
        assert served.process.poll() is None, served.log.read_text()
        try:
            if requests.get(f"{served.url}/healthz", timeout=limit_s).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.02)
    raise AssertionError(served.log.read_text())


def workers_of(served: ServedGateway) -> list[int]:
    """Return the ids of the processes that serve."""
    found = list(published.workers(served.process.pid))
    return [worker.pid for worker in found if worker.pid not in {other.parent for other in found}]


def reload_by_command(served: ServedGateway) -> "subprocess.CompletedProcess[str]":
    """Run `flask config reload` for this server."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "config", "reload", "--pid", str(served.process.pid)],
        cwd=PROJECT,
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
