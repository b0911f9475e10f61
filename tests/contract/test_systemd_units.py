"""The units of systemd as they are written; tests/scenarios/deploy/test_systemd.py runs them."""

import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.scenarios.upstream.raw_server import RawServer, http, says
from tests.support.containerfile import Containerfile
from tests.support.gateway import PROJECT
from tests.support.image import SPOOL
from tests.support.programs import program
from tests.support.server import environment, free_port
from tests.support.units import FOLDER, SERVICE, Unit, service_variables

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


def test_only_no_answer_is_a_reason_to_kill(tmp_path: Path) -> None:
    """The condition of the health check is 0 for silence, 1 for an answer, and 255, a failure, for a look not taken."""
    (line,) = Unit(FOLDER / "campaign-gateway-health.service").every("ExecCondition")
    assert line.count(" --pause 1 ") == 1
    command = [part.replace("$$", "$").replace(" --pause 1 ", " --pause 0.01 ") for part in shlex.split(line)]

    def look(folder: Path = PROJECT, **variables: str) -> int:
        return subprocess.run(
            command, cwd=folder, env=environment(**variables), capture_output=True, check=False
        ).returncode

    with RawServer() as server:
        server.usually = says(http("200 OK", b"{}"))
        assert look(GRANIAN_HOST="127.0.0.1", GRANIAN_PORT=str(server.port)) == 1
    assert look(GRANIAN_HOST="127.0.0.1", GRANIAN_PORT=str(free_port())) == 0
    assert look(GRANIAN_HOST="127.0.0.1", GRANIAN_PORT="http") == 255
    assert look(GRANIAN_HOST="::1%nowhere", GRANIAN_PORT="8080") == 255
    assert look(tmp_path) == 255


def test_the_health_check_may_ask_any_address() -> None:
    """The gateway may listen on a private address; what it could not ask would be taken for silent."""
    service = Unit(FOLDER / "campaign-gateway-health.service")["Service"]
    assert not [name for name in service if name.startswith(("IPAddress", "SocketBind"))]
    assert "PrivateNetwork" not in service


def test_no_secret_is_in_the_environment() -> None:
    """Secrets come as systemd's credentials, and no variable holds one."""
    assert SERVICE.every("LoadCredential") == ["secrets:/etc/campaign-gateway/secrets"]
    assert not [value for value in SERVICE.every("Environment") if "KEY" in value]


def test_exports_have_a_folder_of_the_services_own() -> None:
    """What the settings name is made by systemd, for the user of the service alone."""
    settings = tomllib.loads((FOLDER / "gateway.toml").read_text())
    assert settings["export"]["spool_folder"] == f"/var/cache/{SERVICE.every('CacheDirectory')[0]}" == SPOOL
    assert SERVICE.every("CacheDirectoryMode") == ["0700"]
