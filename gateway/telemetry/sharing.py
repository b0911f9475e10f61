"""Has the workers of one server show their numbers together, without anything to configure."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.util import Finalize
from pathlib import Path

import structlog

from gateway.main_process import main_process
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.snapshot import Snapshot
from gateway.telemetry.worker_files import WRITE_EVERY_S, WorkerFiles

IN_MEMORY = Path("/dev/shm")  # noqa: S108 -- the folder in it is made for us alone, or not used  # nosec B108
PREFIX = "campaign-gateway"
_AT_THE_END = 0

log = structlog.get_logger("gateway.telemetry")


def share_over_workers(metrics: Metrics) -> None:
    """Show `metrics` together with those of the other workers, where this process is a worker that a server started.

    A thread writes them once a second, and they are written once more when the process ends.
    """
    main = main_process()
    if main is None:
        return
    try:
        files = WorkerFiles(folder_of(main))
        metrics.worker = files.name
        files.write(metrics.snapshot())
    except OSError as error:
        log.warning("metrics_of_one_worker", reason=str(error), consequence="/metrics shows the worker that answers")
        return
    lock = threading.Lock()

    def write() -> None:
        with lock, suppress(OSError):
            files.write(metrics.snapshot())

    def write_again_and_again() -> None:
        pause = threading.Event()
        while not pause.wait(WRITE_EVERY_S):
            write()

    def over_workers() -> Snapshot:
        # Read under the lock: numbers read before another scrape's, and written after them, would go back.
        with lock:
            return files.over_workers(metrics.snapshot())

    metrics.over_workers = over_workers
    threading.Thread(target=write_again_and_again, name="metrics", daemon=True).start()
    Finalize(None, write, exitpriority=_AT_THE_END)


def folder_of(parent: int, root: Path | None = None) -> Path:
    """Return the folder of the workers that the process `parent` has started; it is made, and old ones are removed.

    Raises OSError where there is none to be had, or where it is not this user's own.
    """
    root = root or (IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else Path(tempfile.gettempdir()))
    # Process ids are unique in their namespace only, and used again; the time of the start tells them apart.
    ours = f"{PREFIX}-{os.getuid()}-{Path('/proc/self/ns/pid').stat().st_ino}"
    folder = root / f"{ours}-{parent}-{_started(parent)}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise PermissionError(f"{folder} is not this user's alone")
    for old in _of_ended_servers(root, ours):
        shutil.rmtree(old, ignore_errors=True)
    return folder


def _of_ended_servers(root: Path, ours: str) -> Iterator[Path]:
    for folder in root.glob(f"{ours}-*"):
        parent, _, started = folder.name.removeprefix(f"{ours}-").partition("-")
        try:
            alive = _started(int(parent)) == started
        except (OSError, ValueError):
            alive = False
        if not alive:
            yield folder


def _started(pid: int) -> str:
    """Return when a process started, in clock ticks since the machine did (proc(5), field 22)."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
