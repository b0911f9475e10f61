"""Redis with TLS alone as tests have it: a cluster, and a master with a Sentinel, by certificates of one authority."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import trustme

from gateway.settings.model import Secret
from tests.support.redis_engines import REDIS_7, engine
from tests.support.redis_server import RedisServer
from tests.support.server import free_port
from tests.support.waiting import wait_until

SERVICE: Final = "mymaster"
SLOTS: Final = 16384
NODES: Final = 2


class Files:
    """In `folder`: `authority`, to be trusted, and the certificate of all servers, which has their address."""

    def __init__(self, folder: Path) -> None:
        issuer = trustme.CA()
        issued = issuer.issue_cert("127.0.0.1")
        self.authority = folder / "authority.pem"
        self._server = folder / "server.pem"
        issuer.cert_pem.write_to_path(str(self.authority))
        issued.private_key_and_cert_chain_pem.write_to_path(str(self._server))

    def options(self, port: int) -> tuple[str, ...]:
        """Return those of a server that speaks TLS on `port`, and towards others of its kind."""
        own = str(self._server)
        return (
            *("--tls-port", str(port), "--tls-auth-clients", "no", "--tls-replication", "yes"),
            *("--tls-ca-cert-file", str(self.authority), "--tls-cert-file", own, "--tls-key-file", own),
        )

    def lines(self, port: int) -> str:
        """Return the same as a file of settings has it."""
        words = self.options(port)
        pairs = zip(words[::2], words[1::2], strict=True)
        return "".join(f"{name.removeprefix('--')} {value}\n" for name, value in pairs)


@contextmanager
def tls_cluster(files: Files) -> Iterator[Secret]:
    """Have a cluster of two masters; yield where the first of them is, as the setting `cache.shared_url`."""
    with ExitStack() as stack:
        nodes, ports = [], []
        for _ in range(NODES):
            port = free_port()
            options = (*files.options(port), "--cluster-enabled", "yes", "--tls-cluster", "yes")
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            nodes.append(RedisServer(folder, program=engine(REDIS_7), options=options))
            stack.callback(nodes[-1].kill)
            nodes[-1].start()
            ports.append(port)
        for number, node in enumerate(nodes):
            with node.client() as client:
                client.execute_command(
                    "CLUSTER", "ADDSLOTSRANGE", number * SLOTS // NODES, (number + 1) * SLOTS // NODES - 1
                )
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0])
        for node in nodes:
            with node.client() as client:
                wait_until(lambda client=client: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"), 20)  # type: ignore[misc] # -- a default binds it
        yield Secret(f"rediss+cluster://127.0.0.1:{ports[0]}")


@contextmanager
def tls_sentinel(files: Files, login: str, acl: str, sentinel_password: str) -> Iterator[Secret]:
    """Have a master that has the user of `acl`, and a Sentinel with a password; yield where, with `login` in it."""
    port, sentinel_port = free_port(), free_port()
    with ExitStack() as stack:
        folders = [stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)) for _ in range(2)]
        master = RedisServer(folders[0], program=engine(REDIS_7), options=files.options(port))
        stack.callback(master.kill)
        master.start()
        with master.client() as client:
            client.execute_command(*acl.split())
        sentinel = RedisServer(folders[1], sentinel_password, program=engine(REDIS_7))
        file = Path(folders[1]) / "sentinel.conf"
        file.write_text(
            f"port {sentinel.port}\nbind 127.0.0.1\ndir {folders[1]}\nrequirepass {sentinel_password}\n"
            f"{files.lines(sentinel_port)}sentinel monitor {SERVICE} 127.0.0.1 {port} 1\n"
        )
        stack.callback(sentinel.kill)
        sentinel.start(str(file), "--sentinel")
        yield Secret(f"rediss+sentinel://{login}127.0.0.1:{sentinel_port}/{SERVICE}/0")
