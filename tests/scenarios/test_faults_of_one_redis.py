"""Two processes and one Redis behind a name: whatever becomes of the way there, callers have good answers, soon."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from gateway.shared_store.operations import Operation
from tests.support.moving_proxy import MovingProxy
from tests.support.redis_engines import REDIS_7, engine
from tests.support.redis_rights import LOGIN, PASSWORD, make_user
from tests.support.redis_server import RedisServer, forget_scripts, kill_clients, redis_server
from tests.support.sharing_gateways import Fault, SharingGateways, go_through, sharing_gateways
from tests.support.waiting import wait_until

SECOND: Final = "ANOTHER"
AT_ONCE: Final = ("--repl-diskless-sync-delay", "0")


@dataclass(frozen=True)
class Way:
    """Where a name leads, `here` in the beginning, and the file that has the URL with the password."""

    proxy: MovingProxy
    here: RedisServer
    there: RedisServer
    file: Path

    def give(self, password: str) -> None:
        """Write a URL with this password into the file."""
        login = LOGIN.replace(PASSWORD, password)
        self.file.write_text(self.proxy.url.reveal().replace("redis://", f"redis://{login}"))

    def change_user(self, *rules: str) -> None:
        """Change the gateways' user, on the server that is asked."""
        with self.here.client() as client:
            client.execute_command("ACL", "SETUSER", "campaign-gateway", *rules)


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """Return the way to a Redis."""
    with (
        redis_server(program=engine(REDIS_7), options=AT_ONCE) as here,
        redis_server(program=engine(REDIS_7), options=AT_ONCE) as there,
        MovingProxy(here.port) as proxy,
    ):
        for server in (here, there):
            make_user(server)
        way = Way(proxy, here, there, tmp_path_factory.mktemp("secrets") / "shared_url")
        way.give(PASSWORD)
        yield way


@pytest.fixture(scope="module")
def pair(way: Way) -> Iterator[SharingGateways]:
    """Return two gateways that share it."""
    with sharing_gateways(GATEWAY__CACHE__SHARED_URL_FILE=str(way.file)) as pair:
        yield pair


def cuts_idle_connections(way: Way, _: SharingGateways) -> Fault:
    """As proxies do."""
    return Fault(way.proxy.cut)


def cuts_all_connections(way: Way, _: SharingGateways) -> Fault:
    """By `CLIENT KILL`, those of who listens too."""
    return Fault(lambda: kill_clients(way.here))


def knows_no_script(way: Way, _: SharingGateways) -> Fault:
    """By `SCRIPT FLUSH`."""
    return Fault(lambda: forget_scripts(way.here))


def leads_elsewhere(way: Way, _: SharingGateways) -> Fault:
    """As a Service or a name does after a failover: the server that was left is a replica of the other one."""

    def lead() -> None:
        promote(way.there)
        way.proxy.port = way.there.port
        follow(way.here, way.there)

    return Fault(lead, lambda: lead_back(way))


def leads_away_from_a_master(way: Way, _: SharingGateways) -> Fault:
    """As after a planned failover by Sentinels, while the old master has not been told; it is to have replicas."""
    follow(way.there, way.here)
    with way.here.client() as client:
        client.config_set("min-replicas-to-write", 1)

    def lead() -> None:
        promote(way.there)
        way.proxy.port = way.there.port

    def end() -> None:
        with way.here.client() as client:
            client.config_set("min-replicas-to-write", 0)
        follow(way.here, way.there)
        lead_back(way)

    return Fault(lead, end)


def lead_back(way: Way) -> None:
    """Have the name lead to the first server again, which is a replica by now."""
    promote(way.here)
    way.proxy.port = way.here.port
    follow(way.there, way.here)


def promote(server: RedisServer) -> None:
    """Have it be a master."""
    with server.client() as client:
        client.execute_command("REPLICAOF", "NO", "ONE")


def follow(server: RedisServer, master: RedisServer) -> None:
    """Have it be a replica, and return when it has caught up."""
    with server.client() as client:
        client.execute_command("REPLICAOF", "127.0.0.1", master.port)
        wait_until(lambda: client.info("replication")["master_link_status"] == "up")


def lacks_a_right(way: Way, _: SharingGateways) -> Fault:
    """Without TIME no call is counted together."""
    return Fault(lambda: way.change_user("-time"), lambda: way.change_user("+time"), operation=Operation.SLOT.value)


def changes_the_password(way: Way, pair: SharingGateways) -> Fault:
    """Both are good until all gateways have the second one; nobody notices."""

    def change() -> None:
        way.change_user(f">{SECOND}")
        way.give(SECOND)
        pair.reload()
        # Calls that began with the first password have ended by then.
        pair.wait_until_shared()
        way.change_user(f"<{PASSWORD}")
        kill_clients(way.here)

    def change_back() -> None:
        way.change_user(f">{PASSWORD}")
        way.give(PASSWORD)
        pair.reload()
        way.change_user(f"<{SECOND}")

    return Fault(change, change_back)


FAULTS: Final = (
    *(cuts_idle_connections, cuts_all_connections, knows_no_script, leads_elsewhere, leads_away_from_a_master),
    *(lacks_a_right, changes_the_password),
)


@pytest.mark.parametrize("what", FAULTS, ids=lambda what: what.__name__)
def test_the_way(way: Way, pair: SharingGateways, what: Callable[[Way, SharingGateways], Fault]) -> None:
    """Good answers all the time, and soon all is shared again."""
    go_through(pair, what(way, pair))
