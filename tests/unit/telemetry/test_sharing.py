"""Where workers share their numbers."""

import itertools
import multiprocessing
import os
import subprocess
import threading
from pathlib import Path

import pytest

from gateway.telemetry.metrics import Metrics
from gateway.telemetry.sharing import folder_of, share_over_workers
from gateway.telemetry.snapshot import Snapshot
from gateway.telemetry.worker_files import WorkerFiles


def test_workers_of_one_parent_have_one_folder_that_is_theirs_alone(tmp_path: Path) -> None:
    """It is the same whoever asks first; nobody else may look into it."""
    folder = folder_of(os.getpid(), tmp_path)
    assert folder_of(os.getpid(), tmp_path) == folder
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder_of(os.getppid(), tmp_path) != folder


def test_folders_of_ended_servers_are_removed(tmp_path: Path) -> None:
    """Those of running ones, and those of others, stay."""
    mine = folder_of(os.getpid(), tmp_path)
    with subprocess.Popen(["sleep", "60"]) as other:
        ended = folder_of(other.pid, tmp_path)
        (ended / "file").write_text("numbers")
        folder_of(os.getpid(), tmp_path)
        assert ended.exists()
        other.kill()
    stranger = tmp_path / "campaign-gateway-99999-1-1-1"
    stranger.mkdir()
    odd = tmp_path / f"{mine.name.rsplit('-', 2)[0]}-odd"
    odd.mkdir()
    folder_of(os.getpid(), tmp_path)
    assert (ended.exists(), odd.exists(), stranger.exists(), mine.exists()) == (False, False, True, True)


@pytest.mark.parametrize("how", ["open", "link"])
def test_a_folder_that_others_may_have_made_is_not_used(tmp_path: Path, how: str) -> None:
    """Its name is known beforehand, so somebody else may have been there first."""
    folder = folder_of(os.getpid(), tmp_path)
    folder.rmdir()
    if how == "open":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="not this user's alone"):
        folder_of(os.getpid(), tmp_path)


def test_a_process_that_no_server_started_shows_its_own_numbers() -> None:
    """There is nothing to share with. What the process takes of the machine may change between two looks."""
    metrics = Metrics()
    share_over_workers(metrics)
    shown, own = metrics.over_workers(), metrics.snapshot()
    assert shown.keys() == own.keys()
    counted = [name for name in own if not name.startswith("process_")]
    assert len(counted) > 20
    assert [shown[name] for name in counted] == [own[name] for name in counted]


def be_scraped_by_two(told: "multiprocessing.Queue[tuple[float, float]]") -> None:
    """Be a worker that two scrape at once; say what the quicker one was told, and what another worker tells then."""
    counted, slow_has_read, quick_is_done = itertools.count(1), threading.Event(), threading.Event()

    def count() -> float:
        number = next(counted)
        if threading.current_thread().name == "slow":
            slow_has_read.set()
            quick_is_done.wait(0.5)
        return float(number)

    metrics = Metrics()
    metrics.watch_log(count)
    share_over_workers(metrics)
    slow = threading.Thread(target=metrics.over_workers, name="slow")
    slow.start()
    slow_has_read.wait()
    quick = counter(metrics.over_workers())
    quick_is_done.set()
    slow.join()
    parent = multiprocessing.parent_process()
    assert parent is not None
    told.put((quick, counter(WorkerFiles(folder_of(parent.pid or 0)).over_workers({}))))


def counter(numbers: Snapshot) -> float:
    """Return the one number that the worker counts."""
    (value,) = numbers["campaign_gateway_log_lines_dropped"].samples.values()
    return value


def test_no_counter_goes_back_when_two_scrape_at_once() -> None:
    """What one of them was told is the least that whoever asks any worker next is told."""
    context = multiprocessing.get_context("spawn")
    told: multiprocessing.Queue[tuple[float, float]] = context.Queue()
    worker = context.Process(target=be_scraped_by_two, args=(told,))
    worker.start()
    quick, another = told.get(timeout=60)
    assert another >= quick
    worker.join(30)
