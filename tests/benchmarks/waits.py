"""`python -m tests.benchmarks.waits [NAME ...]`: what fronts and clients make of answers that take 10, 25 and 55 s.

Each front runs with its file of `deploy/fronts` (nginx with `deploy/nginx`), each client as it is out of the box,
before a server that answers 304 when the time of `Prefer: wait` is over, and counts how often it was asked. All at
once, so it takes a good minute. Nothing here is a target.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tests.benchmarks.machine import description
from tests.benchmarks.waiting_clients import CLIENTS, Run, prepared
from tests.support.fronts import NAMES, Front, front

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = (10, 25, 55)
TAG = '"0f343b0931126a20f133d67c2b018a3b"'
PATIENCE_S = 180.0
"""Of whoever measures a front, longer than any of them has."""


class _Patient(BaseHTTPRequestHandler):
    """Answers when the time of `Prefer: wait` is over, and counts who asks by the query."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[Counter[str]] = Counter()
    never: ClassVar = threading.Event()

    def do_GET(self) -> None:
        wait_s = float(self.headers.get("Prefer", "wait=0").partition("=")[2])
        type(self).asked[self.path] += 1
        self.never.wait(wait_s)
        self.send_response(304 if wait_s else 200)
        self.send_header("ETag", TAG)
        if not wait_s:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def main(names: list[str]) -> int:
    """Measure the fronts and clients `names`, all where none is named, and print a table of each. Return 0."""
    known = [*NAMES, *CLIENTS]
    for name in names:
        if name not in known:
            raise SystemExit(f"There is no {name!r}; give any of: {' '.join(known)}")
    names = names or known
    with ExitStack() as stack:
        url = stack.enter_context(_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pages = count(1)
        rows: dict[str, Callable[[str, int], str]] = {}
        for name in names:
            (folder / name).mkdir()
            if name in CLIENTS:
                run = prepared(name, folder / name)
                rows[name] = _with_client(run, url) if run else lambda _path, _wait_s: "not here"
            else:
                rows[name] = _through(stack.enter_context(front(name, folder / name, url)))
        with ThreadPoolExecutor(len(SECONDS) * len(rows)) as pool:
            cells = {
                (name, wait_s): pool.submit(_cell, ask, f"/campaigns?page={next(pages)}", wait_s)
                for name, ask in rows.items()
                for wait_s in SECONDS
            }
            lines = [[name, *(cells[name, wait_s].result() for wait_s in SECONDS)] for name in rows]
    for line in (["who", *(f"{wait_s} s" for wait_s in SECONDS)], ["---"] * (len(SECONDS) + 1), *lines):
        sys.stdout.write(f"| {' | '.join(line)} |\n")
    sys.stdout.write(f"\n{datetime.now(UTC):%Y-%m-%d}. {description([])}\n")
    return 0


@contextmanager
def _server() -> "Iterator[str]":
    with ThreadingHTTPServer(("127.0.0.1", 0), _Patient) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _cell(ask: Callable[[str, int], str], path: str, wait_s: int) -> str:
    said = ask(path, wait_s)
    times = _Patient.asked[path]
    return said if times <= 1 else f"{said}, asked {times} times"


def _through(proxy: Front) -> Callable[[str, int], str]:
    def ask(path: str, wait_s: int) -> str:
        began = time.monotonic()
        try:
            answer = proxy.ask(path, {"If-None-Match": TAG, "Prefer": f"wait={wait_s}"}, timeout_s=PATIENCE_S)
            said = str(answer.status)
        except (OSError, HTTPException) as fault:
            said = type(fault).__name__
        return f"{said} after {time.monotonic() - began:.0f} s"

    return ask


def _with_client(run: Run, url: str) -> Callable[[str, int], str]:
    def ask(path: str, wait_s: int) -> str:
        program = subprocess.run(
            [*run.command, url + path, TAG, f"wait={wait_s}"],
            cwd=run.folder,
            env=run.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        lines = program.stdout.strip().splitlines() or program.stderr.strip().splitlines() or ["nothing"]
        return lines[-1]

    return ask


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
