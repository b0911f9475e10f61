"""Full load by wrk, and what it says of it."""

import re
import statistics
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.contenders import API_KEY
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.processes import LOAD_CORE, NotMeasured

CONNECTIONS = 32
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_GRACE_S = 30


@dataclass(frozen=True)
class Load:
    """Requests answered a second, and the milliseconds that 99 % of them took at most."""

    requests_s: float
    p99_ms: float


def wrk(
    url: str,
    headers: Mapping[str, str] | None = None,
    script: Path | None = None,
    *arguments: str,
    core: str = LOAD_CORE,
) -> Load:
    """Load `url` from 32 connections for one round; the API key is sent. Raises `NotMeasured` if any request failed."""
    sent = {"X-API-Key": API_KEY, **(headers or {})}
    command = [
        "taskset",
        "-c",
        core,
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{EFFORT.seconds}s",
        "--timeout",
        "10s",
        "--latency",
    ]
    for name, value in sent.items():
        command += ["-H", f"{name}: {value}"]
    if script is not None:
        command += ["-s", str(script)]
    ran = subprocess.run(
        [*command, url, "--", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=EFFORT.seconds + _GRACE_S,
    )
    return read(ran.stdout + ran.stderr)


def read(said: str) -> Load:
    """Return the figures in what wrk said. Raises `NotMeasured` if it failed, or any request did."""
    requests_s = re.search(r"^Requests/sec:\s+([\d.]+)", said, re.MULTILINE)
    p99 = re.search(r"^\s+99%\s+([\d.]+)(us|ms|s|m)$", said, re.MULTILINE)
    if requests_s is None or p99 is None or "Non-2xx" in said or "Socket errors" in said:
        raise NotMeasured(f"wrk met failures, or failed itself: {said.strip()}")
    return Load(float(requests_s[1]), float(p99[1]) * _SECONDS[p99[2]] * 1000)


def interleaved(contests: Mapping[str, Callable[[], Load]]) -> dict[str, Load]:
    """Run all `contests` in turn, round by round; return the medians over the rounds, by their names."""
    runs: dict[str, list[Load]] = {name: [] for name in contests}
    for _ in range(EFFORT.rounds):
        for name, contest in contests.items():
            runs[name].append(contest())
    return {
        name: Load(statistics.median(run.requests_s for run in done), statistics.median(run.p99_ms for run in done))
        for name, done in runs.items()
    }
