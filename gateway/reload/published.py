"""What a worker of the gateway shows to its siblings and to commands: its last good settings, and how reloads went.

It is a file in memory (memfd_create(2)) that no path leads to but `/proc/<pid>/fd`, and that leads there only for who
may read the memory of that process anyway (ptrace(2), PTRACE_MODE_READ): the same user, or root. So the secrets in it
are no easier to get at than those in the process, are on no disk, and are gone with the process. It is sealed when it
is complete, so nobody reads half of it. Where there is no `memfd_create`, nothing is shown and nothing found.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.main_process import main_process
from gateway.settings import KeptSettings

NAME = "campaign-gateway-settings"
_ENDED = frozenset("ZX")
_LINK = f"/memfd:{NAME} (deleted)"


@dataclass(frozen=True, slots=True)
class Published:
    """What one worker shows: the settings in force and when they were loaded (seconds since 1970).

    `reloads` is how many there have been, good or not, and `faults` are those of the last one. `asked` is the number of
    the pipe by which it is asked for one.
    """

    kept: KeptSettings = field(repr=False)
    loaded_at: float
    reloads: int
    faults: tuple[str, ...]
    asked: int


@dataclass(frozen=True, slots=True)
class Worker:
    """A running worker: its process, its parent's, and what it shows."""

    pid: int
    parent: int
    shown: Published


class Publication:
    """What this process shows; the latest only."""

    def __init__(self) -> None:
        self._handle: int | None = None

    def show(self, published: Published) -> None:
        """Show `published` in place of what was shown before."""
        if not hasattr(os, "memfd_create"):
            return
        document = {
            "kept": published.kept.to_json(),
            "loaded_at": published.loaded_at,
            "reloads": published.reloads,
            "faults": published.faults,
            "asked": published.asked,
            "pid": os.getpid(),
        }
        handle = os.memfd_create(NAME, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        with os.fdopen(os.dup(handle), "w", encoding="utf-8") as file:
            json.dump(document, file)
        fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
        if self._handle is None:
            self._handle = handle
        else:
            # In one step: who looks through the handles meanwhile finds the one or the other.
            os.dup2(handle, self._handle, inheritable=False)
            os.close(handle)

    def close(self) -> None:
        """Show nothing any more."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def workers(of: int | None = None) -> Iterator[Worker]:
    """Yield the workers of gateways that this user may look into, but for this process itself.

    With `of` only that process, and those whose parent it is: the files of all other ones need not be gone through.
    """
    for folder, parent in _others():
        shown = _shown_by(folder) if of is None or of in {parent, int(folder.name)} else None
        if shown is not None:
            yield Worker(int(folder.name), parent, shown)


def siblings() -> list[Worker]:
    """Return the workers of the server that started this process as one of them, the latest settings first.

    Its main process is among them where that has loaded the app too, before it forked.
    """
    main = main_process()
    if main is None:
        # Whatever else a shell or a supervisor has started is no worker of this server.
        return []
    return sorted(workers(main), key=lambda worker: worker.shown.loaded_at, reverse=True)


def sibling_starting() -> bool:
    """Tell whether this process has a sibling that does not show anything yet: a worker that is being started."""
    main = main_process()
    return main is not None and any(parent == main and _shown_by(folder) is None for folder, parent in _others())


def _others() -> Iterator[tuple[Path, int]]:
    """Yield for each other process that is running its folder in /proc and its parent's id."""
    for folder in Path("/proc").glob("[0-9]*"):
        # Processes end while they are looked at.
        with suppress(OSError):
            # The name of the program, in parentheses, may hold anything (proc(5)).
            state, parent, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(folder.name) != os.getpid() and state not in _ENDED:
                yield folder, int(parent)


def _shown_by(process: Path) -> Published | None:
    """Return what a process shows, `None` for nothing, or nothing that is ours, or nothing that we may see."""
    with suppress(OSError, KeyError, TypeError, ValueError):
        for link in (process / "fd").iterdir():
            # It may be replaced by the next one just now, which then has another number.
            with suppress(OSError):
                if str(link.readlink()) == _LINK:
                    document = _read(link)
                    # What it has from its parent, by a fork, is not its own.
                    if document is not None and document["pid"] == int(process.name):
                        return _published(document)
    return None


def _read(link: Path) -> Any:
    with link.open("rb") as file:
        sealed = fcntl.fcntl(file, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE
        return json.load(file) if sealed else None


def _published(document: Any) -> Published:
    kept = KeptSettings.from_json(document["kept"])
    faults = tuple(map(str, document["faults"]))
    return Published(kept, float(document["loaded_at"]), int(document["reloads"]), faults, int(document["asked"]))
