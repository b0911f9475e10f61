"""The call budget end to end: a CC-iSales that hangs, priorities, and processes that share a Redis or lose it."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import HELD_S, HOLDING, GatewayUnderTest
from tests.support.redis_server import RedisServer
from tests.support.server import served_gateway
from tests.support.waiting import wait_until

KEY = {"X-API-Key": "web-key"}
PATIENT = {"isales__deadline_s": "25"}
"""For crowds that are all to be answered: a caller is refused as soon as the calls before it seem to take too long."""


Make = Callable[..., GatewayUnderTest]


def number(gateway: GatewayUnderTest, name: str) -> float:
    """Return one number of the metrics, 0 while it is not there; what all their names begin with is left out."""
    return gateway.number(f"campaign_gateway_upstream_slot{name}")


def statuses(gateways: list[GatewayUnderTest], pages: range) -> list[int]:
    """Ask for these pages at the same time, of one gateway after the other; return the statuses."""
    with ThreadPoolExecutor(len(pages)) as pool:
        answers = [
            pool.submit(gateways[page % len(gateways)].get, f"/campaigns?page_size=1&page={page}") for page in pages
        ]
        return [answer.result(30).status_code for answer in answers]


def pages_called(simulator: SimulatorServer) -> list[str]:
    """Return the pages that were called for, in the order of their first calls."""
    return re.findall(r"curPage=(\d)", " ".join(simulator.calls.snapshot()["by_query"]))


def test_a_hanging_upstream_costs_nobody_more_than_the_deadline(simulator: SimulatorServer, make_gateway: Make) -> None:
    """Of thirty callers two are called for; all are answered in time, no doomed call is made, and nothing is left."""
    gateway = make_gateway(real_time=True, isales__concurrency="2", isales__deadline_s="2.5")
    before = set(threading.enumerate())
    simulator.latency_s = 0.6
    assert gateway.get("/campaigns?page=99").status_code == 200
    simulator.calls.reset()
    simulator.faults.arm(Fault("hang"))

    def ask(page: int) -> tuple[int, int, float]:
        began = time.monotonic()
        answer = gateway.get(f"/campaigns?page={page}")
        return answer.status_code, int(answer.headers.get("Retry-After", 0)), time.monotonic() - began

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(ask, range(1, 31)))
    calls = simulator.calls.snapshot()
    assert (calls["total"], calls["max_in_flight"]) == (2, 2)
    assert sorted(status for status, _, _ in answers) == [503] * 28 + [504] * 2
    # Up to eleven calls, two at a time, of a little over 0.6 seconds each: who is behind them does not wait.
    assert all(1 <= again <= 4 for status, again, _ in answers if status == 503)
    # The rest is room for a busy machine.
    assert max(took for _, _, took in answers) < 2.5 + 1.5
    at_once, later = (
        number(gateway, f'_refusals_total{{reason="{reason}"}}') for reason in ("queue_too_long", "no_slot_in_time")
    )
    assert (at_once + later, later >= 5, at_once >= 5) == (28, True, True)
    assert (number(gateway, "s_in_use"), number(gateway, "_wait_seconds_count")) == (0, 1 + 2 + later)
    simulator.faults.clear()
    assert gateway.get("/campaigns").status_code == 200
    assert {thread for thread in set(threading.enumerate()) - before if "process_request" not in thread.name} == set()


def test_who_cannot_have_a_turn_in_time_is_told_at_once(simulator: SimulatorServer, make_gateway: Make) -> None:
    """As soon as it is known how long calls take, callers too far behind are refused long before the deadline."""
    gateway = make_gateway(real_time=True, isales__concurrency="1", isales__deadline_s="4")
    simulator.latency_s = 0.6
    assert gateway.get("/campaigns?page_size=1").status_code == 200
    began = time.monotonic()
    answers = statuses([gateway], range(2, 32))
    assert time.monotonic() - began < 4 + 1
    assert set(answers) == {200, 503}
    assert 2 <= answers.count(200) <= 7
    assert number(gateway, '_refusals_total{reason="queue_too_long"}') >= 20


def test_a_refresh_waits_behind_callers(simulator: SimulatorServer, make_gateway: Make) -> None:
    """Of a refresh and a caller who came later, the caller gets the slot."""
    gateway = make_gateway(real_time=True, isales__concurrency="1", cache__fresh_s="0.1", **HOLDING)
    assert gateway.get("/campaigns?page=1").status_code == 200
    simulator.calls.reset()
    simulator.latency_s = HELD_S
    threading.Event().wait(0.15)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(gateway.get, "/campaigns?page=2")
        assert simulator.calls.wait_for_in_flight(1, 10)
        assert "stale" in gateway.get("/campaigns?page=1").headers["Cache-Status"]
        wait_until(lambda: number(gateway, 's_waiting{priority="refresh"}') == 1)
        second = pool.submit(gateway.get, "/campaigns?page=3")
        wait_until(lambda: number(gateway, 's_waiting{priority="interactive"}') == 1)
        simulator.latency_s = 0.0
        assert (first.result(10).status_code, second.result(10).status_code) == (200, 200)
    wait_until(lambda: len(simulator.calls.snapshot()["by_query"]) == 3)
    assert pages_called(simulator) == ["2", "3", "1"]
    assert simulator.calls.wait_for_in_flight(0, 10)


def test_a_refresh_that_a_caller_waits_for_goes_first(simulator: SimulatorServer, make_gateway: Make) -> None:
    """A page is too old to be shown at all while its refresh waits: who asks for it now takes that to the front."""
    fresh_s, stale_s = 0.1, 2.0
    lifetimes = {
        "cache__fresh_s": f"{fresh_s}",
        "cache__stale_while_revalidate_s": f"{stale_s}",
        "cache__stale_if_error_s": f"{stale_s}",
    }
    gateway = make_gateway(real_time=True, isales__concurrency="1", **HOLDING, **lifetimes)
    for page in (1, 2):
        assert gateway.get(f"/campaigns?page={page}").status_code == 200
    fetched = time.monotonic()
    simulator.latency_s = HELD_S
    simulator.calls.reset()
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(gateway.get, "/campaigns?page=3")]
        assert simulator.calls.wait_for_in_flight(1, 10)
        wait_until(lambda: "stale" in gateway.get("/campaigns?page=1").headers["Cache-Status"])
        wait_until(lambda: number(gateway, 's_waiting{priority="refresh"}') == 1)
        wait_until(lambda: time.monotonic() > fetched + fresh_s + stale_s)
        asked.append(pool.submit(gateway.get, "/campaigns?page=1"))
        wait_until(lambda: number(gateway, 's_waiting{priority="interactive"}') == 1)
        assert number(gateway, 's_waiting{priority="refresh"}') == 0
        asked.append(pool.submit(gateway.get, "/campaigns?page=4"))
        wait_until(lambda: number(gateway, 's_waiting{priority="interactive"}') == 2)
        simulator.latency_s = 0.0
        assert [answer.result(10).status_code for answer in asked] == [200] * 3
        assert "collapsed" in asked[1].result().headers["Cache-Status"]
    assert pages_called(simulator) == ["3", "1", "4"]


def test_processes_that_share_a_redis_share_the_budget(
    simulator: SimulatorServer, make_gateway: Make, redis_to_hurt: RedisServer
) -> None:
    """Twenty callers of two gateways are all answered, with never more than three calls at once."""
    shared = {"cache__shared_url": redis_to_hurt.url.reveal(), "isales__concurrency": "3", **PATIENT}
    gateways = [make_gateway(real_time=True, **shared) for _ in range(2)]
    # Long beside the work for a call, so that as many are under way as may be.
    simulator.latency_s = 0.3
    assert statuses(gateways, range(1, 21)) == [200] * 20
    calls = simulator.calls.snapshot()
    assert (calls["total"], calls["max_in_flight"]) == (20, 3)


def test_slots_of_a_killed_process_come_back(
    simulator: SimulatorServer, make_gateway: Make, redis_to_hurt: RedisServer
) -> None:
    """Who waits for the only slot gets it shortly after the deadline of the call that the killed process was making."""
    url = redis_to_hurt.url.reveal()
    simulator.faults.arm(Fault("hang", times=1))
    other = make_gateway(real_time=True, cache__shared_url=url, isales__concurrency="1", isales__deadline_s="20")
    variables = {
        "GATEWAY__CACHE__SHARED_URL": url,
        "GATEWAY__ISALES__CONCURRENCY": "1",
        "GATEWAY__ISALES__DEADLINE_S": "2",
    }
    with served_gateway(simulator.base_url, 1, **variables) as holder, ThreadPoolExecutor(1) as pool:
        called = time.monotonic()
        pool.submit(requests.get, f"{holder.url}/campaigns", headers=KEY, timeout=20)
        assert simulator.calls.wait_for_in_flight(1, 10)
        children = Path(f"/proc/{holder.process.pid}/task/{holder.process.pid}/children").read_text()
        for worker in children.split():
            os.kill(int(worker), signal.SIGKILL)
        began = time.monotonic()
        assert other.get("/campaigns?page=2").status_code == 200
        answered = time.monotonic()
    # Two seconds of deadline and one after it; the rest is room for a busy machine.
    assert answered - called > 3 - 0.1
    assert answered - began < 3 + 3


@pytest.mark.parametrize("trouble", ["hung", "killed"])
def test_calls_go_on_without_redis(
    simulator: SimulatorServer, make_gateway: Make, redis_to_hurt: RedisServer, trouble: str
) -> None:
    """When Redis fails while callers wait, all are answered, and this process still keeps to its own limit."""
    url = redis_to_hurt.url.reveal()
    gateway = make_gateway(real_time=True, cache__shared_url=url, isales__concurrency="2", **PATIENT)
    simulator.latency_s = 0.2
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(statuses, [gateway], range(1, 21))
        wait_until(lambda: simulator.calls.total >= 6)
        if trouble == "hung":
            redis_to_hurt.pause()
        else:
            redis_to_hurt.kill()
        assert answers.result(30) == [200] * 20
    calls = simulator.calls.snapshot()
    assert (calls["total"], calls["max_in_flight"]) == (20, 2)
    assert number(gateway, "s_in_use") == 0
    assert gateway.get("/readyz").get_json()["dependencies"]["shared_cache"]["status"] == "failing"
    if trouble == "hung":
        redis_to_hurt.resume()
