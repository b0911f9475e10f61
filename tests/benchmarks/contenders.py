"""What is measured and what it is measured against, each in processes of its own on the servers' core."""

import contextlib
import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

import requests
import trustme
from urllib3.util import SKIP_HEADER

from tests.benchmarks.debian import program
from tests.benchmarks.processes import SERVER_CORE, NotMeasured, Process, running
from tests.benchmarks.upstreams import accepts
from tests.support.gateway import KEYS, PROJECT, VARIABLES
from tests.support.nginx import command as nginx_command
from tests.support.nginx import lay_out
from tests.support.server import BIN, free_port

API_KEY = KEYS["web"]
FOLDER = Path(__file__).parent
EARLIER = os.environ.get("BENCH_EARLIER", "250ee8f")
"""The revision of the gateway that it is compared with."""
GRANIAN = (str(BIN / "granian"), "--interface", "wsgi", "--respawn-failed-workers")


@dataclass(frozen=True)
class Contender:
    """A server that answers `GET /campaigns` on `port` of the loopback interface."""

    name: str
    port: int
    process: Process
    authority: Path | None = None
    """The certificate of who issued the server's, where it speaks TLS."""

    @property
    def url(self) -> str:
        """The URL without path."""
        return f"http{'s' if self.authority else ''}://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> requests.Response:
        """Return the answer to one GET with the API key and `headers`; as with wrk, nothing says what is accepted."""
        silent = {"Accept": None, "Accept-Encoding": SKIP_HEADER}
        sent = {"X-API-Key": API_KEY, **silent, **headers}
        return requests.get(self.url + path, headers=sent, timeout=20, verify=str(self.authority or True))


@contextlib.contextmanager
def gateway(
    upstream_url: str,
    settings: Mapping[str, str] | None = None,
    workers: int = 1,
    cores: str = SERVER_CORE,
    poll_s: float = 0.02,
    folder: Path = PROJECT,
) -> Iterator[Contender]:
    """Serve the gateway of `folder` in front of `upstream_url`; `settings` as in `{"cache.fresh_s": "5"}`."""
    port = free_port()
    variables = {f"GATEWAY__{name.replace('.', '__').upper()}": value for name, value in (settings or {}).items()}
    command = [*GRANIAN, "--workers", str(workers), "--port", str(port), "app:app"]
    given = {**VARIABLES, "GATEWAY__ISALES__BASE_URL": upstream_url, **variables}
    if folder != PROJECT:
        # Of this build, and another one may not have what it names.
        given["GRANIAN_LOG_CONFIG"] = ""
    with running(command, lambda: is_healthy(port), cores, given, poll_s, folder) as process:
        yield Contender("gateway", port, process)


@contextlib.contextmanager
def bare(url: str) -> Iterator[Contender]:
    """Serve the page at `url` by an app that does nothing else, on the same granian."""
    port = free_port()
    command = [*GRANIAN, "--workers", "1", "--port", str(port), "tests.benchmarks.bare_app:app"]
    with running(command, lambda: accepts(port), SERVER_CORE, {"ORIGIN": url, "KEY": API_KEY}) as process:
        yield Contender("bare WSGI", port, process)


@contextlib.contextmanager
def earlier(upstream_url: str, settings: Mapping[str, str] | None = None) -> Iterator[Contender]:
    """Serve the gateway as the revision `EARLIER` had it. Raises `NotMeasured` where git does not know that."""
    with tempfile.TemporaryDirectory() as folder:
        archived = subprocess.run(
            ["git", "archive", "--format=tar", f"--output={folder}/earlier.tar", EARLIER],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        if archived.returncode:
            raise NotMeasured(f"git has no revision {EARLIER}: {archived.stderr.strip()}")
        shutil.unpack_archive(f"{folder}/earlier.tar", folder, filter="data")
        with gateway(upstream_url, settings, folder=Path(folder)) as contender:
            yield replace(contender, name="earlier version")


@contextlib.contextmanager
def flask_caching(origin: str) -> Iterator[Contender]:
    """Serve the `@cached` app in front of `origin` by the same granian."""
    port = free_port()
    command = [*GRANIAN, "--workers", "1", "--port", str(port), "tests.benchmarks.flask_caching_app:app"]
    with running(command, lambda: accepts(port), SERVER_CORE, {"ORIGIN": origin}) as process:
        yield Contender("@cached", port, process)


@contextlib.contextmanager
def nginx(origin: str) -> Iterator[Contender]:
    """Serve nginx' `proxy_cache`, one worker, in front of `origin`."""
    with _nginx("nginx", origin) as contender:
        yield contender


@contextlib.contextmanager
def nginx_with_tls(origin: str) -> Iterator[Contender]:
    """Serve the same over TLS."""
    with _nginx("nginx, TLS", origin, tls=True) as contender:
        yield contender


@contextlib.contextmanager
def _nginx(name: str, origin: str, *, tls: bool = False) -> Iterator[Contender]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        authority = _certificate(Path(folder)) if tls else None
        values = {"port": str(port), "origin": origin, "user": getpass.getuser()}
        values["tls"] = f"ssl; ssl_certificate {folder}/tls.pem; ssl_certificate_key {folder}/tls.pem" if tls else ""
        configuration = _fill("nginx.conf", folder, **values)
        with running(nginx_command(configuration, "-e", "stderr"), lambda: accepts(port), SERVER_CORE) as process:
            yield Contender(name, port, process, authority)


@contextlib.contextmanager
def deployed(origin: str) -> Iterator[Contender]:
    """Serve nginx with the configuration in `deploy/nginx`, one worker, in front of the gateway at `origin`."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one_worker = {"worker_processes auto;": "worker_processes 1;"}
        configuration = lay_out(folder, origin.removeprefix("http://"), port, one_worker)
        command = nginx_command(configuration, "-e", "stderr", "-g", "daemon off;")
        with running(command, lambda: accepts(port), SERVER_CORE) as process:
            yield Contender("deployed nginx", port, process, folder / "authority.pem")


@contextlib.contextmanager
def varnish(origin: str) -> Iterator[Contender]:
    """Serve Varnish in front of `origin`."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        configuration = _fill("default.vcl", folder, host="127.0.0.1", port=origin.rpartition(":")[2])
        threads = ["-p", "thread_pools=1", "-p", "thread_pool_min=40", "-p", "thread_pool_max=200"]
        # It would ask the origin for gzip, and unpack that for each caller who did not.
        plain = ["-p", "http_gzip_support=off"]
        # Without its jail, which would need a user of its own who may not read the temporary folder.
        where = ["-j", "none", "-n", folder, "-a", f"127.0.0.1:{port}", "-s", "malloc,64m"]
        command = [program("varnishd") or "varnishd", "-F", *where, *threads, *plain, "-f", str(configuration)]
        with running(command, lambda: accepts(port), SERVER_CORE) as process:
            yield Contender("Varnish", port, process)


def is_healthy(port: int) -> bool:
    """Tell whether the gateway on `port` answers `/healthz` with 200."""
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok
    return False


def _certificate(folder: Path) -> Path:
    """Put `tls.pem` for the loopback interface into `folder`; return where the certificate of its issuer is."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "tls.pem")
    return folder / "authority.pem"


def _fill(template: str, folder: str, **values: str) -> Path:
    filled = Path(folder) / template
    text = (FOLDER / template).read_text(encoding="utf-8")
    filled.write_text(_Template(text).substitute(values, folder=folder), encoding="utf-8")
    return filled


class _Template(Template):
    """Placeholders are `@name@`-like, `@{name}`: both peers' languages use `$` or braces themselves."""

    delimiter = "@"
