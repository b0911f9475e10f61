"""Callers who wait for a change of a page, of gateways that granian serves, in processes that share a Redis."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from gateway.simulator.campaigns import campaigns_of
from gateway.simulator.server import SimulatorServer
from tests.scenarios.test_reload_processes import Running
from tests.support.redis_server import RedisServer
from tests.support.server import ServedGateway, served_gateway
from tests.support.waiting import wait_until

LIMIT_S = 30.0
MANY = 40
KEY = {"X-API-Key": "web-key"}
PATIENT = {"GATEWAY__HTTP__LONGEST_WAIT_S": "60"}
Begin = Callable[..., "Future[requests.Response]"]


@contextmanager
def callers() -> Iterator[Begin]:
    """Return what has a caller wait until the page has another tag."""
    with ThreadPoolExecutor(MANY) as pool:

        def begin(url: str, etag: str, key: str = "web-key") -> "Future[requests.Response]":
            headers = {"X-API-Key": key, "If-None-Match": etag, "Prefer": "wait=60"}
            return pool.submit(requests.get, f"{url}/campaigns", headers=headers, timeout=LIMIT_S)

        yield begin


def waiting(gateway: ServedGateway) -> float:
    """Return how many wait, over all workers."""
    text = requests.get(f"{gateway.url}/metrics", timeout=LIMIT_S).text
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith("campaign_gateway_waiters "))


def tag_of(gateway: ServedGateway) -> str:
    """Return the tag of the page."""
    return requests.get(f"{gateway.url}/campaigns", headers=KEY, timeout=LIMIT_S).headers["ETag"]


def change(simulator: SimulatorServer) -> None:
    """Have another page from now on: a change that is soon undone may be over before all processes have looked."""
    simulator.listings.show(1, campaigns_of(1, 251))


def test_one_call_for_all_who_wait_in_all_processes(simulator: SimulatorServer, redis: RedisServer) -> None:
    """While nothing changes CC-iSales is asked once in `fresh_s`, and a change is told to all."""
    fresh_s = 0.5
    lifetime = {"GATEWAY__CACHE__FRESH_S": f"{fresh_s:g}", "GATEWAY__CACHE__MIN_REFRESH_S": f"{fresh_s:g}"}
    sharing = {"GATEWAY__CACHE__SHARED_URL": redis.url.reveal(), **lifetime, **PATIENT}
    with (
        served_gateway(simulator.base_url, 1, **sharing) as one,
        served_gateway(simulator.base_url, 1, **sharing) as two,
        callers() as begin,
    ):
        etag = tag_of(one)
        assert tag_of(two) == etag
        waits = [begin(gateway.url, etag) for gateway in (one, two) for _ in range(MANY // 2)]
        wait_until(lambda: (waiting(one), waiting(two)) == (MANY // 2, MANY // 2), LIMIT_S)
        before, began = simulator.calls.total, time.monotonic()
        wait_until(lambda: simulator.calls.total >= before + 4, LIMIT_S)
        spans = (time.monotonic() - began) / fresh_s
        # The first of them may come at once, the others each a whole freshness after the one before.
        assert simulator.calls.total - before <= spans + 1
        assert not any(wait.done() for wait in waits)
        change(simulator)
        answers = [wait.result(LIMIT_S) for wait in waits]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["ETag"] for answer in answers} - {etag}) == 1


def test_reloads_and_the_end_of_a_process_answer_all_who_wait(simulator: SimulatorServer, tmp_path: Path) -> None:
    """By SIGHUP to the workers, who refuse those who lost their key and go on to serve; and by SIGTERM.

    At the end none is cut, each is told to close its connection, and the process ends long before their time is over.
    """
    running = Running(tmp_path)
    running.write("web-key")
    settings = {"GATEWAY_CONFIG": str(running.file), "GATEWAY__CLIENTS": "", "GATEWAY__TENANTS": "", **PATIENT}
    with (
        served_gateway(simulator.base_url, 1, GATEWAY__HTTP__DRAIN_S="1", **settings) as gateway,
        callers() as begin,
    ):
        etag = tag_of(gateway)
        kept = begin(gateway.url, etag)
        wait_until(lambda: waiting(gateway) == 1, LIMIT_S)
        running.write("web-key", "other-key")
        for worker in gateway.worker_pids():
            os.kill(worker, signal.SIGHUP)
        assert kept.result(LIMIT_S).status_code == 304
        lost = begin(gateway.url, etag)
        wait_until(lambda: waiting(gateway) == 1, LIMIT_S)
        running.write("other-key")
        for worker in gateway.worker_pids():
            os.kill(worker, signal.SIGHUP)
        assert lost.result(LIMIT_S).status_code == 401
        waits = [begin(gateway.url, etag, "other-key") for _ in range(MANY)]
        wait_until(lambda: waiting(gateway) == MANY, LIMIT_S)
        gateway.process.send_signal(signal.SIGTERM)
        answers = [wait.result(LIMIT_S) for wait in waits]
        assert gateway.process.wait(LIMIT_S) == 0
    assert {(answer.status_code, answer.headers["Preference-Applied"]) for answer in answers} == {(304, "wait=60")}
    assert {answer.headers["Connection"] for answer in answers} == {"close"}


@pytest.mark.parametrize("threads", ["16", ""])
def test_who_waits_leaves_threads_for_others(simulator: SimulatorServer, threads: str) -> None:
    """At most half of those that granian has, whatever `http.most_waiters` says, are held by waits."""
    few = {"GRANIAN_BLOCKING_THREADS": threads, "GRANIAN_BACKPRESSURE": "" if threads else "64"}
    with (
        served_gateway(simulator.base_url, 1, GATEWAY__CACHE__FRESH_S="1", **few, **PATIENT) as gateway,
        callers() as begin,
    ):
        etag, most = tag_of(gateway), int(threads or 32) // 2
        waits = [begin(gateway.url, etag) for _ in range(most + 5)]
        wait_until(lambda: (sum(wait.done() for wait in waits), waiting(gateway)) == (5, most), LIMIT_S)
        at_once = [wait for wait in waits if wait.done()]
        assert not any("Preference-Applied" in wait.result().headers for wait in at_once)
        assert {wait.result().status_code for wait in at_once} == {304}
        change(simulator)
        assert {wait.result(LIMIT_S).status_code for wait in waits if wait not in at_once} == {200}
        assert "waiters_bounded" in gateway.log.read_text()
