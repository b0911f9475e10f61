"""Processes on a core of their own, which end with the context that started them."""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.support.gateway import PROJECT
from tests.support.server import environment

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = str(_CORES[0])
LOAD_CORE = str(_CORES[-1])
BOTH_CORES = f"{SERVER_CORE},{LOAD_CORE}"

_STOP_LIMIT_S = 10.0
_START_LIMIT_S = 20.0
MEBIBYTE = 2**20
_STATUS = re.compile(r"^(VmRSS|VmHWM|Threads):\s+(\d+)", re.MULTILINE)

Process = subprocess.Popen[bytes]


class NotMeasured(Exception):
    """A row could not be measured; the message says why."""


def pin_to_load_core() -> None:
    """Keep this process, and what it starts without naming a core, off the core of the servers."""
    os.sched_setaffinity(0, {int(LOAD_CORE)})


@contextlib.contextmanager
def running(
    command: Sequence[str],
    is_up: Callable[[], bool],
    cores: str = LOAD_CORE,
    variables: Mapping[str, str] | None = None,
    poll_s: float = 0.02,
    folder: Path = PROJECT,
) -> Iterator[Process]:
    """Run `command` in `folder` on `cores` from when `is_up` tells so until the context ends.

    `variables` come on top of this process' environment, in which `make` has those of the server: what is measured is
    served as it would be. `NotMeasured`, with what it said, if it does not come up.
    """
    servers = {name: value for name, value in os.environ.items() if name.startswith("GRANIAN")}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["taskset", "-c", cores, *command],
            cwd=folder,
            env=environment(**{**servers, **(variables or {})}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us alone, who then end the others in order
        )
        try:
            _wait(process, command, is_up, poll_s, output)
            yield process
        finally:
            stop(process)


def stop(process: Process) -> None:
    """End `process` and all that it has started; at once if it does not go by itself within seconds."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_LIMIT_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(_STOP_LIMIT_S)


@dataclass(frozen=True)
class Usage:
    """What a process and all that it has started hold: memory (resident set size), now and at most, threads, files."""

    resident_bytes: int
    most_resident_bytes: int
    threads: int
    files: int


def usage(process: Process) -> Usage:
    """Return what `process` and all that it has started hold."""
    total: Counter[str] = Counter()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            # Processes may end while they are looked at.
            with contextlib.suppress(OSError):
                # After the name in parentheses: state, parent, group, session.
                session = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[3])
                if session == process.pid:
                    status = (folder / "status").read_text(encoding="utf-8")
                    total.update({name: int(number) for name, number in _STATUS.findall(status)})
                    total["files"] += len(list((folder / "fd").iterdir()))
    return Usage(total["VmRSS"] * 1024, total["VmHWM"] * 1024, total["Threads"], total["files"])


def resident_bytes(process: Process) -> int:
    """Return the memory that `process` and all that it has started hold (resident set size)."""
    return usage(process).resident_bytes


def processor_s(processes: Iterable[Process]) -> float:
    """Return the seconds of processor that `processes`, and all that they have started, have had."""
    sessions, ticks = {process.pid for process in processes}, 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        # Processes may end while they are looked at.
        with contextlib.suppress(OSError):
            # After the name in parentheses: state, parent, group, session, ...; proc(5).
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) in sessions:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _wait(
    process: Process, command: Sequence[str], is_up: Callable[[], bool], poll_s: float, output: IO[bytes]
) -> None:
    give_up = time.monotonic() + _START_LIMIT_S
    while not is_up():
        if process.poll() is not None or time.monotonic() > give_up:
            output.seek(0)
            words = output.read()[-2000:].decode(errors="replace").strip()
            raise NotMeasured(f"{Path(command[0]).name} did not come up. It said: {words or 'nothing'}")
        time.sleep(poll_s)
