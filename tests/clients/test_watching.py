"""`deploy/clients`: its commands make clients, and its examples list, wait, and come again, as its README says."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Empty, Queue
from time import monotonic
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.clients.tools import ANNOTATIONS, LIMIT_S, jar
from tests.clients.upstream import serving
from tests.support.gateway import KEYS, PROJECT
from tests.support.programs import leave_out, program
from tests.support.server import BIN, environment, served_gateway
from tests.unit.isales.vendor import as_json, envelope, row

FOLDER: Final = PROJECT / "deploy" / "clients"
ADDRESS: Final = "http://127.0.0.1:8080"
PATIENCE_S: Final = 60.0
"""How long an example may take for one step on a busy machine."""
PAUSE_S: Final = 1
"""What the front's `Retry-After` says."""


@dataclass
class Front:
    """Stands in front of the gateway: refuses the first two requests for campaigns, and notes what clients do."""

    url: str = ""
    refusals: list[int] = field(default_factory=lambda: [503, 429])
    not_before: float = 0.0
    early: int = 0
    waited: bool = False
    statuses: "Queue[int]" = field(default_factory=Queue)

    def verdict(self) -> int:
        """Return the status to refuse a request with, 0 where it is to be passed on."""
        if monotonic() < self.not_before:
            self.early += 1
            return 429
        if not self.refusals:
            return 0
        self.not_before = monotonic() + PAUSE_S
        return self.refusals.pop(0)

    def wait_for(self, status: int, otherwise: Callable[[], str]) -> None:
        """Return when a client has got this status; fail with what `otherwise` returns when it stays away."""
        try:
            while self.statuses.get(timeout=PATIENCE_S) != status:
                pass
        except Empty:
            pytest.fail(f"no answer had the status {status}: {otherwise()}")


@contextmanager
def front(gateway: str) -> Iterator[Front]:
    """Stand in front of the gateway at the URL `gateway` for as long as the context lasts."""
    here = Front()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            refused = here.verdict() if self.path.startswith("/campaigns") else 0
            if refused:
                problem = {
                    "type": "problems/x",
                    "title": "x",
                    "status": refused,
                    "detail": "x",
                    "instance": "campaigns",
                }
                body, status = json.dumps({**problem, "request_id": "x"}).encode(), refused
                headers = [("Content-Type", "application/problem+json"), ("Retry-After", str(PAUSE_S))]
            else:
                connection = HTTPConnection(gateway.removeprefix("http://"))
                connection.request("GET", self.path, headers={**self.headers, "Connection": "close"})
                answer = connection.getresponse()
                body, status, headers = answer.read(), answer.status, answer.getheaders()
                connection.close()
                here.waited = here.waited or "Preference-Applied" in answer.headers
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                    self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            here.statuses.put(status)

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Handler) as here.url:
        yield here


@dataclass
class Running:
    """So many campaigns run in a CC-iSales."""

    count: int = 150

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Return what answers as CC-iSales does."""
        campaigns = self

        class Interface(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked = parse_qs(urlsplit(self.path).query)
                count = campaigns.count if asked["status"] == ["2"] else 0
                page, size = int(asked["curPage"][0]), int(asked["rowsPerPage"][0])
                rows = [row(id=number, status=2) for number in range(1, count + 1)]
                body = as_json(envelope(data=rows[(page - 1) * size : page * size], totalSize=count))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Interface


def blocks(client: str) -> tuple[str, str]:
    """Return the two commands of README for a client: the one that makes it, and the one that runs its example."""
    chapter = (FOLDER / "README.md").read_text(encoding="utf-8").partition(f"\n## {client}\n")[2].partition("\n## ")[0]
    make, run = re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)
    return make, run


def _node(packages: Path, folder: Path) -> dict[str, str]:
    program("node", "nodejs")
    for name in ("package.json", "node_modules"):
        (folder / name).symlink_to(packages / name)
    return {}


def _python(_packages: Path, _folder: Path) -> dict[str, str]:
    program("java", "openjdk-17-jre-headless")
    return {}


def _go(_packages: Path, folder: Path) -> dict[str, str]:
    program("go", "golang-go")
    offline = {"GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    return {**offline, "GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache")}


def _java(_packages: Path, _folder: Path) -> dict[str, str]:
    program("javac", "openjdk-17-jdk-headless")
    if not ANNOTATIONS.exists():
        leave_out(f"{ANNOTATIONS} is not there; on Debian: apt-get install libgeronimo-annotation-1.3-spec-java")
    return {"CLASSPATH": f"{jar()}:{ANNOTATIONS}"}


CLIENTS: Final[dict[str, Callable[[Path, Path], dict[str, str]]]] = {
    "openapi-typescript": _node,
    "@hey-api/openapi-ts": _node,
    "openapi-python-client": _python,
    "openapi-generator for Python": _python,
    "openapi-generator for Go": _go,
    "openapi-generator for Java": _java,
}


def test_every_client_is_tried() -> None:
    """No chapter of README is only looked at."""
    assert re.findall("^## (.*)$", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE) == list(CLIENTS)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_does_what_its_example_says(client: str, packages: Path, tmp_path: Path) -> None:
    """It reads all pages, comes again when 503 and 429 say so and not before, gets 304, and sees what changes."""
    running = Running()
    folder = tmp_path / "clients"
    shutil.copytree(FOLDER, folder)
    variables = environment(**CLIENTS[client](packages, folder), HOME=str(tmp_path))
    variables["PATH"] = os.pathsep.join([str(BIN), str(packages / "node_modules" / ".bin"), variables["PATH"]])
    with (
        serving(running.handler()) as isales,
        served_gateway(isales, GATEWAY__CACHE__FRESH_S="1") as gateway,
        front(gateway.url) as before,
    ):
        make, run = (each.replace(ADDRESS, before.url).replace("demo-key", KEYS["web"]) for each in blocks(client))
        made = subprocess.run(
            ["sh", "-euc", make],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert made.returncode == 0, f"{made.stdout[-3000:]}\n{made.stderr[-3000:]}"
        with (
            (tmp_path / "errors").open("w+") as errors,
            subprocess.Popen(
                [
                    "sh",
                    "-euc",
                    run.replace("GATEWAY=", "exec env GATEWAY=").replace("\nAPI_KEY=", "\nexec env API_KEY="),
                ],
                cwd=folder,
                env=variables,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as process,
        ):
            # Where it hangs, this ends it, and what it said so far is told.
            watchdog = threading.Timer(2 * PATIENCE_S, process.kill)
            watchdog.start()
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "150 campaigns are running\n", (tmp_path / "errors").read_text()
                before.wait_for(304, (tmp_path / "errors").read_text)
                running.count = 151
                assert process.stdout.readline() == "151 campaigns are running\n", (tmp_path / "errors").read_text()
            finally:
                watchdog.cancel()
                process.kill()
    assert (before.refusals, before.early, before.waited) == ([], 0, True)
