"""`flask cache doctor`: what it says of good set-ups and of wrong ones, on real servers."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from flask import Flask

from gateway.cli.app import Gateway
from gateway.cli.commands import add_commands
from gateway.cli.doctor_shared import examine_shared
from gateway.cli.doctor_shared_step import Name
from gateway.isales.doctor_step import State, Step
from gateway.pages.redis_tier import RedisTier
from gateway.settings import load_settings
from gateway.settings.model import Secret
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import INSTEAD_CLUSTER, INSTEAD_NO_SENTINEL, INSTEAD_PLAIN, INSTEAD_SENTINEL
from gateway.shared_store.rights import set_user
from tests.support.gateway import VARIABLES
from tests.support.redis_cluster import RedisCluster, redis_cluster
from tests.support.redis_engines import REDIS_7, VALKEY_9, engine
from tests.support.redis_sentinels import Sentinels, redis_sentinels
from tests.support.redis_server import RedisServer, redis_server
from tests.support.server import free_port
from tests.support.shared_tier import shared_tier
from tests.support.waiting import wait_until

PREFIX = "campaign-gateway:"
PATIENCE_S = 5.0
"""How long a good Redis may take on a busy machine."""


def steps_of(address: StoreAddress | str, ahead: timedelta = timedelta()) -> dict[str, Step]:
    """Return what the doctor finds there, by name, where this machine's clock is so far ahead."""
    where = StoreAddress(Secret(address), timeout_s=PATIENCE_S) if isinstance(address, str) else address
    return {step.name: step for step in examine_shared(where, lambda: datetime.now(UTC) + ahead)}


def bad(steps: dict[str, Step]) -> dict[str, State]:
    """Return those that are neither good nor skipped."""
    return {name: step.state for name, step in steps.items() if step.state in {State.WARNING, State.FAILED}}


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    """Return a cluster."""
    with redis_cluster(engine(VALKEY_9), replicas=False) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def sentinels() -> Iterator[Sentinels]:
    """Return a master with Sentinels."""
    with redis_sentinels(engine(REDIS_7)) as sentinels:
        yield sentinels


def test_good_set_ups_are_good(redis: RedisServer, cluster: RedisCluster, sentinels: Sentinels) -> None:
    """All steps are taken but for TLS, and nothing is left behind."""
    for url in (redis.url, cluster.url, sentinels.url):
        steps = steps_of(url.reveal())
        assert list(steps) == list(Name)
        assert bad(steps) == {}
        assert steps[Name.TLS].state is State.SKIPPED
    assert steps_of(cluster.url.reveal())[Name.VERSION].facts["engine"] == "Valkey"
    with redis.client() as client:
        assert client.keys("*") == []
    assert cluster.keys("*") == []


def test_what_is_something_else_is_named(redis: RedisServer, cluster: RedisCluster, sentinels: Sentinels) -> None:
    """A node of a cluster, a Sentinel, or a Redis that is no cluster; the gateway says so too, and shares nothing."""
    sentinel, node = (f"redis://127.0.0.1:{one.port}/0" for one in (sentinels.sentinels[0], cluster.nodes[0]))
    plain = redis.url.reveal().replace("redis://", "redis+cluster://")
    unwatched = redis.url.reveal().replace("redis://", "redis+sentinel://").replace("/0", "/mymaster/0")
    for url, kind, words in (
        (node, "cluster", INSTEAD_CLUSTER),
        (sentinel, "role", INSTEAD_SENTINEL),
        (plain, "cluster", INSTEAD_PLAIN),
        (unwatched, "role", INSTEAD_NO_SENTINEL),
    ):
        steps = steps_of(url)
        assert list(steps.values())[-1].seen == words
        assert [step.facts["fault"] for step in steps.values() if step.state is State.FAILED] == [kind]
        assert list(steps)[-1] in {Name.CONNECT, Name.ROLE}, "nothing else that is asked of it tells anything"
        with shared_tier(Secret(url)) as tier:
            tier.get("page:2:7:abc")
            assert tier.report() == {"status": "failing", "fault": kind, "said": words}
            lease = tier.try_lead("page:2:7:abc")
            assert lease is not None
            assert not lease.shared


def test_a_way_that_is_closed_ends_the_examination() -> None:
    """Nobody there, and a wrong password: no step behind it, and what to do."""
    steps = steps_of("redis://127.0.0.1:1/0")
    assert {name: step.state for name, step in steps.items()} == {Name.DNS: State.GOOD, Name.TCP: State.FAILED}
    with redis_server("geheim-canary") as server:
        url = server.url.reveal().replace("geheim-canary", "falsch-canary")
        steps = steps_of(url)
        assert list(steps) == [Name.DNS, Name.TCP, Name.CONNECT]
        assert (steps[Name.CONNECT].state, steps[Name.CONNECT].facts["fault"]) == (State.FAILED, "auth")
        assert "canary" not in repr(steps)
        assert bad(steps_of(server.url.reveal())) == {}


