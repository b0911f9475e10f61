"""The processes as users start them: the server, the demo, the commands."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from gateway.simulator.server import SimulatorServer
from tests.support.gateway import PROJECT
from tests.support.server import BIN, ServedGateway, environment, free_port, served_gateway
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def served(_simulator: SimulatorServer) -> Iterator[ServedGateway]:
    """Return a gateway that listens for IPv4 and IPv6, and gives its callers time."""
    variables = {"GATEWAY__HTTP__TRUSTED_PROXIES": "0", "GATEWAY__ISALES__DEADLINE_S": "25"}
    with served_gateway(_simulator.base_url, 1, GRANIAN_HOST="::", **variables) as gateway:
        yield gateway


@pytest.fixture
def raw(served: ServedGateway, simulator: SimulatorServer) -> Callable[[bytes], bytes]:
    """Return a function that sends bytes to a served gateway and returns all that comes back."""
    url = urlsplit(served.url)

    def exchange(request: bytes) -> bytes:
        with socket.create_connection((url.hostname or "", url.port or 0), timeout=10) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as answer:
                return answer.read()

    return exchange


def test_the_served_gateway_answers_many_at_once(served: ServedGateway, simulator: SimulatorServer) -> None:
    """Under granian, as many calls as the budget allows are under way at the same time."""
    simulator.latency_s = 2.0
    with ThreadPoolExecutor(30) as pool:
        pages = [f"{served.url}/campaigns?page={page}" for page in range(1, 31)]
        key = {"X-API-Key": "web-key"}
        answers = pool.map(lambda url: requests.get(url, headers=key, timeout=30).status_code, pages)
        assert simulator.calls.wait_for_in_flight(10, 20)
        simulator.latency_s = 0.1
        assert list(answers) == [200] * 30
    assert simulator.calls.snapshot()["max_in_flight"] == 10


def test_callers_over_ipv4_are_logged_by_their_own_address(served: ServedGateway) -> None:
    """Also where the server listens for both, and is told of each as of one of IPv6."""
    port = urlsplit(served.url).port
    for host in ("127.0.0.1", "[::1]"):
        requests.get(f"http://{host}:{port}/me", headers={"X-API-Key": "web-key"}, timeout=10).raise_for_status()
    wait_until(lambda: served.log.read_text().count('"path": "/me"') == 2)
    lines = [json.loads(line) for line in served.log.read_text().splitlines() if '"path": "/me"' in line]
    assert [line["remote"] for line in lines] == ["127.0.0.1", "::1"]


@pytest.mark.parametrize("key", [b"caf\xc3\xa9", b"\xe9", b"\xff\xfe\x80", b"", b"web-key\xff"])
def test_bytes_that_are_no_key_are_refused(raw: Callable[[bytes], bytes], key: bytes) -> None:
    """Any bytes that the server lets through as a key are an unknown one: 401 with its problem, never 500."""
    answer = raw(b"GET /campaigns HTTP/1.1\r\nHost: x\r\nX-API-Key: " + key + b"\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["type"] == "problems/unauthenticated"


@pytest.mark.parametrize("header", ["Accept", "Accept-Encoding", "Accept-Language", "If-None-Match", "X-Request-Id"])
def test_odd_bytes_in_other_headers_do_no_harm(raw: Callable[[bytes], bytes], header: str) -> None:
    """A header that is not text is as good as none."""
    odd = header.encode() + b": \xff\xfe"
    answer = raw(
        b"GET /campaigns HTTP/1.1\r\nHost: x\r\nX-API-Key: web-key\r\n" + odd + b"\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_the_server_does_not_start_with_faulty_settings() -> None:
    """It ends by itself, and says every fault without a traceback."""
    result = subprocess.run(
        [
            str(BIN / "granian"),
            "--interface",
            "wsgi",
            "--respawn-failed-workers",
            "--port",
            str(free_port()),
            "app:app",
        ],
        cwd=PROJECT,
        env=environment(GATEWAY_ENV="production"),
        capture_output=True,
        text=True,
        # Until a worker has ended within 5.5 s of its start, granian tries again.
        timeout=300,
        check=False,
    )
    assert result.returncode != 0
    assert "isales.base_url: is not set" in result.stderr
    assert "no client that has a key" in result.stderr
    assert "Traceback" not in result.stderr


def test_every_line_of_the_server_is_of_one_form(simulator: SimulatorServer) -> None:
    """Those of granian's main process and of its workers, ours between them: at the start, a reload and the end."""
    options = dict(re.findall(r"^export (GRANIAN_\w+) \?= (\S+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    with served_gateway(simulator.base_url, **{**options, "GRANIAN_RESPAWN_INTERVAL": "0.5"}) as served:
        requests.get(f"{served.url}/nothing", timeout=5)
        served.process.send_signal(signal.SIGHUP)
        # Of the new worker too, which granian does not wait for.
        wait_until(lambda: served.log.read_text().count("respawn_interval_short") == 2, 30.0)
        wait_until(lambda: "Stopped old worker-1" in served.log.read_text(), 30.0)
        served.process.send_signal(signal.SIGTERM)
        served.process.wait(20)
        lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    assert {line["event"] for line in lines} >= {"server", "request"}
    assert {line["level"] for line in lines if line["event"] == "server"} == {"info"}, "a warning of what is meant so"
    assert [line["event"] for line in lines if line["level"] != "info"] == ["respawn_interval_short"] * 2
    assert all(re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z", line["timestamp"]) for line in lines)
    said = [line["message"] for line in lines if line["event"] == "server"]
    # The second is a worker's.
    assert {"Shutting down granian", "Started worker-1"} <= set(said)


def test_a_server_that_is_stopped_while_it_starts_ends() -> None:
    """A worker that is still loading the app is told to end as well."""
    process = subprocess.Popen(
        [str(BIN / "granian"), "--interface", "wsgi", "--port", str(free_port()), "app:app"],
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as said:
        while not (worker := re.search(r"Spawning worker-1 with PID: (\d+)", said.readline())):
            assert process.poll() is None
        # A library that the app needs, and the server does not.
        wait_until(lambda: "markupsafe" in Path(f"/proc/{worker[1]}/maps").read_text())
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait(30)


def flask(*args: str, cwd: Path = PROJECT, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the `flask` command to its end."""
    return subprocess.run(
        [str(BIN / "flask"), *args],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_commands_work_in_the_projects_folder() -> None:
    """`flask` finds the commands by itself; with faulty settings it still makes keys."""
    assert flask("keys", "new", GATEWAY_ENV="production").returncode == 0
    check = flask("config", "check", GATEWAY_ENV="production")
    assert (check.returncode, "isales.base_url: is not set" in check.stderr) == (1, True)


@pytest.mark.parametrize("words", ["run", "--debug run", "run --debug", "-e /dev/null run --port 0", "routes", "shell"])
def test_with_faulty_settings_flask_serves_nothing(words: str) -> None:
    """However it is spelt, Flask's own command says all faults and ends."""
    result = flask(*words.split(), GATEWAY_ENV="production")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("3 faults in the settings:\n  - isales.base_url: is not set")


def test_config_check_is_not_good_where_the_gateway_does_not_start() -> None:
    """What only the making of the gateway brings to light is a fault too."""
    check = flask("config", "check", GATEWAY__CACHE__SHARED_URL="redis://127.0.0.1/0?nonsense=1")
    assert (check.returncode, check.stdout) == (1, "")
    assert "cache.shared_url is no URL of a Redis" in check.stderr


def test_a_file_env_is_read_by_no_command(tmp_path: Path) -> None:
    """The server does not read it either; what is exported counts, whatever the file says."""
    (tmp_path / ".env").write_text("GATEWAY__LOG__LEVEL=loud\n")
    found = {"FLASK_APP": "gateway.factory:create_commands_app", "PYTHONPATH": str(PROJECT)}
    check = flask("config", "check", cwd=tmp_path, **found)
    assert (check.returncode, "is not read" in check.stderr) == (0, True)
    assert 'level = "info"' in check.stdout
    check = flask("config", "check", cwd=tmp_path, **found, GATEWAY__LOG__LEVEL="debug")
    assert (check.returncode, check.stderr, 'level = "debug"' in check.stdout) == (0, "", True)
    check = flask("config", "check", cwd=tmp_path, **found, GATEWAY__LOG__LEVEL="loud")
    assert (check.returncode, "it is 'loud'" in check.stderr) == (1, True)


def test_arguments_of_any_bytes_give_no_traceback() -> None:
    """A shell passes on what was typed; what is not UTF-8 is a usage error."""
    command = [os.fsencode(BIN / "flask"), b"campaigns", b"list", b"--vdn", b"1", b"--name", b"\xff"]
    result = subprocess.run(command, cwd=PROJECT, env=environment(), capture_output=True, timeout=60, check=False)
    assert result.returncode == 2
    assert b"'--name'" in result.stderr
    assert b"Traceback" not in result.stderr


def test_the_simulator_runs_as_a_command(simulator: SimulatorServer) -> None:
    """`flask simulator run` says where it listens, and answers there."""
    process = subprocess.Popen(
        [str(BIN / "flask"), "simulator", "run", "--port", "0"],
        cwd=PROJECT,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
        assert said is not None
        assert requests.get(f"{said[0]}/simulator/calls", timeout=5).json()["total"] == 0
        assert requests.get(f"{said[0]}/rest/isales/v1/openapi/campaigns/1", timeout=5).status_code == 401
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()  # type: ignore[union-attr] # -- it was asked for above


def test_the_demo_prints_a_curl_line_that_works_and_ends_on_ctrl_c() -> None:
    """Simulator and gateway come up together, the printed line lists campaigns, and one interrupt ends both.

    Settings for something else, which whoever starts it may have in the environment, change nothing.
    """
    others = {"GATEWAY_ENV": "production", "GATEWAY_CONFIG": "/nowhere.toml", "GATEWAY__CLIENTS": "[]"}
    port, simulator_port = str(free_port()), str(free_port())
    process = subprocess.Popen(
        [str(BIN / "flask"), "demo", "--port", port, "--simulator-port", simulator_port],
        cwd=PROJECT,
        env=environment(**others),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = ""
    while "Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    assert "demo-key" in said
    line = next(line.strip() for line in said.splitlines() if line.strip().startswith("curl"))
    answer = subprocess.run([*shlex.split(line), "-s"], capture_output=True, text=True, check=True, timeout=20)
    assert '"total_items":60' in answer.stdout
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(20) == 0
    process.stdout.close()
    for ended in (port, simulator_port):
        try:
            requests.get(f"http://127.0.0.1:{ended}/", timeout=1)
        except requests.ConnectionError:
            continue
        raise AssertionError(f"something still listens on port {ended}")


def test_the_demo_says_when_a_port_is_taken(served: ServedGateway, simulator: SimulatorServer) -> None:
    """A port in use is said with the way to another one, also where the one who has it would share it."""
    port = served.url.rpartition(":")[2]
    result = flask("demo", "--port", port, "--simulator-port", "0")
    assert (result.returncode, f"Port {port} of 127.0.0.1 is in use" in result.stderr) == (1, True)
    assert f"make run PORT={int(port) + 1}" in result.stderr
    result = flask("demo", "--simulator-port", str(simulator.port))
    assert (result.returncode, f"make run SIMULATOR_PORT={simulator.port + 1}" in result.stderr) == (1, True)
