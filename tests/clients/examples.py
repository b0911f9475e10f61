"""`deploy/clients`: the clients that its commands make, and its examples, as they list, wait and come again."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import requests

from tests.clients.front import API, PATIENCE_S, Front, Hurdles
from tests.clients.tools import KEY, run, surroundings
from tests.clients.upstream import serving
from tests.support.gateway import KEYS, PROJECT
from tests.support.server import BIN, served_gateway
from tests.unit.isales.vendor import as_json, envelope, row

FOLDER: Final = PROJECT / "deploy" / "clients"
README: Final = (FOLDER / "README.md").read_text(encoding="utf-8")
ADDRESS: Final = "http://127.0.0.1:8080"
NAMES: Final = re.findall("^## (.*)$", README, re.MULTILINE)
"""The clients of README."""


@dataclass(frozen=True)
class Client:
    """A client that README's commands have made in `folder`; `example` is the one that runs its example there.

    `left` are those that were left out.
    """

    folder: Path
    variables: dict[str, str]
    example: str
    left: tuple[str, ...]


def commands(name: str, front: Front) -> list[str]:
    """Return README's commands for a client, with the document of `front` and a key of the tests' gateways."""
    chapter = README.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    text = "".join(re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)).replace("\\\n", "")
    text = text.replace(ADDRESS, f"{front.url}{API}").replace("demo-key", KEYS["web"])
    # The shell finds them as well, and starts no npm for each.
    return text.replace("npx ", "").splitlines()


def made(name: str, folder: Path, front: Front, *, leave: str = "", **variables: str) -> Client:
    """Make a client of the document of `front` by all of README's commands but the last one and those of `leave`.

    Programs find what they ask for in `variables`, those of the npm packages in the folder.
    """
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    path = [str(BIN), str(folder / "node_modules" / ".bin"), os.environ["PATH"]]
    variables = {**variables, "PATH": os.pathsep.join(path)}
    *lines, example = commands(name, front)
    left = tuple(line for line in lines if leave and line.startswith(f"{leave} "))
    run(["sh", "-euc", "\n".join(line for line in lines if line not in left)], folder, **variables)
    return Client(folder, variables, example, left)


@dataclass
class Watched:
    """A gateway at `url`, in front of a CC-iSales where `count` campaigns run. Its pages are fresh for a moment."""

    url: str = ""
    count: int = 0

    def begin(self, count: int) -> None:
        """Have so many campaigns run, as if it had never been otherwise."""
        self.count = count
        forget = {"vdn": "1", "hard": "true"}
        requests.delete(f"{self.url}/cache", params=forget, headers={"X-API-Key": KEY}, timeout=20).raise_for_status()

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


@contextmanager
def watched_gateway() -> Iterator[Watched]:
    """Serve it for as long as the context lasts; nobody waits for a change for longer than a second."""
    quick: Any = {
        "GATEWAY__CACHE__FRESH_S": "0.3",
        "GATEWAY__CACHE__MIN_REFRESH_S": "0.2",
        "GATEWAY__HTTP__LONGEST_WAIT_S": "1",
    }
    watched = Watched()
    with serving(watched.handler()) as isales, served_gateway(isales, **quick) as gateway:
        watched.url = gateway.url
        yield watched


def watch(client: Client, front: Front, watched: Watched) -> None:
    """Run the example behind `front`; fail unless it does what README says.

    It reads all pages, those behind the first past the cache, comes again when 503 and 429 say so and not before, gets
    304, and sees what changes.
    """
    watched.begin(150)
    front.hurdles = hurdles = Hurdles(watched.url)
    said = client.folder / "errors"
    # In place of the shell, so that it can be ended.
    command = ["sh", "-euc", f"exec env {client.example}"]
    variables = surroundings(client.folder, **client.variables)
    try:
        with (
            said.open("w") as errors,
            subprocess.Popen(
                command, cwd=client.folder, env=variables, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process,
        ):
            # Where it hangs, this ends it, and what it said so far is told.
            watchdog = threading.Timer(2 * PATIENCE_S, process.kill)
            watchdog.start()
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "150 campaigns are running\n", said.read_text()
                hurdles.wait_for(304, said.read_text)
                watched.count = 151
                assert process.stdout.readline() == "151 campaigns are running\n", said.read_text()
            finally:
                watchdog.cancel()
                process.kill()
    finally:
        front.hurdles = None
    assert (hurdles.refusals, hurdles.early, hurdles.old, hurdles.waited) == ([], 0, 0, True)
