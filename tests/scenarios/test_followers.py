"""Who asks for a page that is on its way waits for it in front of Flask, and is answered as by Flask."""

import io
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import redirect_stderr
from typing import Any

import pytest
from flask import request
from werkzeug.test import TestResponse

from gateway.pages.flights import Flight
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import HELD_S, HOLDING, GatewayUnderTest
from tests.support.redis_server import RedisServer
from tests.support.threads import threads_in
from tests.support.waiting import wait_until


class Crowd:
    """A leader whose fetch is under way, and followers that ask for the same page."""

    def __init__(self, gateway: GatewayUnderTest, simulator: SimulatorServer) -> None:
        self.reached_flask: list[str] = []
        self.gateway = gateway
        self._simulator = simulator
        gateway.app.before_request(lambda: self.reached_flask.append(request.headers.get("X-Request-Id", "")))

    def answers(self, path: str, *asked: dict[str, Any]) -> list[TestResponse]:
        """Return the answers to the leader and, in their order, to a follower with each of `asked`.

        The page comes as soon as all followers wait for it, but for those who are in a hurry, or refused.
        """
        before = self._simulator.calls.total
        self._simulator.latency_s = HELD_S
        with ThreadPoolExecutor(1 + len(asked)) as pool:
            futures: list[Future[TestResponse]] = [self._submit(pool, path, "leader", {})]
            wait_until(lambda: self._simulator.calls.total == before + 1)
            futures += [self._submit(pool, path, f"follower-{number}", given) for number, given in enumerate(asked)]
            hurried = [
                each
                for each, given in zip(futures[1:], asked, strict=True)
                if "X-Request-Timeout-Ms" in given.get("headers", {})
            ]
            wait_until(lambda: all(each.done() for each in hurried) and self._followed(futures[1:]))
            self._simulator.latency_s = 0.0
            return [future.result(20) for future in futures]

    @staticmethod
    def _followed(followers: list[Future[TestResponse]]) -> bool:
        """Tell whether each of these waits, or is answered already."""
        answered = sum(follower.done() for follower in followers)
        return answered + threads_in(Flight.wait) == len(followers)

    def _submit(self, pool: ThreadPoolExecutor, path: str, name: str, given: dict[str, Any]) -> Future[TestResponse]:
        headers = {"X-Request-Id": name, **given.get("headers", {})}
        return pool.submit(self.gateway.get, path, **{**given, "headers": headers})


@pytest.fixture
def crowd(make_gateway: Callable[..., GatewayUnderTest], simulator: SimulatorServer) -> Crowd:
    """Return a crowd for a gateway in real time."""
    return Crowd(make_gateway(real_time=True, **HOLDING), simulator)


def test_followers_get_what_flask_would_have_sent(crowd: Crowd, simulator: SimulatorServer) -> None:
    """Their answers differ from the leader's in nothing but how the cache came by the page, and in their ids."""
    leader, *followers = crowd.answers("/campaigns?page=2", {}, {}, {"key": "all-key", "headers": {}})
    assert crowd.reached_flask[0] == "leader"
    # The third may read more than one VDN, so the same words mean something else to it.
    assert set(crowd.reached_flask[1:]) == {"follower-2"}
    assert followers[2].status_code == 400
    for number, follower in enumerate(followers[:2]):
        assert (follower.status_code, follower.data) == (200, leader.data)
        assert follower.headers["X-Request-Id"] == f"follower-{number}"
        assert follower.headers["Cache-Status"] == "campaign-gateway; fwd=miss; collapsed; ttl=15; age=0"
        assert follower.headers["Server-Timing"].startswith("cache-collapsed;dur=")
        assert {name for name, _ in follower.headers} == {name for name, _ in leader.headers}
        own = {"X-Request-Id", "Cache-Status", "Server-Timing"}
        assert [(n, v) for n, v in follower.headers if n not in own] == [
            (n, v) for n, v in leader.headers if n not in own
        ]
    assert simulator.calls.total == 1


