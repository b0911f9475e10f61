"""Reverse proxies with the very files of `deploy/fronts`, in front of a gateway, on the loopback interface."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.gateway import PROJECT
from tests.support.nginx import Answer, deployed_nginx, trusting
from tests.support.programs import program
from tests.support.server import free_port

CONFIGURATIONS = PROJECT / "deploy" / "fronts"
PREFIX = "/gateway"
"""Where each of them has the gateway too, but for Squid and our nginx."""

_APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
User www-data
Group www-data
{modules}
AddOutputFilterByType DEFLATE application/json application/problem+json text/html
Include {folder}/apache.conf
"""
_APACHE_MODULES = "mpm_event authz_core authz_host env setenvif headers filter deflate proxy proxy_http"
_SQUID = """
pid_filename none
access_log none
cache_log {folder}/cache.log
netdb_filename none
pinger_enable off
coredump_dir {folder}
visible_hostname localhost
shutdown_lifetime 0 seconds
"""


READY_PATH = "/openapi.json"
"""Asked for until a proxy answers, and by no test of what it passes on."""


@dataclass(frozen=True)
class Front:
    """A proxy that answers at `url`; `prefixed` is where it has the gateway under a prefix, `None` for nowhere."""

    name: str
    url: str
    prefixed: str | None = None
    authority: Path | None = None
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def ask(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        key: str | None = "web-key",
        method: str = "GET",
        source: str = "127.0.0.1",
        base: str | None = None,
        timeout_s: float = 20.0,
    ) -> Answer:
        """Send a request with these headers and no others from the address `source`, on a connection of its own."""
        parts = urlsplit((base or self.url) + path)
        assert parts.hostname
        where: dict[str, Any] = {"timeout": timeout_s, "source_address": (source, 0)}
        if parts.scheme == "https":
            assert self.authority
            context = trusting(self.authority)
            connection: HTTPConnection = HTTPSConnection(parts.hostname, parts.port, context=context, **where)
        else:
            connection = HTTPConnection(parts.hostname, parts.port, **where)
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in {**({} if key is None else {"X-API-Key": key}), **(headers or {})}.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


def _laid_out(folder: Path, name: str, port: int, gateway: int) -> Path:
    """Copy a file of `deploy/fronts` with other ports, which have to be there outside of comments."""
    text = (CONFIGURATIONS / name).read_text(encoding="utf-8")
    lines = []
    for line in text.split("\n"):
        comment = line.lstrip().startswith("#")
        lines.append(line if comment else re.sub(r"\b8000\b", str(port), re.sub(r"\b8080\b", str(gateway), line)))
    changed = "\n".join(lines)
    path = folder / Path(name).name
    path.write_text(changed, encoding="utf-8")
    return path


def _haproxy(folder: Path, port: int, gateway: int) -> list[str]:
    return [program("haproxy", "haproxy"), "-db", "-f", str(_laid_out(folder, "haproxy.cfg", port, gateway))]


def _caddy(folder: Path, port: int, gateway: int) -> list[str]:
    return [
        program("caddy", "-"),
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        str(_laid_out(folder, "Caddyfile", port, gateway)),
    ]


def _apache(folder: Path, port: int, gateway: int) -> list[str]:
    _laid_out(folder, "apache.conf", port, gateway)
    known = Path("/usr/lib/apache2/modules")
    modules = "\n".join(f"LoadModule {name}_module {known}/mod_{name}.so" for name in _APACHE_MODULES.split())
    (folder / "main.conf").write_text(_APACHE.format(folder=folder, modules=modules), encoding="utf-8")
    return [program("apache2", "apache2"), "-DFOREGROUND", "-f", str(folder / "main.conf")]


def _squid(folder: Path, port: int, gateway: int) -> list[str]:
    path = _laid_out(folder, "squid.conf", port, gateway)
    with path.open("a", encoding="utf-8") as file:
        file.write(_SQUID.format(folder=folder))
    return [program("squid", "squid"), "-N", "-f", str(path)]


def _varnish(folder: Path, port: int, gateway: int) -> list[str]:
    path = _laid_out(folder, "varnish.vcl", port, gateway)
    started = re.search(r"-f varnish\.vcl (.*)", path.read_text(encoding="utf-8"))
    assert started
    command = [program("varnishd", "varnish"), "-F", "-j", "none", "-n", str(folder / "work"), "-s", "default,16m"]
    return [*command, "-a", f"127.0.0.1:{port}", "-f", str(path), *started[1].split()]


def _lighttpd(folder: Path, port: int, gateway: int) -> list[str]:
    return [program("lighttpd", "lighttpd"), "-D", "-f", str(_laid_out(folder, "lighttpd.conf", port, gateway))]


