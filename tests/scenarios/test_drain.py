"""The end of a served gateway with two workers, while callers call."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from gateway.simulator.server import SimulatorServer
from tests.support.server import ServedGateway, served_gateway
from tests.support.waiting import wait_until

LIMIT_S = 30.0
WORKERS = 2
KEY = {"X-API-Key": "web-key"}
MISSES = 'campaign_gateway_cache_lookups_total{outcome="miss"'


class LoadBalancer:
    """Sends requests of many callers to a gateway for as long as `/readyz` is good, and counts how they are answered.

    It looks at `/readyz` so often that it notices within `http.drain_s`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._ready = threading.Event()
        self._ready.set()
        self.counts: Counter[object] = Counter()
        self.last_readiness: tuple[int, object] = (0, None)

    def watch(self) -> None:
        """Look at `/readyz` until it is not good, or does not answer."""
        try:
            while self._ready.is_set():
                with requests.get(f"{self._url}/readyz", timeout=LIMIT_S) as answer:
                    self.last_readiness = answer.status_code, answer.json()["status"]
                if not answer.ok:
                    return
                time.sleep(0.02)
        finally:
            self._ready.clear()

    def call(self, number: int) -> None:
        """Call, on a connection that is kept, until the gateway is not ready any more."""
        with requests.Session() as session:
            while self._ready.is_set():
                time.sleep(0.02)
                try:
                    page = number % 7 + 1
                    status = session.get(f"{self._url}/campaigns?page={page}", headers=KEY, timeout=LIMIT_S).status_code
                except requests.RequestException as error:
                    self.counts[repr(error)] += 1
                else:
                    self.counts[status] += 1


@contextmanager
def calling(url: str) -> Iterator[LoadBalancer]:
    """Have callers call, on the way out until the gateway says that it ends."""
    balancer = LoadBalancer(url)
    with ThreadPoolExecutor(16) as pool:
        done = [pool.submit(balancer.watch), *(pool.submit(balancer.call, number) for number in range(12))]
        yield balancer
        for each in done:
            each.result(LIMIT_S)


@contextmanager
def served(simulator: SimulatorServer, **variables: str) -> Iterator[ServedGateway]:
    """Serve a gateway with two workers that are both there."""
    with served_gateway(simulator.base_url, WORKERS, **variables) as gateway:
        wait_until(lambda: len(gateway.worker_pids()) == WORKERS, LIMIT_S)
        yield gateway


def test_the_end_of_a_busy_server_loses_no_request(simulator: SimulatorServer) -> None:
    """Readiness fails at once, and everything that was sent until that was seen is answered, however long it takes."""
    slow: list[int] = []
    with served(simulator, GATEWAY__HTTP__DRAIN_S="1.5") as gateway:
        with calling(gateway.url) as balancer:
            wait_until(lambda: balancer.counts[200] > 200, LIMIT_S)
            simulator.latency_s = 3.0
            waiting = threading.Thread(
                target=lambda: slow.append(
                    requests.get(f"{gateway.url}/campaigns?page=20", headers=KEY, timeout=LIMIT_S).status_code
                )
            )
            waiting.start()
            assert simulator.calls.wait_for_in_flight(1, LIMIT_S)
            gateway.process.send_signal(signal.SIGTERM)
        waiting.join(LIMIT_S)
        assert gateway.process.wait(LIMIT_S) == 0
    assert set(balancer.counts) == {200}
    assert balancer.last_readiness == (503, "draining")
    assert slow == [200]


def misses(gateway: ServedGateway) -> float:
    """Return how often a worker had to fetch a page that it had not, over all workers."""
    text = requests.get(f"{gateway.url}/metrics", headers={"Connection": "close"}, timeout=LIMIT_S).text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(MISSES))


@pytest.mark.parametrize("told", ["main", "all"])
def test_no_process_waits_for_a_refresh(simulator: SimulatorServer, told: str) -> None:
    """A page that is refreshed in the background keeps nobody; a service manager may tell all processes to end."""
    fresh_s = 2.0
    with served(simulator, GATEWAY__CACHE__FRESH_S=f"{fresh_s}", GATEWAY__ISALES__DEADLINE_S="25") as gateway:

        def ask() -> None:
            requests.get(f"{gateway.url}/campaigns", headers={**KEY, "Connection": "close"}, timeout=LIMIT_S)

        # Each worker has the page, so the only call from then on is the refresh of the last request.
        while misses(gateway) < WORKERS:
            ask()
        time.sleep(fresh_s)
        # The simulator may still be at work for who has given up in the test before.
        assert simulator.calls.wait_for_in_flight(0, LIMIT_S)
        simulator.latency_s = 10.0
        ask()
        assert simulator.calls.wait_for_in_flight(1, LIMIT_S)
        for pid in [gateway.process.pid, *(gateway.worker_pids() if told == "all" else [])]:
            os.kill(pid, signal.SIGTERM)
        assert gateway.process.wait(LIMIT_S) == 0
        assert simulator.calls.snapshot()["in_flight"] == 1