def test_followers_negotiate_for_themselves(crowd: Crowd) -> None:
    """Each gets the coding that it asked for, or 304 for what it has."""
    crowd.answers("/campaigns")
    # The page is fetched anew, and is the same one.
    crowd.gateway.get("/cache?hard=true", method="DELETE", key="purger-key")
    known = crowd.gateway.get("/campaigns", headers={"Accept-Encoding": "gzip"})
    crowd.gateway.get("/cache?hard=true", method="DELETE", key="purger-key")
    crowd.reached_flask.clear()
    tag = known.headers["ETag"]
    gzip = {"Accept-Encoding": "gzip"}
    _, packed, held, other = crowd.answers(
        "/campaigns",
        {"headers": gzip},
        {"headers": {**gzip, "If-None-Match": tag}},
        {"headers": {"If-None-Match": f'"x", {tag}'}},
    )
    assert (packed.status_code, packed.headers["Content-Encoding"], packed.data) == (200, "gzip", known.data)
    assert (held.status_code, held.data, held.headers["ETag"]) == (304, b"", tag)
    assert "Content-Encoding" not in other.headers
    assert other.status_code == 200
    assert crowd.reached_flask == []


def test_followers_share_a_failure_as_a_problem(crowd: Crowd, simulator: SimulatorServer) -> None:
    """A fetch that fails is the same problem for all, and nobody tries again."""
    simulator.faults.arm(Fault("result-code", times=1, result_code="0299999"))
    answers = crowd.answers("/campaigns", {}, {}, {})
    assert [answer.status_code for answer in answers] == [502] * 4
    assert {answer.get_json()["type"] for answer in answers} == {"problems/upstream-failed"}
    assert {answer.get_json()["request_id"] for answer in answers} == {
        "leader",
        "follower-0",
        "follower-1",
        "follower-2",
    }
    assert simulator.calls.total == 1


def test_a_follower_in_a_hurry_is_told_in_time(crowd: Crowd, simulator: SimulatorServer) -> None:
    """A follower waits no longer than it said, and the others get the page."""
    leader, hurried, patient = crowd.answers("/campaigns", {"headers": {"X-Request-Timeout-Ms": "200"}}, {})
    assert (leader.status_code, hurried.status_code, patient.status_code) == (200, 504, 200)
    assert hurried.get_json()["type"] == "problems/upstream-timeout"
    assert simulator.calls.total == 1


def test_followers_are_in_the_log_and_in_the_numbers(
    make_gateway: Callable[..., GatewayUnderTest], simulator: SimulatorServer
) -> None:
    """A follower has the same line in the log as others have, with its own id, and counts as they do."""
    written = io.StringIO()
    with redirect_stderr(written):
        gateway = make_gateway(real_time=True, log__format="json", http__trusted_proxies="1", **HOLDING)
        Crowd(gateway, simulator).answers("/campaigns", {"headers": {"X-Forwarded-For": "192.0.2.7"}})
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    leader, follower = sorted((line for line in lines if line["event"] == "request"), key=lambda line: line["cache"])[
        ::-1
    ]
    assert leader.keys() - follower.keys() == {"upstream_calls", "upstream_ms"}
    assert follower.keys() <= leader.keys()
    assert (follower["cache"], follower["request_id"], follower["client"], follower["vdn"], follower["remote"]) == (
        "collapsed",
        "follower-0",
        "web",
        1,
        "192.0.2.7",
    )
    numbers = gateway.get("/metrics").get_data(as_text=True)
    assert 'campaign_gateway_requests_total{endpoint="campaigns.list_campaigns",problem="",status="200"} 2.0' in numbers
    assert 'campaign_gateway_cache_lookups_total{outcome="collapsed",rung="",tier=""} 1.0' in numbers


def test_a_crowd_is_woken_whole(crowd: Crowd, simulator: SimulatorServer) -> None:
    """Each who is woken wakes the next, also where some have given up in between."""
    hurried = {"headers": {"X-Request-Timeout-Ms": "300"}}
    asked = [hurried if number % 3 == 0 else {} for number in range(60)]
    answers = crowd.answers("/campaigns", *asked)
    assert [answer.status_code for answer in answers[1:]] == [504 if given else 200 for given in asked]
    assert threading.active_count() < 60
    assert simulator.calls.total == 1


