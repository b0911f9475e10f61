"""The gateway as it is served: granian in a process of its own, on a free port of the loopback interface."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.reload import published
from gateway.reload.signals import CRASH_LOOP_S
from tests.support.canaries import require_none
from tests.support.gateway import PROJECT, VARIABLES
from tests.support.waiting import wait_until

BIN = Path(sys.executable).parent
LISTENING = ("-P", "deploy/systemd/serve.py")
"""What runs granian on a listener of systemd's, as `deploy/systemd/listener.conf` has it."""
BUS: Final = 10_000
"""How far above its port a node of a Redis cluster talks to the others."""
_PORTS: Final = (11_000, 21_000, 250)
"""The first one, which is above those that browsers refuse (10080 is the last), the end, and how many a process has."""
_TURN: Final = itertools.count()
_FOR_LIFE: Final = ExitStack()


@dataclass(frozen=True)
class ServedGateway:
    """A gateway that answers at `url`, the process that serves it, and the file that takes all that it says.

    `first` are workers that no others were there before, as far as they were known when it answered first.
    """

    url: str
    process: "subprocess.Popen[str]"
    log: Path
    first: frozenset[int] = frozenset()

    def worker_pids(self) -> list[int]:
        """Return the ids of the processes that serve."""
        return [worker.pid for worker in published.workers(self.process.pid) if worker.pid != self.process.pid]

    def kill(self, worker: int) -> None:
        """Kill this worker as soon as granian does not take its death for the beginning of a crash loop."""
        # The kernel counts in hundredths of a second, from the start of the process, and granian from a little before.
        # That it begins at all it thinks only of one that took the place of another.
        if worker not in self.first:
            wait_until(lambda: _age_s(worker) > CRASH_LOOP_S + 0.1, 2 * CRASH_LOOP_S)
        os.kill(worker, signal.SIGKILL)


def _age_s(pid: int) -> float:
    """Return for how long there has been this process, seconds."""
    # proc(5): field 22, in ticks since the machine started; the name of the program, in parentheses, may hold anything.
    started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(started) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on, and that nobody but this process takes meanwhile.

    The system would give one of which another process may make its own before whoever is to listen there does: a server
    at port 0, or whoever opens a connection. It gives none below 32768 (ip(7), `ip_local_port_range`).
    """
    claimed = _own_ports()
    for _ in claimed:
        port = claimed[next(_TURN) % len(claimed)]
        if _is_free(port) and _is_free(port + BUS):
            return port
    raise AssertionError(f"somebody listens on each of the ports {claimed.start} to {claimed.stop - 1}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def claimed_ports() -> Iterator[range]:
    """Yield ports that nobody else who claims some on this machine has meanwhile."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
        first = next((first for first in range(*_PORTS) if _is_mine(claim, first)), None)
        assert first is not None, "as many processes of tests as there are ports for run on this machine; end some"
        yield range(first, first + _PORTS[2])


def _is_mine(claim: socket.socket, first: int) -> bool:
    try:
        # A name without a file (unix(7)), of the same network as the ports; it goes with the process, however it ends.
        claim.bind(f"\0campaign-gateway-tests-{first}")
    except OSError:
        return False
    return True


@cache
def _own_ports() -> range:
    return _FOR_LIFE.enter_context(claimed_ports())


def environment(**variables: str) -> dict[str, str]:
    """Return this process' environment without settings of the gateway and its server, and with `variables`.

    `make`, by which the tests are run, hands over those of the server that it would serve with.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY", "GRANIAN"))}
    return {**inherited, **variables}


@contextmanager
def served_gateway(
    base_url: str, workers: int = 1, *, app: str = "app:app", **variables: str
) -> Iterator[ServedGateway]:
    """Serve the gateway in front of the CC-iSales at `base_url` for as long as the context lasts.

    `variables` are those of the environment; an empty one is as good as none. It does not drain when it is ended.
    `app` is where granian finds it.
    """
    with served_gateway_at(free_port(), base_url, workers, app=app, **variables) as served:
        yield served


@contextmanager
def served_gateway_at(
    port: int,
    base_url: str,
    workers: int = 1,
    listener: socket.socket | None = None,
    /,
    *,
    app: str = "app:app",
    **variables: str,
) -> Iterator[ServedGateway]:
    """Do the same on this port, and under granian's `GRANIAN_URL_PATH_PREFIX` where that is among the variables.

    `listener` listens there already, and is handed over as systemd does it.
    """
    settings = {**VARIABLES, "GATEWAY__ISALES__BASE_URL": base_url, "GATEWAY__HTTP__DRAIN_S": "0", **variables}
    settings = {name: value for name, value in settings.items() if value}
    program = [str(BIN / "granian")] if listener is None else [*_inheriting(listener), str(BIN / "python"), *LISTENING]
    command = [*program, "--interface", "wsgi", "--respawn-failed-workers", "--workers", str(workers)]
    url = f"http://127.0.0.1:{port}{settings.get('GRANIAN_URL_PATH_PREFIX', '')}"
    with tempfile.NamedTemporaryFile("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), app],
            cwd=PROJECT,
            env=environment(**settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=() if listener is None else (listener.fileno(),),
        )
        try:
            wait_until_it_answers(f"{url}/healthz", process)
            served = ServedGateway(url, process, Path(log.name))
            yield replace(served, first=frozenset(served.worker_pids()))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            require_none(Path(log.name).read_bytes(), "the log of a served gateway")


_HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.execve(sys.argv[2], sys.argv[2:], {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
"""


def _inheriting(listener: socket.socket) -> list[str]:
    """Return how to start a program that has this listener from systemd (sd_listen_fds(3))."""
    # Not by a shell: Debian's knows no descriptor above 9 by number.
    return [sys.executable, "-c", _HAND_OVER, str(listener.fileno())]


def wait_until_it_answers(url: str, process: "subprocess.Popen[str]", limit_s: float = 60.0) -> None:
    """Return as soon as `url` answers 200; fail when the process ends or takes too long."""
    give_up = time.monotonic() + limit_s
    parts = urlsplit(url)
    while time.monotonic() < give_up:
        assert process.poll() is None, f"the server ended with exit code {process.returncode}"
        # Not by requests, which takes ten times as much of the processor: most looks come too early.
        with closing(HTTPConnection(parts.netloc, timeout=1)) as connection, suppress(OSError, HTTPException):
            connection.request("GET", parts.path)
            if connection.getresponse().status == HTTPStatus.OK:
                return
        time.sleep(0.02)
    raise AssertionError(f"{url} did not answer within {limit_s:.0f} s")