def _traffic_server(folder: Path, port: int, gateway: int) -> list[str]:
    etc = folder / "etc"
    shutil.copytree("/etc/trafficserver", etc)
    records = etc / "records.config"
    defaults = records.read_text(encoding="utf-8")
    for name in ("records.config", "remap.config", "headers.config"):
        _laid_out(etc, f"trafficserver/{name}", port, gateway)
    own = records.read_text(encoding="utf-8")
    for place in ("run", "log", "cache"):
        (folder / place).mkdir(mode=0o777)
    (etc / "storage.config").write_text(f"{folder}/cache 16M\n")
    places = {
        "config_dir": etc,
        "local_state_dir": folder / "run",
        "log.logfile_dir": folder / "log",
        "bin_path": "/usr/bin",
        "plugin.plugin_dir": "/usr/lib/trafficserver/modules",
        "body_factory.template_sets_dir": etc / "body_factory",
    }
    others = "".join(f"CONFIG proxy.config.{name} STRING {place}\n" for name, place in places.items())
    mine = "CONFIG proxy.config.admin.user_id STRING #-1\nCONFIG proxy.config.diags.output.diag STRING E\n"
    records.write_text(f"{defaults}\n{own}\n{others}{mine}", encoding="utf-8")
    return [program("traffic_server", "trafficserver")]


def _envoy(folder: Path, port: int, gateway: int) -> list[str]:
    path = _laid_out(folder, "envoy.yaml", port, gateway)
    return [program("envoy", "-"), "-c", str(path), "--concurrency", "1", "--disable-hot-restart", "-l", "warn"]


_COMMANDS: Mapping[str, Callable[[Path, int, int], list[str]]] = {
    "haproxy": _haproxy,
    "caddy": _caddy,
    "apache": _apache,
    "squid": _squid,
    "varnish": _varnish,
    "lighttpd": _lighttpd,
    "trafficserver": _traffic_server,
    "envoy": _envoy,
}
NAMES = ("nginx", *_COMMANDS)
_WITHOUT_PREFIX = frozenset({"nginx", "squid"})


@contextmanager
def front(name: str, folder: Path, gateway_url: str, changes: Mapping[str, str] | None = None) -> Iterator[Front]:
    """Run the proxy of this name in front of the gateway at `gateway_url` for as long as the context lasts.

    `folder` is empty. `changes` are texts of its files to be replaced, each of which has to be there. Skips the test
    that runs where the program is not on this machine.
    """
    if name == "nginx":
        with deployed_nginx(folder, gateway_url) as nginx:
            yield Front(name, nginx.url, authority=nginx.authority, process=nginx.process)
        return
    port = free_port()
    gateway = urlsplit(gateway_url).port
    assert gateway
    _open_to_all(folder)
    command = _changed(_COMMANDS[name](folder, port, gateway), folder, changes or {})
    homes = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    if name == "trafficserver":
        homes |= {"TS_ROOT": str(folder), "PROXY_CONFIG_CONFIG_DIR": str(folder / "etc")}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **homes}, start_new_session=True
        )
    try:
        _wait_until_it_answers(port, process, folder / "output")
        url = f"http://127.0.0.1:{port}"
        yield Front(name, url, None if name in _WITHOUT_PREFIX else url + PREFIX, process=process)
    finally:
        # One that did not start is gone.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _changed(command: list[str], folder: Path, changes: Mapping[str, str]) -> list[str]:
    """Return `command` with `changes`, after they have been made in the files that lie in `folder` for it."""
    for old, new in changes.items():
        files = [path for path in (*folder.glob("*"), *folder.glob("etc/*")) if path.is_file()]
        those = [path for path in files if old in path.read_text(encoding="utf-8", errors="replace")]
        assert those or old in command, f"{old!r} is nowhere"
        for path in those:
            path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        command = [new if part == old else part for part in command]
    return command


def _open_to_all(folder: Path) -> None:
    """Let users that a proxy turns into when it is started by root reach `folder`, and write there."""
    folder.chmod(0o777)
    for parent in folder.parents:
        if parent.owner() == folder.owner() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)


def _wait_until_it_answers(port: int, process: "subprocess.Popen[bytes]", output: Path, limit_s: float = 30.0) -> None:
    give_up = time.monotonic() + limit_s
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", READY_PATH)
            if connection.getresponse().status == 200:
                return
        except (OSError, ValueError):
            pass
        finally:
            connection.close()
        assert process.poll() is None, output.read_text(errors="replace")
        assert time.monotonic() < give_up, f"no answer within {limit_s:.0f} s: {output.read_text(errors='replace')}"
        time.sleep(0.05)
