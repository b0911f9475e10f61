"""The units of systemd as they are written; tests/scenarios/deploy/test_systemd.py runs them."""

import subprocess
from pathlib import Path

import pytest

from tests.support.containerfile import Containerfile
from tests.support.programs import program
from tests.support.units import FOLDER, SERVICE, service_variables

THRESHOLD = 30
"""An exposure of 3.0 of 10, in the tenths that systemd-analyze takes."""


@pytest.mark.parametrize("unit", sorted(FOLDER.glob("*.service")), ids=lambda path: path.name)
def test_the_exposure_is_low(unit: Path) -> None:
    """`systemd-analyze security` rates each service at 3.0 or better."""
    command = [
        program("systemd-analyze", "systemd"),
        "security",
        "--offline=true",
        f"--threshold={THRESHOLD}",
        str(unit),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_service_is_served_like_the_image() -> None:
    """The same command, and the same variables but for the address."""
    image = Containerfile()
    assert {**image.environment, "GRANIAN_HOST": "127.0.0.1"}.items() <= service_variables().items()
    (command,) = SERVICE.every("ExecStart")
    assert command.removeprefix("/opt/campaign-gateway/").split() == image.command


def test_no_secret_is_in_the_environment() -> None:
    """They come as credentials."""
    assert SERVICE.every("LoadCredential") == ["secrets:/etc/campaign-gateway/secrets"]
    assert not [value for value in SERVICE.every("Environment") if "KEY" in value]