def test_nobody_waits_for_a_refresh(
    make_gateway: Callable[..., GatewayUnderTest], simulator: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """While a page is refreshed all get the old one at once, whatever they ask, and the log says nothing of them."""
    gateway = make_gateway(**HOLDING)
    gateway.get("/campaigns")
    gateway.clock.advance(20)
    simulator.latency_s = HELD_S
    gateway.get("/campaigns")
    wait_until(lambda: simulator.calls.total == 2)
    capsys.readouterr()
    for headers in ({}, {"If-None-Match": '"another"'}, {"X-Request-Timeout-Ms": "50"}):
        answer = gateway.get("/campaigns", headers=headers)
        assert answer.headers["Cache-Status"] == "campaign-gateway; hit; ttl=-5; age=20; detail=stale-while-revalidate"
    assert '"path": "/campaigns"' not in capsys.readouterr().err
    simulator.latency_s = 0.0
    wait_until(lambda: gateway.cache_status() == "hit; ttl=15; age=0")
    assert simulator.calls.total == 2


@pytest.mark.parametrize("why", ["too old", "purged", "no-cache"])
def test_nobody_waits_long_beside_a_page(
    make_gateway: Callable[..., GatewayUnderTest],
    simulator: SimulatorServer,
    capsys: pytest.CaptureFixture[str],
    why: str,
) -> None:
    """Leader and followers wait for a newer page for `stale_if_slow_s`, then get the old one, and one fetch goes on."""
    usual = {"cache__stale_if_slow_s": "2", "cache__min_refresh_s": "0.1", "isales__read_timeout_s": "20"}
    ages = {"cache__fresh_s": "0.1", "cache__stale_while_revalidate_s": "0"} if why == "too old" else {}
    gateway = make_gateway(real_time=True, **usual, **ages)
    known = gateway.get("/campaigns")
    if why == "purged":
        gateway.get("/cache", method="DELETE", key="purger-key")
    # Old enough for whatever is asked: 0.1 s is what makes it so, in real time.
    wait_until(lambda: gateway.get("/cache/explain", key="doctor-key").get_json()["age_s"] > 0.1)
    simulator.faults.arm(Fault("hang", times=1))
    capsys.readouterr()
    headers = {"Cache-Control": "no-cache"} if why == "no-cache" else {}
    with ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(gateway.get, "/campaigns", headers=headers) for _ in range(10)]
        for answer in answers:
            assert (answer.result(10).status_code, answer.result().data) == (200, known.data)
            assert "hit; ttl=" in answer.result().headers["Cache-Status"]
            assert answer.result().headers["Cache-Status"].endswith("; detail=stale-if-slow")
    # All of them waited, so each has a line.
    assert capsys.readouterr().err.count('"path": "/campaigns"') == 10
    assert gateway.get("/cache/explain", key="doctor-key").get_json()["fetch_under_way"] is True
    assert simulator.calls.total == 2


def test_a_page_that_another_process_fetched_has_a_line_of_who_waited(
    make_gateway: Callable[..., GatewayUnderTest],
    simulator: SimulatorServer,
    redis: RedisServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Followers in the process that did not fetch it get a fresh hit, and have waited for it as others do."""
    simulator.latency_s = HELD_S
    one, two = (make_gateway(real_time=True, cache__shared_url=redis.url.reveal(), **HOLDING) for _ in range(2))
    with ThreadPoolExecutor(4) as pool:
        leader = pool.submit(one.get, "/campaigns")
        wait_until(lambda: simulator.calls.total == 1)
        others = [pool.submit(two.get, "/campaigns")]
        explained = "/cache/explain"
        wait_until(lambda: two.get(explained, key="doctor-key").get_json()["fetch_under_way"])
        others += [pool.submit(two.get, "/campaigns") for _ in range(2)]
        wait_until(lambda: threads_in(Flight.wait) == 2)
        simulator.latency_s = 0.0
        assert [answer.result(20).status_code for answer in (leader, *others)] == [200] * 4
    statuses = {answer.result().headers["Cache-Status"].partition("; ttl=")[0] for answer in others}
    assert statuses == {"campaign-gateway; hit"}
    assert capsys.readouterr().err.count('"path": "/campaigns"') == 4
