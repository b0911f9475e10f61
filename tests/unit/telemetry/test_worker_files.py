"""Files by which workers know each other's numbers; several in this process stand for several workers."""

import json
from pathlib import Path

import pytest

from gateway.telemetry.numbers import Over
from gateway.telemetry.snapshot import Family, Snapshot
from gateway.telemetry.worker_files import WorkerFiles


def numbers(counted: float, held: float = 1.0) -> Snapshot:
    """Return a counter and a gauge."""
    return {
        "counted": Family("counter", "", Over.TOTAL, {("counted_total", ()): counted}),
        "held": Family("gauge", "", Over.SUM, {("held", ()): held}),
    }


def seen(worker: WorkerFiles, counted: float = 0.0, held: float = 0.0) -> tuple[float, float]:
    """Return what a worker that counted and holds so much shows for all: the counter and the gauge."""
    shown = worker.over_workers(numbers(counted, held))
    return shown["counted"].samples["counted_total", ()], shown["held"].samples["held", ()]


def start(folder: Path, counted: float) -> WorkerFiles:
    """Start a worker that counts so much."""
    worker = WorkerFiles(folder)
    worker.write(numbers(counted))
    return worker


def test_whichever_worker_is_asked_says_the_same(tmp_path: Path) -> None:
    """Each adds the others' numbers to its own."""
    one, two = start(tmp_path, 0), start(tmp_path, 10)
    assert seen(one, 5, 2) == (15, 3)
    assert seen(two, 10, 1) == (15, 3)


def test_what_was_said_once_is_known_to_all(tmp_path: Path) -> None:
    """A worker that is asked writes first, so that no counter goes back when another one is asked next."""
    one, two = start(tmp_path, 0), start(tmp_path, 0)
    assert seen(one, 7)[0] == 7
    assert seen(two, 0)[0] == 7


def test_what_a_dead_worker_counted_stays_and_what_it_held_is_gone(tmp_path: Path) -> None:
    """Before and after it is added up, however many workers come and go."""
    one = start(tmp_path, 1)
    for number in range(1, 6):
        start(tmp_path, 10).close()
        assert seen(one, 1, 1) == (1 + 10 * number, 1)
    two = start(tmp_path, 100)
    assert len(list(tmp_path.glob("*.worker"))) == 2
    assert seen(one, 1, 1) == seen(two, 100, 1) == (151, 2)


def test_a_crash_while_the_dead_are_added_up_counts_nobody_twice(tmp_path: Path) -> None:
    """A file whose numbers are in the sum already is left out wherever it is found."""
    start(tmp_path, 10).close()
    (dead,) = tmp_path.glob("*.worker")
    document = dead.read_bytes()
    one = start(tmp_path, 1)
    dead.write_bytes(document)
    assert seen(one, 1)[0] == 11
    assert seen(start(tmp_path, 5), 5)[0] == 16
    assert not dead.exists()


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'{"x": 1}', b'{"x": ["counter", "", "nonsense", []]}', b"\xff"])
def test_rubbish_is_passed_over(tmp_path: Path, rubbish: bytes) -> None:
    """Neither a file of a worker nor the sum that cannot be read keeps the others from being shown."""
    one = start(tmp_path, 3)
    for name in ("rubbish.worker", "ended"):
        (tmp_path / name).write_bytes(rubbish)
    assert seen(one, 3)[0] == 3
    assert seen(start(tmp_path, 4), 4)[0] == 7


def test_numbers_are_written_only_if_they_are_others(tmp_path: Path) -> None:
    """A worker that has nothing to do writes nothing."""
    one = start(tmp_path, 3)
    (file,) = tmp_path.glob("*.worker")
    before = file.stat().st_ino
    one.write(numbers(3))
    assert file.stat().st_ino == before
    one.write(numbers(4))
    assert json.loads(file.read_text())["counted"][3] == [["counted_total", [], 4.0]]


def test_without_the_folder_a_worker_shows_its_own_numbers(tmp_path: Path) -> None:
    """Whoever removes it while the gateway runs does not take the numbers away."""
    folder = tmp_path / "folder"
    folder.mkdir()
    one = start(folder, 3)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert seen(one, 4, 1) == (4, 1)
