"""Two processes and a Redis with TLS whose certificate is not good any more, and then is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from gateway.settings.model import Secret
from tests.support.redis_engines import REDIS_7, engine
from tests.support.redis_server import RedisServer, kill_clients, redis_server
from tests.support.server import free_port
from tests.support.sharing_gateways import Fault, go_through, sharing_gateways


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with an authority, a good certificate of it and one that has expired."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    now = datetime.now(UTC)
    for name, ends in (("good", now + timedelta(days=30)), ("expired", now - timedelta(hours=1))):
        issued = ca.issue_cert("localhost", not_before=now - timedelta(days=2), not_after=ends)
        issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / f"{name}.pem"))
    return tmp_path


@pytest.fixture
def tls(folder: Path) -> Iterator[tuple[RedisServer, int]]:
    """Return a Redis, and the port where it speaks TLS."""
    port, good = free_port(), str(folder / "good.pem")
    files = ("--tls-cert-file", good, "--tls-key-file", good, "--tls-ca-cert-file", str(folder / "ca.pem"))
    options = ("--tls-port", str(port), "--tls-auth-clients", "no", *files)
    with redis_server(program=engine(REDIS_7), options=options) as server:
        yield server, port


def test_the_certificate_expires(folder: Path, tls: tuple[RedisServer, int]) -> None:
    """Good answers all the time, and soon all is shared again when it was renewed."""
    server, port = tls

    def show(name: str) -> None:
        file = str(folder / f"{name}.pem")
        with server.client() as client:
            client.execute_command("CONFIG", "SET", "tls-cert-file", file, "tls-key-file", file)
        kill_clients(server)

    url = Secret(f"rediss://localhost:{port}/0")
    with sharing_gateways(url, GATEWAY__CACHE__SHARED_CA_FILE=str(folder / "ca.pem")) as pair:
        go_through(pair, Fault(lambda: show("expired"), lambda: show("good"), frozenset({"tls"})))
