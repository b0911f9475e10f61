"""Several processes that share pages in a real Redis, and everything that can befall that Redis."""

import json
import os
import pickle
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests

from gateway.access.keys import key_hash
from gateway.shared_store.backend import KEY_PREFIX
from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.gateway import KEYS, PROJECT, VARIABLES, GatewayUnderTest
from tests.support.redis_server import RedisServer, redis_server
from tests.support.server import BIN, environment, served_gateway
from tests.support.waiting import wait_until

KEY = {"X-API-Key": "web-key"}


@pytest.fixture
def make(make_gateway: Callable[..., GatewayUnderTest], redis: RedisServer) -> Callable[..., GatewayUnderTest]:
    """Return a function that makes a gateway, as one more process would be, with the shared cache."""

    def make(**variables: str) -> GatewayUnderTest:
        return make_gateway(real_time=True, cache__shared_url=redis.url.reveal(), **variables)

    return make


def workers_of(pid: int) -> list[int]:
    """Return the processes that the server has started; Linux lists them."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def calls(simulator: SimulatorServer) -> int:
    """Return how many calls the simulator has counted."""
    total: int = simulator.calls.snapshot()["total"]
    return total


def cache_status(gateway: GatewayUnderTest, path: str = "/campaigns") -> str:
    """Return the `Cache-Status` of a good answer."""
    answer = gateway.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.headers["Cache-Status"]


def shared_cache(gateway: GatewayUnderTest) -> str:
    """Return what `/readyz` says of the shared cache."""
    state: str = gateway.get("/readyz").get_json()["dependencies"]["shared_cache"]["status"]
    return state


def test_a_page_of_one_process_is_a_hit_in_another(
    simulator: SimulatorServer, make: Callable[..., GatewayUnderTest]
) -> None:
    """The second process answers the same bytes with the age that the page has, without asking CC-iSales."""
    one, two = make(), make()
    page = one.get("/campaigns")
    answer = two.get("/campaigns")
    assert (answer.data, answer.headers["ETag"]) == (page.data, page.headers["ETag"])
    assert "; hit; ttl=1" in answer.headers["Cache-Status"]
    assert calls(simulator) == 1
    assert 'cache_lookups_total{outcome="hit",rung="fresh",tier="shared"} 1.0' in two.get("/metrics").get_data(
        as_text=True
    )
    assert "process" in two.get("/cache/explain", key="doctor-key").get_data(as_text=True)
    assert shared_cache(two) == "ok"


def test_gateways_of_another_cc_isales_share_nothing(
    simulator: SimulatorServer, make: Callable[..., GatewayUnderTest]
) -> None:
    """Two gateways in one Redis with another `base_url` each never get the other's page."""
    with SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as other:
        other.faults.arm(Fault("vendor-sample"))
        one, two = make(), make(isales__base_url=other.base_url)
        assert one.get("/campaigns").get_json()["page"]["total_items"] == 250
        answer = two.get("/campaigns")
        assert answer.get_json()["page"]["total_items"] == 3
        assert "fwd=miss" in answer.headers["Cache-Status"]


def test_a_cold_page_is_fetched_once_by_all_processes(
    simulator: SimulatorServer, make: Callable[..., GatewayUnderTest]
) -> None:
    """Sixty callers of three processes make one call."""
    gateways = [make() for _ in range(3)]
    simulator.latency_s = 0.3
    with ThreadPoolExecutor(60) as pool:
        answers = [pool.submit(gateways[number % 3].get, "/campaigns") for number in range(60)]
        statuses = [answer.result(20).status_code for answer in answers]
    assert statuses == [200] * 60
    assert calls(simulator) == 1


