"""Paths of all settings: what is no file, or has no end, is a fault like others and keeps nobody waiting."""

import os
from pathlib import Path

import pytest

from tests.unit.settings.project import faults_of

PATHS = (
    "GATEWAY_CONFIG",
    "GATEWAY__TENANTS__0__SECRET_KEY_FILE",
    "GATEWAY__CACHE__SHARED_URL_FILE",
    "GATEWAY__ISALES__CA_FILE",
    "GATEWAY__ISALES__CLIENT_CERT_FILE",
    "GATEWAY__CACHE__SHARED_CA_FILE",
)


@pytest.mark.parametrize("variable", PATHS)
def test_no_setting_waits_for_a_pipe(root: Path, tmp_path: Path, variable: str) -> None:
    """Whatever kind of path it is, the fault names it and says that a file is wanted."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (fault,) = faults_of(root, **{variable: str(pipe)})
    assert str(pipe) in fault
    assert "cannot be read: it is a pipe, a terminal or another device, and has to be a file" in fault


@pytest.mark.parametrize("variable", ["GATEWAY_CONFIG", "GATEWAY__ISALES__CA_FILE"])
def test_no_setting_fills_the_memory(root: Path, tmp_path: Path, variable: str) -> None:
    """A path of something huge is a fault with the limit, and nothing of it is kept."""
    path = tmp_path / "huge"
    path.touch()
    os.truncate(path, 1 << 40)
    (fault,) = faults_of(root, **{variable: str(path)})
    assert "cannot be read: it is longer than 16777216 bytes" in fault
