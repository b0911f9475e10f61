"""Reloads of a served gateway with two workers, by the signal and by the command, while callers call."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from gateway.access.keys import key_hash
from gateway.reload import published
from gateway.reload.signals import CRASH_LOOP_S
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import PROJECT
from tests.support.server import BIN, ServedGateway, environment, served_gateway
from tests.support.waiting import wait_until

LIMIT_S = 60.0
WORKERS = 2
SECRET_KEY = "demo-secret-key"


class Running:
    """A served gateway whose settings are in a file of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "gateway.toml"
        self.secret_key = folder / "secret-key"
        self.served: ServedGateway

    def write(self, *keys: str, access_key: str = "demo-access-key", secret_key: str = SECRET_KEY) -> None:
        """Write settings with clients that have these keys, and the tenant's secret key into a file beside them."""
        self.secret_key.write_text(secret_key)
        self.secret_key.chmod(0o600)
        named = ((key.removesuffix("-key"), key_hash(key)) for key in keys)
        clients = "".join(f'[[clients]]\nname = "{name}"\nkey_sha256 = "{made}"\nvdns = [1]\n' for name, made in named)
        self.file.write_text(
            f'{clients}[[tenants]]\nvdn = 1\naccess_key = "{access_key}"\nsecret_key_file = "{self.secret_key}"\n'
        )

    def spoil(self) -> None:
        """Make the settings faulty, in two ways."""
        self.file.write_text(self.file.read_text().replace("vdns = [1]", "vdns = [0]") + "nonsense = true\n")

    def status(self, key: str, path: str = "/campaigns") -> int:
        """Return the status of one request on a connection of its own."""
        headers = {"X-API-Key": key, "Connection": "close"}
        return requests.get(f"{self.served.url}{path}", headers=headers, timeout=LIMIT_S).status_code

    def statuses(self, key: str, path: str = "/campaigns") -> set[int]:
        """Return the statuses of so many requests that every worker answers some."""
        return {self.status(key, path) for _ in range(12)}

    def hang_up(self) -> list[int]:
        """Send SIGHUP to granian and wait until it has replaced all workers; return those there are now."""
        before = set(self.served.worker_pids())
        assert len(before) == WORKERS, "\n".join(self.served.log.read_text().splitlines()[-30:])
        self.served.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(now := self.served.worker_pids()) == WORKERS and not before & set(now), LIMIT_S)
        return self.served.worker_pids()

    def reload(self) -> None:
        """Send SIGHUP to the workers themselves, which stay, and wait until all have reloaded."""
        before = self._reloads()
        for worker in before:
            os.kill(worker, signal.SIGHUP)
        wait_until(lambda: all(self._reloads().get(worker, -1) > count for worker, count in before.items()), LIMIT_S)

    def _reloads(self) -> dict[int, int]:
        return {worker.pid: worker.shown.reloads for worker in published.workers(self.served.process.pid)}

    def command(self) -> "subprocess.CompletedProcess[str]":
        """Run `flask config reload` for this gateway."""
        return command_for(self.served.process.pid)

    def logged(self, event: str) -> list[dict[str, object]]:
        """Return the log lines of this event."""
        lines = self.served.log.read_text().splitlines()
        return [line for line in (json.loads(line) for line in lines if line.startswith("{")) if line["event"] == event]


@pytest.fixture(scope="module")
def _running(_simulator: SimulatorServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("settings"))
    running.write("old-key", "web-key")
    variables = {
        "GATEWAY_CONFIG": str(running.file),
        "GATEWAY__CLIENTS": "",
        "GATEWAY__TENANTS": "",
        "GATEWAY__HTTP__DRAIN_S": "1",
        "GRANIAN_RESPAWN_INTERVAL": "0.5",
    }
    with served_gateway(_simulator.base_url, WORKERS, **variables) as running.served:
        wait_until(lambda: len(running.served.worker_pids()) == WORKERS, LIMIT_S)
        yield running


@pytest.fixture
def running(simulator: SimulatorServer, _running: Running) -> Running:
    """Return a served gateway with two workers that takes a client with the key `old-key` and one with `web-key`."""
    _running.write("old-key", "web-key")
    _running.reload()
    return _running