def test_a_failure_is_shared_by_all_processes(
    simulator: SimulatorServer, make: Callable[..., GatewayUnderTest]
) -> None:
    """Who waits in another process gets the leader's failure instead of making the same call again."""
    gateways = [make() for _ in range(2)]
    simulator.faults.arm(Fault("result-code", result_code="0299999", latency_s=0.4))
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(gateways[number % 2].problem, "/campaigns") for number in range(20)]
        problems = [answer.result(20) for answer in answers]
    assert {(status, name) for status, name, _ in problems} == {(502, "upstream-failed")}
    assert {document["upstream"]["result_code"] for _, _, document in problems} == {"0299999"}
    assert calls(simulator) == 1


def test_a_stale_page_is_refreshed_by_one_process_for_all(
    simulator: SimulatorServer, make: Callable[..., GatewayUnderTest]
) -> None:
    """Each process serves the stale page at once, and all of them together make one call."""
    one, two = make(cache__fresh_s="0.4"), make(cache__fresh_s="0.4")
    one.get("/campaigns")
    two.get("/campaigns")
    wait_until(lambda: "stale" in cache_status(one) and "stale" in cache_status(two))
    wait_until(lambda: "stale" not in cache_status(one) and "stale" not in cache_status(two))
    assert calls(simulator) <= 3


