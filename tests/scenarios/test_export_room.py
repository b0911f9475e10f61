"""Exports that do not fit into memory: a disk that is full for real."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest
from tests.support.long_names import BYTES, show_long_names
from tests.support.programs import need_namespaces

Make = Callable[..., GatewayUnderTest]
EXPORT = "/campaigns/export"
MEBIBYTE = 2**20


@pytest.fixture
def disk_of(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Return a function that makes a disk of so many bytes and returns its folder."""
    need_namespaces()
    made: list[Path] = []

    def make(size: int) -> Path:
        folder = tmp_path / f"disk-{len(made)}"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
        made.append(folder)
        return folder

    yield make
    for folder in made:
        # What a test that failed holds on to must not keep the next one from its end.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def free_bytes(folder: Path) -> int:
    """Return how many bytes are free on the disk of a folder."""
    disk = os.statvfs(folder)
    return disk.f_bfree * disk.f_bsize


def test_a_full_disk_is_a_problem_and_nothing_is_left_on_it(
    simulator: SimulatorServer, make_gateway: Make, disk_of: Callable[[int], Path]
) -> None:
    """The caller is told, the log says where, what fits into memory goes on, and the disk is as free as before."""
    show_long_names(simulator)
    disk = disk_of(MEBIBYTE)
    free = free_bytes(disk)
    gateway = make_gateway(export__spool_folder=str(disk))
    with capture_logs() as events:
        status, name, document = gateway.problem(EXPORT)
    assert (status, name) == (500, "internal-error")
    assert "could not be kept on disk: No space left on device" in document["detail"]
    assert [event["folder"] for event in events if event["event"] == "export_spool"] == [str(disk)]
    assert (list(disk.iterdir()), free_bytes(disk)) == ([], free)
    assert gateway.get(f"{EXPORT}?vdn=1&name=no-such").status_code == 200


def test_a_disk_on_which_another_form_has_no_room(
    simulator: SimulatorServer, make_gateway: Make, disk_of: Callable[[int], Path]
) -> None:
    """What is there is sent, what would have to be made of it is a problem, and that takes no room afterwards."""
    show_long_names(simulator)
    disk = disk_of(BYTES + 4 * MEBIBYTE)
    gateway = make_gateway(export__spool_folder=str(disk))
    assert int(gateway.get(EXPORT, method="HEAD").headers["Content-Length"]) > BYTES
    free = free_bytes(disk)
    calls = simulator.calls.total
    assert gateway.problem(f"{EXPORT}?format=csv")[:2] == (500, "internal-error")
    assert (list(disk.iterdir()), free_bytes(disk)) == ([], free)
    assert int(gateway.get(EXPORT, method="HEAD").headers["Content-Length"]) > BYTES
    assert simulator.calls.total == calls