def test_what_a_connection_begins_with_is_part_of_the_way(redis: RedisServer) -> None:
    """A database that is not there, a cluster without slots, and TLS to who speaks none end it, with what to do."""
    steps = steps_of(redis.url.reveal().replace("/0", "/99"))
    assert list(steps) == [Name.DNS, Name.TCP, Name.CONNECT]
    assert (steps[Name.CONNECT].state, steps[Name.CONNECT].seen) == (State.FAILED, "other: DB index is out of range")
    assert "fewer databases" in steps[Name.CONNECT].hint
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with redis_server(program=engine(REDIS_7), options=options) as node:
        step = steps_of(f"redis+cluster://127.0.0.1:{node.port}")[Name.CONNECT]
    assert (step.state, step.seen) == (State.FAILED, "cluster: no node of the cluster has slots yet")
    address = StoreAddress(Secret(redis.url.reveal().replace("redis://", "rediss://")))
    assert "write redis for rediss" in steps_of(address)[Name.CONNECT].hint


def test_the_least_rights_are_those_of_the_url(redis_to_hurt: RedisServer) -> None:
    """A database, a name and checks of health need rights of their own, which are printed too, and suffice."""
    url = f"redis://campaign-gateway:PASSWORD@127.0.0.1:{redis_to_hurt.port}/3?client_name=us&health_check_interval=9"
    with redis_to_hurt.client() as client:
        client.execute_command(*shlex.split(set_user(PREFIX, cluster=False)))
        steps = steps_of(url)
        assert bad(steps) == {Name.CONNECT: State.FAILED}
        acl = set_user(PREFIX, cluster=False, also=("select", "client|setname", "ping"))
        assert acl in steps[Name.CONNECT].hint
        client.execute_command(*shlex.split(acl))
        client.execute_command("ACL", "LOG", "RESET")
        steps = steps_of(url)
        assert bad(steps) == {}
        assert steps[Name.RIGHTS].facts["acl"] == acl
        assert acl in run(url)[1]


def test_a_master_that_is_told_to_be_elsewhere_is_named(sentinels: Sentinels) -> None:
    """Sentinels and nodes of a cluster tell addresses of their own, which need not lead anywhere from here."""
    nowhere = free_port()
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with redis_server(program=engine(REDIS_7), options=options) as node, node.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        client.config_set("cluster-announce-ip", "127.0.0.1")
        client.config_set("cluster-announce-port", nowhere)
        wait_until(lambda: nowhere in client.execute_command("CLUSTER", "SLOTS")[0][2])
        steps = steps_of(f"redis+cluster://127.0.0.1:{node.port}")
    assert bad(steps) == {Name.CONNECT: State.FAILED, Name.TCP: State.FAILED}
    assert steps[Name.TCP].seen == f"127.0.0.1:{nowhere} refuses connections"
    assert "cluster-announce-ip" in steps[Name.TCP].hint
    for one in sentinels.sentinels:
        sentinels.ask(one, "SENTINEL", "MONITOR", "elsewhere", "127.0.0.1", nowhere, 2)
    step = steps_of(sentinels.url.reveal().replace("/mymaster/", "/unheard-of/"))[Name.CONNECT]
    assert "SENTINEL MASTERS" in step.hint
    steps = steps_of(sentinels.url.reveal().replace("/mymaster/", "/elsewhere/"))
    assert steps[Name.TCP].seen == f"127.0.0.1:{nowhere} refuses connections"


@pytest.mark.parametrize("name", [REDIS_7, VALKEY_9])
def test_rights_that_are_missing_are_listed(name: str) -> None:
    """Each by its name, with the command that gives all of them."""
    with redis_server(program=engine(name)) as server, server.client() as client:
        url = f"redis://campaign-gateway:PASSWORD@127.0.0.1:{server.port}/0"
        client.execute_command(*shlex.split(set_user(PREFIX, cluster=False)))
        assert bad(steps_of(url)) == {}
        client.execute_command("ACL", "SETUSER", "campaign-gateway", "-time", "-zadd", "resetchannels")
        steps = steps_of(url)
        assert bad(steps) == {Name.RIGHTS: State.FAILED, Name.CHANNEL: State.FAILED}
        assert steps[Name.RIGHTS].facts["missing"] == ("time", "zadd", "publish")
        assert set_user(PREFIX, cluster=False) in steps[Name.RIGHTS].hint
        assert set_user(PREFIX, cluster=False) in steps[Name.CHANNEL].hint


def test_memory_that_is_short_is_told(redis_to_hurt: RedisServer) -> None:
    """A policy that takes leases first, and little that is left, are warnings; none that is left is a failure."""
    with redis_to_hurt.client() as client:
        client.config_set("maxmemory-policy", "volatile-ttl")
        client.config_set("maxmemory", str(client.info("memory")["used_memory"] + 50_000))
        steps = steps_of(redis_to_hurt.url.reveal())
        assert bad(steps) == {Name.EVICTION: State.WARNING, Name.MEMORY: State.WARNING}
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 500_000)
        assert bad(steps_of(redis_to_hurt.url.reveal())) == {Name.MEMORY: State.FAILED}, "it takes no page any more"


