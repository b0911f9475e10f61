"""Where workers share their numbers."""

import os
import subprocess
from pathlib import Path

import pytest

from gateway.telemetry.metrics import Metrics
from gateway.telemetry.sharing import folder_of, share_over_workers


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
    """There is nothing to share with."""
    metrics = Metrics()
    share_over_workers(metrics)
    own = metrics.snapshot()
    assert metrics.over_workers(own) is own
