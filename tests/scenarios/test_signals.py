"""Signals to the workers of a served gateway in which threads start all the time, as they do under callers."""

import os
import signal

from gateway.reload.published import workers
from gateway.simulator.server import SimulatorServer
from tests.support.server import served_gateway
from tests.support.waiting import wait_until

LIMIT_S = 20.0
RELOADS = 20


def reloads(pid: int) -> int:
    """Return how often this worker has reloaded its settings."""
    (shown,) = [worker.shown for worker in workers(pid)]
    return shown.reloads


def test_a_worker_hears_of_every_signal(simulator: SimulatorServer) -> None:
    """It reloads at each SIGHUP, and ends at SIGTERM in good order; nothing else has to happen for that."""
    with served_gateway(simulator.base_url, app="tests.support.restless:app") as gateway:
        (worker,) = gateway.worker_pids()
        for count in range(1, RELOADS + 1):
            os.kill(worker, signal.SIGHUP)
            wait_until(lambda number=count: reloads(worker) == number, LIMIT_S)  # type: ignore[misc] # -- the loop's
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(LIMIT_S) == 0