def test_a_purge_reaches_all_processes(
    simulator: SimulatorServer, make: Callable[..., GatewayUnderTest], redis: RedisServer
) -> None:
    """Pages are gone from Redis and from the memory of every process, whoever purges."""
    one, two = make(), make()
    for gateway in (one, two):
        gateway.get("/campaigns")
        assert "hit" in cache_status(gateway)
    assert one.get("/cache?vdn=1", method="DELETE", key="purger-key").get_json()["purged"] == 1
    wait_until(lambda: two.get("/cache/explain", key="doctor-key").get_json()["tier"] is None)
    assert "fwd=miss" in cache_status(two)
    assert "hit" in cache_status(one)
    purge = subprocess.run(
        [str(BIN / "flask"), "cache", "purge", "--vdn", "1"],
        cwd=PROJECT,
        env=environment(**VARIABLES, GATEWAY__CACHE__SHARED_URL=redis.url.reveal()),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (purge.returncode, purge.stdout) == (0, "Purged 1 pages of VDN 1.\n")
    wait_until(lambda: one.get("/cache/explain", key="doctor-key").get_json()["tier"] is None)


def test_a_purge_says_what_it_cannot_do(redis: RedisServer) -> None:
    """Without a shared cache, or when it cannot be reached, the command ends with words and exit code 1."""

    def purge(url: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(BIN / "flask"), "cache", "purge"],
            cwd=PROJECT,
            env=environment(**VARIABLES, GATEWAY__CACHE__SHARED_URL=url),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    without = purge("")
    assert (without.returncode, "DELETE /cache" in without.stderr) == (1, True)
    dead = purge("redis://:the-password@127.0.0.1:1/0")
    assert dead.returncode == 1
    assert "could not be purged (refused)" in dead.stderr
    assert "the-password" not in dead.stdout + dead.stderr


def test_a_purge_forgets_what_it_can(
    make: Callable[..., GatewayUnderTest], redis: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """While Redis cannot be written to, all VDNs are tried and forgotten here, and the answer says what to do."""
    key = f'key_sha256 = "{key_hash(KEYS["operator"])}"'
    scopes = '"campaigns:read", "cache:purge", "diagnostics:read"'
    gateway = make(clients=f'[{{name = "operator", {key}, vdns = ["*"], scopes = [{scopes}]}}]')

    def held() -> list[str | None]:
        path = "/cache/explain?vdn="
        return [gateway.get(f"{path}{vdn}", key="operator-key").get_json()["tier"] for vdn in (1, 2)]

    for vdn in (1, 2):
        gateway.get(f"/campaigns?vdn={vdn}", key="operator-key")
    assert held() == ["process", "process"]
    with redis.client() as client:
        client.flushall()
        client.config_set("min-replicas-to-write", "1")
        try:
            capsys.readouterr()
            answer = gateway.get("/cache", method="DELETE", key="operator-key")
            lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        finally:
            client.config_set("min-replicas-to-write", "0")
    assert (answer.status_code, answer.get_json()["type"]) == (500, "/problems/internal-error")
    assert answer.headers["Retry-After"] == "5"
    assert "purge again: until then some processes still serve the old pages" in answer.get_json()["detail"]
    assert [line["detail"] for line in lines if line["event"] == "request"] == [answer.get_json()["detail"]]
    assert not any("exception" in line for line in lines)
    assert held() == [None, None]
    assert gateway.get("/cache", method="DELETE", key="operator-key").get_json() == {"purged": 0, "vdns": [1, 2]}


@pytest.mark.parametrize("form", ["foreign", "cut", "flipped", "other version", "empty", "list", "pickle"])
def test_what_is_not_ours_is_a_miss_once(
    simulator: SimulatorServer, make: Callable[..., GatewayUnderTest], redis: RedisServer, tmp_path: Path, form: str
) -> None:
    """A planted or damaged value costs one upstream call, is never loaded, and hits follow."""
    make().get("/campaigns")
    trace = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return (open, (str(trace), "w"))

    with redis.client() as client:
        (name,) = client.keys(f"{KEY_PREFIX}page:*")
        value: bytes = client.get(name)
        ttl = client.pttl(name)
        planted = {
            "foreign": b"hello",
            "cut": value[:-10],
            "flipped": value[:-1] + bytes([value[-1] ^ 1]),
            "other version": value[:16] + b"\x09" + value[17:],
            "empty": b"",
            "pickle": b"!" + pickle.dumps(Bomb()),
        }
        client.delete(name)
        if form == "list":
            client.rpush(name, "x")
        else:
            client.set(name, planted[form], px=ttl)
    gateway = make()
    assert "fwd=miss" in cache_status(gateway)
    assert "hit" in cache_status(gateway)
    assert "hit" in cache_status(make())
    assert calls(simulator) == 2
    assert not trace.exists()


def test_redis_absent_at_the_start_and_there_later(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """Without Redis each process keeps pages for itself; when it comes, pages are shared."""
    with redis_server(started=False) as server:
        url = server.url.reveal()
        one, two = (make_gateway(real_time=True, cache__shared_url=url) for _ in range(2))
        for page in range(1, 5):
            assert "fwd=miss" in cache_status(one, f"/campaigns?page={page}")
            assert "hit" in cache_status(one, f"/campaigns?page={page}")
        assert shared_cache(one) == "failing"
        assert 'shared_cache_faults_total{kind="refused"}' in one.get("/metrics").get_data(as_text=True)
        server.start()
        # A probe is made every few seconds.
        wait_until(lambda: cache_status(one, f"/campaigns?name={time.monotonic()}") and shared_cache(one) == "ok", 20)
        one.get("/campaigns?page=9")
        assert "hit" in cache_status(two, "/campaigns?page=9")


@pytest.mark.parametrize("trouble", ["killed", "hung", "full", "read-only"])
def test_redis_in_trouble_is_never_an_error_and_soon_not_slow(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], trouble: str
) -> None:
    """All callers are answered, pages are kept in the process, and after a few failures nothing is added."""
    with redis_server() as server:
        gateway = make_gateway(real_time=True, cache__shared_url=server.url.reveal())
        assert "fwd=miss" in cache_status(gateway)
        act = {"killed": server.kill, "hung": server.pause, "full": server.fill, "read-only": server.make_read_only}
        act[trouble]()
        for page in range(2, 8):
            assert "fwd=miss" in cache_status(gateway, f"/campaigns?page={page}")
            assert "hit" in cache_status(gateway, f"/campaigns?page={page}")
        assert shared_cache(gateway) == "failing"
        started = time.monotonic()
        for page in range(8, 18):
            assert "fwd=miss" in cache_status(gateway, f"/campaigns?page={page}")
        # Ten waits for a hung Redis would be two seconds and more.
        assert time.monotonic() - started < 1.5
        if trouble == "hung":
            server.resume()


def test_a_wrong_password_is_said_without_the_password(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is counted as what it is, logged once, and never shown."""
    with redis_server(password="right-canary") as server:
        url = server.url.reveal().replace("right", "the-wrong-password")
        gateway = make_gateway(real_time=True, cache__shared_url=url)
        for page in range(1, 8):
            assert "fwd=miss" in cache_status(gateway, f"/campaigns?page={page}")
        numbers = gateway.get("/metrics").get_data(as_text=True)
    assert 'shared_cache_faults_total{kind="auth"}' in numbers
    logged = capsys.readouterr().err
    assert logged.count("shared cache failing") == 1
    assert "the-wrong-password" not in logged + numbers


def test_a_shared_url_that_cannot_be_used_is_a_fault_of_the_settings(
    make_gateway: Callable[..., GatewayUnderTest],
) -> None:
    """It is said when the gateway is made, without showing it."""
    with pytest.raises(Exception, match=r"cache\.shared_url") as caught:
        make_gateway(cache__shared_url="redis://:geheim@host:notaport/0")
    assert "geheim" not in str(caught.value)


def test_two_workers_share_one_fetch(simulator: SimulatorServer, redis: RedisServer) -> None:
    """Two hundred callers of a served gateway with two workers make one call for one cold page."""
    simulator.latency_s = 0.5
    url = redis.url.reveal()
    with served_gateway(simulator.base_url, workers=2, GATEWAY__CACHE__SHARED_URL=url) as served:
        with ThreadPoolExecutor(200) as pool:
            answers = [
                pool.submit(requests.get, f"{served.url}/campaigns", headers=KEY, timeout=20) for _ in range(200)
            ]
            bodies = {(answer.result(30).status_code, answer.result(30).content) for answer in answers}
        assert len(bodies) == 1
        assert next(iter(bodies))[0] == 200
    assert calls(simulator) == 1


def test_a_killed_leader_costs_the_others_one_lease(simulator: SimulatorServer, redis: RedisServer) -> None:
    """When the process that fetches is killed, a follower of another process takes over and gets the page."""
    simulator.faults.arm(Fault("hang", times=1))
    serve = partial(
        served_gateway,
        simulator.base_url,
        GATEWAY__CACHE__SHARED_URL=redis.url.reveal(),
        GATEWAY__ISALES__READ_TIMEOUT_S="20",
    )
    with serve() as leader, serve() as follower, ThreadPoolExecutor(2) as pool:
        pool.submit(requests.get, f"{leader.url}/campaigns", headers=KEY, timeout=20)
        assert simulator.calls.wait_for_in_flight(1, 10)
        waiting = pool.submit(requests.get, f"{follower.url}/campaigns", headers=KEY, timeout=20)
        started = time.monotonic()
        for worker in workers_of(leader.process.pid):
            os.kill(worker, signal.SIGKILL)
        answer = waiting.result(20)
        took = time.monotonic() - started
    assert answer.status_code == 200
    # A lease lasts two seconds; the rest is room for a busy machine.
    assert took < 2 + 3


def test_the_hurry_of_one_process_is_not_the_failure_of_another(
    simulator: SimulatorServer, make: Callable[..., GatewayUnderTest]
) -> None:
    """Who follows a leader in another process that was given little time fetches when that one gives up."""
    one, other = make(), make()
    simulator.latency_s = 1.0
    with ThreadPoolExecutor(2) as pool:
        hurried = pool.submit(one.problem, "/campaigns", headers={"X-Request-Timeout-Ms": "300"})
        wait_until(lambda: calls(simulator) == 1)
        patient = pool.submit(other.get, "/campaigns")
        assert hurried.result(10)[1] == "upstream-timeout"
        assert patient.result(10).status_code == 200
    assert calls(simulator) == 2