@contextmanager
def tls_server(folder: Path, ca: trustme.CA, name: str, not_after: datetime | None = None) -> Iterator[int]:
    """Have a Redis with TLS, which wants a certificate of ours, and yield its port."""
    port = free_port()
    certificate = ca.issue_cert(name, not_after=not_after or datetime.now(UTC) + timedelta(days=365))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "server-key.pem"))
    options = [
        *("--tls-port", str(port), "--tls-auth-clients", "yes", "--tls-ca-cert-file", str(folder / "ca.pem")),
        *("--tls-cert-file", str(folder / "server.pem"), "--tls-key-file", str(folder / "server-key.pem")),
    ]
    with redis_server(program=engine(REDIS_7), options=options):
        yield port


def test_tls_is_looked_at(tmp_path: Path) -> None:
    """Authority, certificate of ours, name and expiry, and the same way is the gateway's."""
    ca, other = trustme.CA(), trustme.CA()
    ours = ca.issue_cert("gateway.example.com")
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    ours.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "ours.pem"))

    def address(port: int, ca_file: str = "ca.pem", cert_file: str = "ours.pem") -> StoreAddress:
        ca, cert = (str(tmp_path / file) if file else "" for file in (ca_file, cert_file))
        return StoreAddress(Secret(f"rediss://localhost:{port}/0"), ca_file=ca, cert_file=cert)

    with tls_server(tmp_path, ca, "localhost") as port:
        steps = steps_of(address(port))
        assert bad(steps) == {}
        assert steps[Name.TLS].facts["names"] == "localhost"
        with shared_tier(address(port)) as tier:
            lease = tier.try_lead("page:2:7:abc")
            assert lease is not None
            assert lease.shared
            assert RedisTier is type(tier)
        unchecked = replace(address(port), url=Secret(f"rediss://localhost:{port}/0?ssl_cert_reqs=none"))
        assert bad(steps_of(unchecked)) == {Name.TLS: State.WARNING}
        later = steps_of(address(port), timedelta(days=360))
        assert bad(later) == {Name.TLS: State.WARNING, Name.CLOCK: State.WARNING}
        assert "cache.shared_cert_file" in steps_of(address(port, cert_file=""))[Name.CONNECT].hint
        assert "rediss://" in steps_of(f"redis://localhost:{port}/0")[Name.CONNECT].hint
        for wrong in (address(port, "other.pem"), address(port, "")):
            assert steps_of(wrong)[Name.CONNECT].facts["fault"] == "tls"
            with shared_tier(wrong) as tier:
                assert tier.get("page:2:7:abc") is None
    with tls_server(tmp_path, ca, "elsewhere.example.com") as port:
        step = steps_of(address(port))[Name.CONNECT]
        assert step.facts["fault"] == "tls"
        assert step.hint == "The certificate is for another name: name one that it is for in cache.shared_url."
    with tls_server(tmp_path, ca, "localhost", datetime(2020, 1, 1, tzinfo=UTC)) as port:
        step = steps_of(address(port))[Name.CONNECT]
        assert step.facts["fault"] == "tls"
        assert "expired" in str(step.facts["said"])


def test_what_a_file_holds_is_trusted_as_it_is_meant(tmp_path: Path) -> None:
    """Of the server itself too, and nothing beside it: the same as towards CC-iSales."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ours = ca.issue_cert("gateway.example.com")
    ours.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "ours.pem"))
    with tls_server(tmp_path, ca, "localhost") as port:
        ours_file, their_file = str(tmp_path / "ours.pem"), str(tmp_path / "server.pem")
        address = StoreAddress(Secret(f"rediss://localhost:{port}/0"), ca_file=their_file, cert_file=ours_file)
        step = steps_of(address)[Name.CONNECT]
    assert step.state is State.GOOD, step.seen


def run(url: str, *options: str) -> tuple[int, str]:
    """Return the exit code of the command with this shared cache, and what it prints."""
    settings = load_settings({**VARIABLES, "GATEWAY__CACHE__SHARED_URL": url})
    app = Flask("test")
    gateway = Gateway(settings, lambda *_: None, lambda *_, **__: 0, lambda: "off", None, lambda: None)  # type: ignore[arg-type] # -- nothing of it is called
    add_commands(app, gateway)
    result = app.test_cli_runner().invoke(args=["cache", "doctor", *options])
    return result.exit_code, result.output


def test_the_command_prints_for_people_and_for_programs(redis: RedisServer) -> None:
    """Exit codes tell whether something failed; the least rights are ready to paste, for one Redis and a cluster."""
    code, text = run(redis.url.reveal())
    assert code == 0
    assert all(set_user(PREFIX, cluster=cluster) in text for cluster in (True, False))
    code, text = run(redis.url.reveal(), "--json")
    document = json.loads(text)
    assert (code, document["result"]) == (0, "good")
    assert [step["step"] for step in document["steps"]] == list(Name)
    assert set(document["acl"]) == {"plain", "cluster"}
    assert run("redis://127.0.0.1:1/0")[0] == 1
    code, text = run("")
    assert (code, "cache.shared_url is empty" in text) == (1, True)
