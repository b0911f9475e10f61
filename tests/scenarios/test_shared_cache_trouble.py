"""A real Redis that is away, in trouble, or holds what is not ours, and the pages that are shared in it."""

import json
import pickle
import re
import time
from collections.abc import Callable
from pathlib import Path

import click.testing
import pytest

from gateway.access.keys import key_hash
from gateway.shared_store.backend import KEY_PREFIX
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import KEYS, GatewayUnderTest
from tests.support.redis_server import RedisServer, redis_server
from tests.support.waiting import wait_until


def test_a_purge_says_what_it_cannot_do(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """Without a shared cache, or when it cannot be reached, the command ends with words and exit code 1."""

    def purge(url: str) -> click.testing.Result:
        gateway = make_gateway(real_time=True, cache__shared_url=url)
        return gateway.app.test_cli_runner().invoke(args=["cache", "purge"])

    without = purge("")
    assert (without.exit_code, "DELETE /cache" in without.stderr) == (1, True)
    dead = purge("redis://:the-password@127.0.0.1:1/0")
    assert dead.exit_code == 1
    assert "could not be purged (refused)" in dead.stderr
    assert "the-password" not in dead.stdout + dead.stderr


@pytest.mark.parametrize(("query", "left"), [("", "stale-if-error"), ("?hard=true", None)])
def test_a_purge_does_what_it_can(
    make_sharing: Callable[..., GatewayUnderTest],
    redis: RedisServer,
    capsys: pytest.CaptureFixture[str],
    query: str,
    left: str | None,
) -> None:
    """While Redis cannot be written to, all VDNs are tried and purged here, and the answer says what to do."""
    key = f'key_sha256 = "{key_hash(KEYS["operator"])}"'
    scopes = '"campaigns:read", "cache:purge", "diagnostics:read"'
    gateway = make_sharing(clients=f'[{{name = "operator", {key}, vdns = ["*"], scopes = [{scopes}]}}]')

    def held() -> list[str | None]:
        path = "/cache/explain?vdn="
        return [gateway.get(f"{path}{vdn}", key="operator-key").get_json()["rung"] for vdn in (1, 2)]

    for vdn in (1, 2):
        gateway.get(f"/campaigns?vdn={vdn}", key="operator-key")
    assert held() == ["fresh", "fresh"]
    with redis.client() as client:
        client.flushall()
        client.config_set("min-replicas-to-write", "1")
        try:
            capsys.readouterr()
            answer = gateway.get(f"/cache{query}", method="DELETE", key="operator-key")
            lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        finally:
            client.config_set("min-replicas-to-write", "0")
    assert (answer.status_code, answer.get_json()["type"]) == (500, "problems/internal-error")
    assert answer.headers["Retry-After"] == "5"
    assert "purge again: until then some processes still serve the old pages" in answer.get_json()["detail"]
    assert [line["detail"] for line in lines if line["event"] == "request"] == [answer.get_json()["detail"]]
    assert not any("exception" in line for line in lines)
    assert held() == [left, left]
    again = gateway.get(f"/cache{query}", method="DELETE", key="operator-key")
    assert again.get_json() == {"purged": 2 if left else 0, "vdns": [1, 2], "others_hear": "at_once"}


def test_what_is_not_ours_is_a_miss_once(
    simulator: SimulatorServer, make_sharing: Callable[..., GatewayUnderTest], redis: RedisServer, tmp_path: Path
) -> None:
    """A planted or damaged value costs one upstream call, is never loaded, and hits follow."""
    trace = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return (open, (str(trace), "w"))

    damages: dict[str, Callable[[bytes], bytes | list[str]]] = {
        "foreign": lambda _: b"hello",
        "cut": lambda value: value[:-10],
        "flipped": lambda value: value[:-1] + bytes([value[-1] ^ 1]),
        "other version": lambda value: value[:24] + b"\x09" + value[25:],
        "empty": lambda _: b"",
        "list": lambda _: ["x"],
        "pickle": lambda _: b"!" + pickle.dumps(Bomb()),
    }
    before, after, other = (make_sharing() for _ in range(3))
    for number, (form, damage) in enumerate(damages.items(), 1):
        path = f"/campaigns?page={number}"
        before.get(path)
        with redis.client() as client:
            (name,) = client.keys(f"{KEY_PREFIX}page:*")
            value: bytes = client.get(name)
            planted, ttl = damage(value), client.pttl(name)
            client.delete(name)
            if isinstance(planted, list):
                client.rpush(name, *planted)
            else:
                client.set(name, planted, px=ttl)
        assert "fwd=miss" in after.cache_status(path), form
        assert "hit" in after.cache_status(path), form
        assert "hit" in other.cache_status(path), form
        assert simulator.calls.total == 2 * number, form
        with redis.client() as client:
            client.delete(name)
    assert not trace.exists()


def test_redis_absent_at_the_start_and_there_later(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """Without Redis each process keeps pages for itself; when it comes, pages are shared."""
    with redis_server(started=False) as server:
        url = server.url.reveal()
        one, two = (make_gateway(real_time=True, cache__shared_url=url) for _ in range(2))
        for page in range(1, 5):
            assert "fwd=miss" in one.cache_status(f"/campaigns?page={page}")
            assert "hit" in one.cache_status(f"/campaigns?page={page}")
        assert one.shared_cache() == "failing"
        assert 'shared_cache_faults_total{kind="refused"}' in one.get("/metrics").get_data(as_text=True)
        server.start()
        # A probe is made every few seconds.
        wait_until(
            lambda: one.cache_status(f"/campaigns?name={time.monotonic()}") and one.shared_cache() == "ok", 20, 0.1
        )
        one.get("/campaigns?page=9")
        assert "hit" in two.cache_status("/campaigns?page=9")


BEHIND = {"listen", "purge"}
"""What no caller waits for: the thread that listens looks twice a second whether Redis is well."""


def faults(gateway: GatewayUnderTest) -> float:
    """Return how often something that was tried with Redis for a caller has failed."""
    numbers = gateway.get("/metrics", key=None).get_data(as_text=True)
    name = r'^campaign_gateway_shared_cache_operation_faults_total\{operation="(\w+)"\} (\S+)$'
    return sum(
        float(number) for operation, number in re.findall(name, numbers, re.MULTILINE) if operation not in BEHIND
    )


@pytest.mark.parametrize("trouble", ["killed", "hung", "full", "read-only"])
def test_redis_in_trouble_is_never_an_error_and_soon_not_slow(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], trouble: str
) -> None:
    """All callers are answered, pages are kept in the process, and after a few failures nothing is added."""
    with redis_server() as server:
        gateway = make_gateway(real_time=True, cache__shared_url=server.url.reveal())
        assert "fwd=miss" in gateway.cache_status()
        act = {"killed": server.kill, "hung": server.pause, "full": server.fill, "read-only": server.make_read_only}
        act[trouble]()
        for page in range(2, 8):
            assert "fwd=miss" in gateway.cache_status(f"/campaigns?page={page}")
            assert "hit" in gateway.cache_status(f"/campaigns?page={page}")
        assert gateway.shared_cache() == "failing"
        before = faults(gateway)
        for page in range(8, 18):
            assert "fwd=miss" in gateway.cache_status(f"/campaigns?page={page}")
        # It may be tried now and then, and not for each page, which would be a wait of 0.2 s where it hangs.
        assert faults(gateway) - before < 10
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
            assert "fwd=miss" in gateway.cache_status(f"/campaigns?page={page}")
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
