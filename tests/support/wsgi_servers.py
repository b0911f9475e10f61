"""WSGI servers other than in the deploy files, each with the options that deploy/README.md says it needs."""

import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests

from gateway.reload import published
from tests.support.canaries import require_none
from tests.support.gateway import PROJECT, VARIABLES
from tests.support.programs import leave_out, program
from tests.support.server import BIN, ServedGateway, environment, free_port

THREADS = "300"


@dataclass(frozen=True)
class WsgiServer:
    """A server: its package, its command with places for port and an empty folder, and what it can do.

    `at_once` is how many requests it works on at most, in one worker. `drains`: SIGTERM makes `/readyz` unready first.
    `finishes`: what is under way at the end is answered. `ended` is its exit code then, and `stop` the signal for it.
    """

    name: str
    package: str
    command: str
    workers: int = 1
    at_once: int = int(THREADS)
    drains: bool = False
    finishes: bool = True
    ended: int = 0
    stop: signal.Signals = signal.SIGTERM


GRANIAN = WsgiServer(
    "granian",
    "granian",
    "granian --interface wsgi --respawn-failed-workers --blocking-threads 2048 --backpressure 2048 "
    "--respawn-interval 15 --port {port} app:app",
    drains=True,
)
GTHREAD = WsgiServer(
    "gunicorn-gthread",
    "gunicorn",
    f"gunicorn --no-control-socket --worker-class gthread --threads {THREADS} --workers 2 "
    "--bind 127.0.0.1:{port} app:app",
    workers=2,
    drains=True,
)
PRELOAD = WsgiServer(
    "gunicorn-preload",
    "gunicorn",
    GTHREAD.command.replace(" --workers", " --preload --workers"),
    workers=2,
    drains=True,
)
GEVENT = WsgiServer(
    "gunicorn-gevent",
    "gevent",
    "gunicorn --no-control-socket --worker-class gevent --bind 127.0.0.1:{port} app:app",
    drains=True,
)
UWSGI = WsgiServer(
    "uwsgi",
    "pyuwsgi",
    "uwsgi --http11-socket 127.0.0.1:{port} --module app:app --master --need-app --lazy-apps --enable-threads "
    f"--threads {THREADS} --disable-logging --hook-master-start unix_signal:15=gracefully_kill_them_all",
)
UWSGI_FORKED = WsgiServer("uwsgi-forked", "pyuwsgi", UWSGI.command.replace("--lazy-apps ", ""))
UWSGI_ALONE = WsgiServer(
    "uwsgi-alone",
    "pyuwsgi",
    f"uwsgi --http11-socket 127.0.0.1:{{port}} --module app:app --need-app --enable-threads --threads {THREADS} "
    "--disable-logging",
    finishes=False,
    ended=30,
)
WAITRESS = WsgiServer(
    "waitress",
    "waitress",
    f"waitress-serve --threads {THREADS} --connection-limit 2000 --no-clear-untrusted-proxy-headers "
    "--listen 127.0.0.1:{port} app:app",
    finishes=False,
    ended=-signal.SIGTERM,
)


HYPERCORN = WsgiServer(
    "hypercorn",
    "hypercorn",
    "hypercorn --graceful-timeout 12 --bind 127.0.0.1:{port} wsgi:app:app",
    # Those of Python's own pool, which asyncio takes.
    at_once=min(32, (os.cpu_count() or 1) + 4),
)
CHEROOT = WsgiServer(
    "cheroot",
    "cheroot",
    f"python -m cheroot --threads {THREADS} --request-queue-size 1024 --bind 127.0.0.1:{{port}} app:app",
    finishes=False,
    ended=-signal.SIGTERM,
)
MOD_WSGI = WsgiServer(
    "mod-wsgi",
    "libapache2-mod-wsgi-py3",
    "apache2 -DFOREGROUND -f {folder}/server.conf",
    workers=2,
    stop=signal.SIGWINCH,
)
"""Apache itself, with Debian's mod_wsgi; `apachectl graceful-stop` sends that signal."""

_APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
DefaultRuntimeDir {folder}
Listen 127.0.0.1:{port}
ErrorLog /proc/self/fd/2
{modules}
ErrorLogFormat %M
ServerLimit 2
ThreadLimit 320
ThreadsPerChild 320
MaxRequestWorkers 640
WSGIDaemonProcess gateway processes=2 threads={threads} home={project} python-path={project}:{packages}
WSGIScriptAlias / {project}/app.py process-group=gateway application-group=%{{GLOBAL}}
WSGICallableObject app
WSGIPassAuthorization On
<Directory {project}>
    Require all granted
</Directory>
"""
_APACHE_MODULES = Path("/usr/lib/apache2/modules")
# Apache is no user's but root's then, which mod_wsgi refuses; and where only root may read the project, it has to.
_AS_NOBODY = [
    *("setpriv", "--reuid=65534", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
]


def name_of(server: WsgiServer) -> str:
    """Return what a test with this server is called."""
    return server.name


def arguments(server: WsgiServer, port: int, folder: Path) -> list[str]:
    """Return the command of a server, whose `folder` is empty; the test is skipped where it is not installed."""
    program_, *rest = server.command.format(port=port, folder=folder).split()
    if server is MOD_WSGI:
        return [*_laid_out(port, folder), program("apache2", "apache2"), *rest]
    if find_spec(server.package) is None:
        pytest.skip(f"{server.package} is not installed here")
    # The name of a hook and what it does are one argument.
    return [str(BIN / program_), *(each.replace("=", " ") if each.startswith("unix_signal") else each for each in rest)]


def _laid_out(port: int, folder: Path) -> list[str]:
    """Write Apache's settings into the empty `folder`; return what its command begins with."""
    module = _APACHE_MODULES / "mod_wsgi.so"
    if not module.exists():
        leave_out(f"Apache has no mod_wsgi on this machine; on Debian: apt-get install {MOD_WSGI.package}")
    if f"-{sys.version_info[0]}.{sys.version_info[1]}" not in module.resolve().name:
        pytest.skip(f"{module.resolve().name} is made for another Python than that of the tests")
    modules = "\n".join(
        f"LoadModule {name}_module {_APACHE_MODULES}/mod_{name}.so" for name in ("mpm_event", "authz_core", "wsgi")
    )
    settings = _APACHE.format(
        folder=folder,
        port=port,
        modules=modules,
        threads=THREADS,
        project=PROJECT,
        packages=sysconfig.get_path("purelib"),
    )
    (folder / "server.conf").write_text(settings, encoding="utf-8")
    return _AS_NOBODY if os.geteuid() == 0 else []


@contextmanager
def serving(server: WsgiServer, base_url: str, **variables: str) -> Iterator[ServedGateway]:
    """Serve the gateway in front of the CC-iSales at `base_url` by `server`, with `variables` of the environment."""
    port = free_port()
    settings = {**VARIABLES, "GATEWAY__ISALES__BASE_URL": base_url, "GATEWAY__HTTP__DRAIN_S": "0", **variables}
    with tempfile.NamedTemporaryFile("w") as log, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        process = subprocess.Popen(
            arguments(server, port, Path(folder)),
            cwd=PROJECT,
            env=environment(**settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        served = ServedGateway(f"http://127.0.0.1:{port}", process, Path(log.name))
        try:
            _wait_for(served)
            yield served
        finally:
            # Some do not end while a connection is kept, and nothing of theirs is to be seen any more.
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()
            require_none(Path(log.name).read_bytes(), "the log of a served gateway")


def _wait_for(served: ServedGateway, limit_s: float = 60.0) -> None:
    # They listen before they have loaded the app, so the first request waits for that.
    give_up = time.monotonic() + limit_s
    while time.monotonic() < give_up:
        assert served.process.poll() is None, served.log.read_text()
        try:
            if requests.get(f"{served.url}/healthz", timeout=limit_s).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.02)
    raise AssertionError(served.log.read_text())


def workers_of(served: ServedGateway) -> list[int]:
    """Return the ids of the processes that serve."""
    found = list(published.workers(served.process.pid))
    return [worker.pid for worker in found if worker.pid not in {other.parent for other in found}]