def command_for(pid: int, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run `flask config reload` for a server with this process id."""
    return subprocess.run(
        [str(BIN / "flask"), "config", "reload", "--pid", str(pid), *options],
        cwd=PROJECT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@contextmanager
def callers(url: str) -> Iterator[Counter[object]]:
    """Have callers call all the time, with connections that they keep and with new ones; count what they get.

    Theirs is the simplest client there is: it finds out that a connection was closed by losing a request.
    """
    port = urlsplit(url).port
    counts: Counter[object] = Counter()
    ended = threading.Event()

    def call(*, keep: bool) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        number = 0
        while not ended.is_set():
            number += 1
            try:
                connection.request("GET", f"/campaigns?page={number % 5 + 1}", headers={"X-API-Key": "web-key"})
                answer = connection.getresponse()
                answer.read()
                counts[answer.status] += 1
            except (OSError, HTTPException) as error:
                counts[repr(error)] += 1
                connection.close()
            if not keep:
                connection.close()
            ended.wait(0.06)
        connection.close()

    threads = [threading.Thread(target=call, kwargs={"keep": number % 3 != 0}) for number in range(6)]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_sighup_changes_the_settings_of_all_workers_and_loses_no_request(
    running: Running, simulator: SimulatorServer
) -> None:
    """A revoked key is refused before granian has replaced all workers, because the first new one tells the others.

    Whoever waits for CC-iSales meanwhile is answered by the worker that has the request, which ends after that.
    """
    answers: list[int] = []
    with callers(running.served.url) as counts:
        wait_until(lambda: counts[200] > 50, LIMIT_S)
        simulator.latency_s = 3.0
        waiting = threading.Thread(target=lambda: answers.append(running.status("web-key", "/campaigns?page=9")))
        waiting.start()
        assert simulator.calls.wait_for_in_flight(1, LIMIT_S)
        running.write("new-key", "web-key")
        running.hang_up()
        assert (running.statuses("old-key"), running.statuses("new-key")) == ({401}, {200})
        seen = counts[200]
        wait_until(lambda: counts[200] > seen + 50, LIMIT_S)
        waiting.join()
    assert set(counts) == {200}
    assert answers == [200]
    assert ["clients.old", "clients.new"] in [line["changed"] for line in running.logged("settings_reloaded")]


def test_faulty_settings_are_told_and_those_before_stay_with_sighup(running: Running) -> None:
    """Also in the workers that granian starts then; a worker that is killed meanwhile comes back with them too."""
    running.write("new-key", "web-key")
    running.spoil()
    with callers(running.served.url) as counts:
        running.hang_up()
        assert (running.statuses("old-key"), running.statuses("new-key")) == ({200}, {401})
        told = running.logged("settings_faulty")
        assert len(told) >= WORKERS
        assert all(line["level"] == "error" and len(str(line["faults"])) > 100 for line in told)
        assert "clients[0].vdns" in str(told[0]["faults"])
        assert "tenants[0].nonsense" in str(told[0]["faults"])
        ready = requests.get(f"{running.served.url}/readyz", timeout=LIMIT_S)
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert ready.json()["dependencies"]["settings"]["status"] == "failing"
    assert set(counts) == {200}
    victim = running.served.worker_pids()[0]
    running.served.kill(victim)
    wait_until(lambda: len(now := running.served.worker_pids()) == WORKERS and victim not in now, LIMIT_S)
    assert (running.statuses("old-key"), running.statuses("new-key")) == ({200}, {401})
    running.write("new-key", "web-key")
    running.reload()
    assert (running.statuses("old-key"), running.statuses("new-key")) == ({401}, {200})
    assert requests.get(f"{running.served.url}/readyz", timeout=LIMIT_S).json()["status"] == "ready"


def test_a_worker_that_is_killed_while_it_takes_anothers_place_is_replaced(simulator: SimulatorServer) -> None:
    """With a respawn interval as all ways to deploy have one; with a shorter one granian takes it for a crash loop."""
    with served_gateway(simulator.base_url, GRANIAN_RESPAWN_INTERVAL=f"{CRASH_LOOP_S + 0.1}") as served:
        before = served.worker_pids()
        served.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(served.worker_pids()) == len(before) + 1, LIMIT_S)
        (taking_over,) = set(served.worker_pids()) - set(before)
        os.kill(taking_over, signal.SIGKILL)
        wait_until(lambda: (now := served.worker_pids()) and not {*before, taking_over} & set(now), LIMIT_S)
        assert served.process.poll() is None
        assert "respawn_interval_short" not in served.log.read_text()


def test_the_command_reloads_all_workers_and_keeps_their_pages(running: Running, simulator: SimulatorServer) -> None:
    """It tells when all serve by the new settings, secrets from files included; the processes are the same ones."""
    before = running.served.worker_pids()
    with callers(running.served.url) as counts:
        wait_until(lambda: counts[200] > 50, LIMIT_S)
        running.write("new-key", "web-key", access_key="rotated-access-key", secret_key="rotated-secret-key")
        simulator.calls.reset()
        done = running.command()
        assert (done.returncode, done.stdout, done.stderr) == (
            0,
            "Reloaded: 2 workers serve by the new settings.\n",
            "",
        )
        assert (running.statuses("old-key"), running.statuses("new-key")) == ({401}, {200})
    assert set(counts) == {200}
    assert running.served.worker_pids() == before
    assert simulator.calls.total <= WORKERS * 5
    assert set(json.loads(command_for(running.served.process.pid, "--json").stdout)["workers"]) == set(before)
    simulator.revoked = frozenset({"demo-access-key"})
    assert running.status("new-key", "/campaigns?page=7") == 200


def test_the_command_tells_the_faults(running: Running) -> None:
    """They are those of the running gateway's files, whatever is set where the command runs."""
    running.spoil()
    done = running.command()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: The settings are faulty, and those before stay in force:\n  - ")
    assert done.stderr.count("\n  - ") == 3
    assert running.statuses("old-key") == {200}
    running.write("new-key")
    assert running.command().returncode == 0
    assert (running.statuses("old-key"), running.statuses("new-key")) == ({401}, {200})


def test_the_command_says_when_there_is_no_gateway() -> None:
    """Of a process that serves nothing, nor do its children, it says so with exit code 1, and leaves it alone."""
    waiting = [sys.executable, "-c", "import subprocess; subprocess.run(['sleep', '60'])"]
    with subprocess.Popen(waiting, start_new_session=True) as process:
        done = command_for(process.pid)
        assert (done.returncode, done.stdout) == (1, "")
        assert "There is no gateway with the process id" in done.stderr
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
