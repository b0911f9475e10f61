"""Which process is the main one of the server that this process is a worker of.

granian starts its workers with multiprocessing, which knows. gunicorn and uWSGI fork theirs: such a process has the
stack, at a random address, or at least the command line of its parent (proc(5)), and nothing that was started by a
shell or a service manager has.
"""

import os
from contextlib import suppress
from multiprocessing import parent_process
from pathlib import Path
from typing import Final

_START_OF_STACK: Final = 28 - 3
"""The field of `/proc/<pid>/stat`, behind the name of the program; 0 where it is not for us to see."""


def main_process() -> int | None:
    """Return the id of the main process of this worker's server, `None` where this process is no worker."""
    parent = parent_process()
    if parent is not None:
        return parent.pid
    with suppress(OSError):
        own, other = (Path(f"/proc/{pid}") for pid in (os.getpid(), os.getppid()))
        if _start_of_stack(own) == _start_of_stack(other) or _command(own) == _command(other):
            return os.getppid()
    return None


def _start_of_stack(process: Path) -> str:
    # The name of the program, in parentheses, may hold anything.
    return (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[_START_OF_STACK]


def _command(process: Path) -> bytes:
    return (process / "cmdline").read_bytes()
