"""A gateway that takes the place of another one on the same port, and signals that come early or all at once."""

import os
import signal
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from gateway.simulator.server import SimulatorServer
from tests.support.gateway import PROJECT, VARIABLES
from tests.support.server import BIN, environment, free_port, served_gateway, served_gateway_at
from tests.support.waiting import wait_until

LIMIT_S = 60.0
KEY = {"X-API-Key": "web-key"}
REQUESTS = 200


def test_another_one_takes_the_place_on_the_same_port(simulator: SimulatorServer) -> None:
    """Each listens by itself (SO_REUSEPORT), so nobody finds the port closed; the first one drains. None is lost."""
    counts: Counter[object] = Counter()
    port, done = free_port(), threading.Event()

    def call() -> None:
        with requests.Session() as session:
            while not done.wait(0.02):
                try:
                    url = f"http://127.0.0.1:{port}/campaigns"
                    counts[session.get(url, headers=KEY, timeout=LIMIT_S).status_code] += 1
                except requests.RequestException as error:
                    counts[repr(error)] += 1

    with ExitStack() as stack:
        first = stack.enter_context(served_gateway_at(port, simulator.base_url, 1, GATEWAY__HTTP__DRAIN_S="1.5"))
        pool = stack.enter_context(ThreadPoolExecutor(8))
        callers = [pool.submit(call) for _ in range(8)]
        stack.callback(done.set)
        wait_until(lambda: counts.total() > REQUESTS, LIMIT_S)
        second = stack.enter_context(served_gateway_at(port, simulator.base_url))
        wait_until(second.worker_pids, LIMIT_S)
        wait_until(lambda: "Started worker-1" in second.log.read_text(), LIMIT_S)
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(LIMIT_S) == 0
        so_far = counts.total()
        wait_until(lambda: counts.total() > so_far + REQUESTS, LIMIT_S)
        done.set()
        for caller in callers:
            caller.result(LIMIT_S)
    assert set(counts) == {200}


def test_signals_to_worker_and_main_process_in_quick_succession(simulator: SimulatorServer) -> None:
    """A reload of the worker, its replacement and the end, all at once: the end comes, in good order."""
    with served_gateway(simulator.base_url, GRANIAN_RESPAWN_INTERVAL="1", GATEWAY__HTTP__DRAIN_S="0.2") as served:
        (worker,) = served.worker_pids()
        os.kill(worker, signal.SIGHUP)
        served.process.send_signal(signal.SIGHUP)
        os.kill(worker, signal.SIGHUP)
        wait_until(lambda: served.worker_pids() not in ([worker], []), LIMIT_S)
        assert requests.get(f"{served.url}/campaigns", headers=KEY, timeout=LIMIT_S).status_code == 200
        served.process.send_signal(signal.SIGHUP)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(LIMIT_S) == 0
        assert "ended_with_open_requests" not in served.log.read_text()


@pytest.mark.parametrize("mapped", ["_granian", "markupsafe", "_sqlite3|_ssl"])
def test_a_signal_in_the_first_moments_ends_the_server(simulator: SimulatorServer, mapped: str) -> None:
    """However far its worker has come with loading: it is never swallowed."""
    settings = {"GATEWAY__ISALES__BASE_URL": simulator.base_url, "GATEWAY__HTTP__DRAIN_S": "0"}
    variables = environment(**VARIABLES, **settings)
    process = subprocess.Popen(
        [str(BIN / "granian"), "--interface", "wsgi", "--port", str(free_port()), "app:app"],
        cwd=PROJECT,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: any(has_mapped(pid, mapped) for pid in children(process.pid)), LIMIT_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait(LIMIT_S)


def children(pid: int) -> list[int]:
    """Return the processes that this one has started."""
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def has_mapped(pid: int, names: str) -> bool:
    """Tell whether a process has loaded one of these libraries."""
    try:
        text = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        # It may end while it is read.
        return False
    return any(name in text for name in names.split("|"))
