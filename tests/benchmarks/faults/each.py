"""Part `each`: every fault of the table once, before a gateway of its own that is served with default settings."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.benchmarks.contenders import Contender, gateway
from tests.benchmarks.table import drawn
from tests.scenarios.upstream.fault_table import GOOD_CERTIFICATE, SIX_HOURS, UNREACHABLE, Fault, fault_table
from tests.scenarios.upstream.raw_server import RawServer, good
from tests.scenarios.upstream.tls_server import ca_file_in, tls_server_context
from tests.support.server import free_port

DEADLINE_S = 8.0
ROOM_S = 0.5
SLOW_S = 2.0
HEADINGS = ("fault", "answer", "time of answer", "attempts at the other end", "next good request", "")
GOOD = (200, "", None)
MOMENT_S = 0.2
"""A pause that is over is over by then."""


@dataclass(frozen=True)
class Heard:
    """What a caller heard: status, problem and `Retry-After`, and after how many seconds."""

    said: tuple[int, str, str | None]
    took_s: float

    def __str__(self) -> str:
        status, problem, retry_after = self.said
        again = f", Retry-After: {retry_after}" if retry_after else ""
        return f"{status}{f' {problem}' if problem else ''}{again}"


def each_fault() -> tuple[str, list[str]]:
    """Go through all faults; return the table, and the names of those that were not met as they should be."""
    rows: list[Sequence[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        ca_file = ca_file_in(Path(folder))
        rows += [_met(fault, ca_file) for fault in fault_table(SLOW_S)]
    rows += [_nobody_listens(), _unknown_name()]
    return drawn([HEADINGS, *rows]), [row[0] for row in rows if row[-1] != "ok"]


def _ask(ours: Contender, page: int) -> Heard:
    began = time.monotonic()
    answer = ours.get(f"/campaigns?page={page}")
    took_s = time.monotonic() - began
    problem = "" if answer.ok else answer.json()["type"].rpartition("/")[2]
    return Heard((answer.status_code, problem, answer.headers.get("Retry-After")), took_s)


def _met(fault: Fault, ca_file: str) -> tuple[str, ...]:
    """Return the row of `fault`."""
    tls = tls_server_context(fault.certificate) if fault.certificate else None
    settings = {"isales.ca_file": ca_file}
    with RawServer(tls=tls) as upstream:
        upstream.usually = fault.behave(upstream)
        upstream.greeting = fault.greet and fault.greet(upstream)
        with gateway(upstream.url, settings) as ours:
            heard = _ask(ours, 1)
            attempts = len(upstream.requests)
            upstream.usually, upstream.greeting, upstream.tls = good, None, tls and tls_server_context(GOOD_CERTIFICATE)
            paused = _ask(ours, 2) if fault.pauses else None
            kept = len(upstream.requests) == attempts
            if fault.retry_after == SIX_HOURS:
                after, following = "a restart", None
            else:
                after = f"{fault.retry_after} s" if fault.pauses else ""
                time.sleep((fault.retry_after or 0) + MOMENT_S if fault.pauses else 0)
                following = _ask(ours, 3)
        if following is None:
            with gateway(upstream.url, settings) as restarted:
                following = _ask(restarted, 3)
        calls_then = len(upstream.requests) - attempts
    retry_after = None if fault.retry_after is None else str(fault.retry_after)
    good_row = (
        (heard.said == (*fault.answer, retry_after) and heard.took_s < DEADLINE_S + ROOM_S)
        and attempts == fault.attempts
        and (following.said, calls_then) == (GOOD, 1)
        and (paused is None or (kept and paused.said[:2] == fault.answer))
    )
    told = f"{paused} in {_shown(paused.took_s)}, no call; after {after}: " if paused else ""
    return _row(fault.name, heard, attempts, f"{told}{following} in {_shown(following.took_s)}", good_row)


def _nobody_listens() -> tuple[str, ...]:
    port = free_port()
    with gateway(f"http://127.0.0.1:{port}") as ours:
        heard = _ask(ours, 1)
        with RawServer(port=port) as upstream:
            following = _ask(ours, 2)
            calls = len(upstream.requests)
    is_good = heard.said == (*UNREACHABLE, None) and (following.said, calls) == (GOOD, 1)
    return _row("nobody listens", heard, 0, f"{following} in {_shown(following.took_s)}", is_good)


def _unknown_name() -> tuple[str, ...]:
    with gateway("http://isales.invalid:28443") as ours:
        heard = _ask(ours, 1)
        alive = requests.get(f"{ours.url}/healthz", timeout=5).ok
    # To make the name known would take a change to this machine; `test_faults.py` shows what follows then.
    return _row("a name that does not resolve", heard, 0, "", heard.said == (*UNREACHABLE, None) and alive)


def _row(name: str, heard: Heard, attempts: int, following: str, is_good: bool) -> tuple[str, ...]:  # noqa: FBT001 -- a column of the row
    return name, str(heard), _shown(heard.took_s), str(attempts), following, "ok" if is_good else "WRONG"


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
