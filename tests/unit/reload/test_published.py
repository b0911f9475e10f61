"""What a worker shows, as other processes find it."""

import fcntl
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.reload import published
from gateway.reload.published import Publication, Published, siblings, workers
from gateway.settings import KeptSettings, load_kept
from tests.unit.settings.project import PROJECT

SHOW = """
import sys
from gateway.reload.published import Publication, Published
from gateway.settings import KeptSettings
kept = KeptSettings("test", {"secret": "s3cret"}, {"isales.ca_file": b"PEM"})
publication = Publication()
for loaded_at in map(float, sys.argv[1:]):
    publication.show(Published(kept, loaded_at, 3, ("a fault",), 7))
print("ready", flush=True)
sys.stdin.read()
"""
RESTLESS = SHOW.replace("print(", "import threading\nprint(", 1).replace(
    "sys.stdin.read()",
    """
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set())).start()
while not ended.is_set():
    publication.show(Published(kept, 1.0, 3, (), 7))
""",
)
BROKEN = """
import os, sys
whole = (
    b'{"kept": {"environment": "x", "values": {}, "files": {}}, "loaded_at": 1, "reloads": 0, "faults": [], '
    b'"asked": 7, "pid": %d}' % (1 if "of another" in sys.argv else os.getpid())
)
handle = os.memfd_create("campaign-gateway-settings", os.MFD_ALLOW_SEALING)
os.write(handle, whole if "whole" in sys.argv else whole[:10])
if "sealed" in sys.argv:
    import fcntl
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
print("ready", flush=True)
sys.stdin.read()
"""
STARTING = """
import multiprocessing, subprocess, sys
from gateway.reload.published import sibling_starting
def child(program, *args):
    command = [sys.executable, "-c", program, *args]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout.readline() == "ready\\n"
    return started
def ask():
    worker = multiprocessing.get_context("fork").Process(target=lambda: print(sibling_starting(), flush=True))
    worker.start()
    worker.join()
ready = child(sys.argv[1], "1")
ask()
starting = child("print('ready', flush=True); import sys; sys.stdin.read()")
ask()
print(sibling_starting())
ready.communicate()
starting.communicate()
"""
"""A server of its own, for whatever else the tests have started is a child of this process."""

LOOKS = 200


@contextmanager
def process(program: str, *args: str) -> Iterator[int]:
    """Run a child of this process for as long as the context lasts; return its id when it is ready."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *args], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        try:
            yield child.pid
        finally:
            child.communicate()


def found(pid: int) -> Published | None:
    """Return what the process `pid` shows to this one."""
    return next((worker.shown for worker in workers(pid) if worker.pid == pid), None)


def handles_of_publications() -> set[int]:
    """Return the open files of this process in which something is shown."""
    links = {entry.name: str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}
    return {int(name) for name, link in links.items() if published.NAME in link}


def test_a_worker_is_found_with_all_that_it_shows() -> None:
    """The latest only, however often it was replaced, and the process' parent; when it ends it is found no more."""
    with process(SHOW, "1", "2.5") as pid:
        worker = next(worker for worker in workers() if worker.pid == pid)
        assert worker.parent == os.getpid()
        assert worker.shown == Published(
            KeptSettings("test", {"secret": "s3cret"}, {"isales.ca_file": b"PEM"}), 2.5, 3, ("a fault",), 7
        )
        assert "s3cret" not in repr(worker)
        assert [one.pid for one in workers(pid)] == [pid]
        assert pid in {one.pid for one in workers(os.getpid())}
        assert pid not in {one.pid for one in workers(1)}
    assert found(pid) is None


def test_a_worker_is_found_while_it_replaces_what_it_shows() -> None:
    """However often: there is always one or the other."""
    with process(RESTLESS, "1") as pid:
        assert all(found(pid) for _ in range(LOOKS))


@pytest.mark.parametrize("args", [(), ("sealed",), ("whole",), ("whole", "sealed", "of another")])
def test_what_is_not_complete_or_not_ours_is_not_read(args: tuple[str, ...]) -> None:
    """Half of a document, one that may be written to, or that a process has from its parent, is as good as nothing."""
    with process(BROKEN, *args) as pid:
        assert found(pid) is None
    with process(BROKEN, "whole", "sealed") as pid:
        assert found(pid) == Published(KeptSettings("x", {}, {}), 1.0, 0, (), 7)


def pids_of_siblings() -> list[int]:
    """Return the processes of the siblings, the latest settings first."""
    return [worker.pid for worker in siblings()]


def test_siblings_are_those_of_the_same_server_the_latest_first() -> None:
    """Workers of another server on the same machine are none, nor are two gateways that one shell has started."""
    listing = "from tests.unit.reload.test_published import pids_of_siblings; print(pids_of_siblings())"
    with process(SHOW, "1") as older, process(SHOW, "7") as newer:
        with multiprocessing.get_context("spawn").Pool(1) as server:
            # Beside what other tests of this process may have started.
            assert [pid for pid in server.apply(pids_of_siblings) if pid in {older, newer}] == [newer, older]
        assert not {older, newer} & set(pids_of_siblings())
        said = subprocess.run([sys.executable, "-c", listing], cwd=PROJECT, capture_output=True, text=True, check=True)
        assert json.loads(said.stdout) == []


def test_a_sibling_that_shows_nothing_yet_is_starting() -> None:
    """That is how a worker that is to be replaced knows what to wait for."""
    said = subprocess.run(
        [sys.executable, "-c", STARTING, SHOW], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.split() == ["False", "True", "False"]


def test_nobody_can_write_to_it_and_no_program_inherits_it() -> None:
    """It is sealed, and closed where another program is executed."""
    before = handles_of_publications()
    publication = Publication()
    publication.show(Published(load_kept({}, PROJECT)[1], 1.0, 0, (), 7))
    handles = list(handles_of_publications() - before)
    assert len(handles) == 1
    with pytest.raises(OSError, match="not permitted"):
        os.write(handles[0], b"x")
    assert fcntl.fcntl(handles[0], fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    publication.close()
    publication.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(handles[0])


def test_where_there_is_no_memfd_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway serves all the same; only reloads by the command are missing."""
    monkeypatch.delattr(os, "memfd_create")
    publication = Publication()
    publication.show(Published(load_kept({}, PROJECT)[1], 1.0, 0, (), 7))
    publication.close()
    assert found(os.getpid()) is None
