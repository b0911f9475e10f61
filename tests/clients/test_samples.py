"""The samples of `/docs`, run as they are: each asks a gateway, prints what came, and fails where it is refused."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.api.docs import shown
from gateway.api.language import Language
from gateway.api.openapi import openapi_document
from gateway.api.samples import GATEWAY, KEY_VARIABLE, LANGUAGES, samples
from gateway.simulator.server import SimulatorServer, demo_config
from tests.clients.tools import KEY, LIMIT_S
from tests.support.programs import program
from tests.support.server import BIN, environment, served_gateway

GROUPS = shown(openapi_document(), Language.ENGLISH)["groups"]
OPERATIONS = {operation["operationId"]: operation for group in GROUPS.values() for operation in group}
JSON = {"listCampaigns", "explainQuery", "purgeCache", "checkHealth", "checkReadiness", "listPlaces", "getApiDocument"}


def _curl(_folder: Path, file: Path) -> list[str]:
    program("curl", "curl")
    return ["sh", str(file)]


def _python(_folder: Path, file: Path) -> list[str]:
    return [str(BIN / "python"), str(file)]


def _javascript(_folder: Path, file: Path) -> list[str]:
    return [program("node", "nodejs"), str(file)]


def _java(_folder: Path, file: Path) -> list[str]:
    return [program("java", "openjdk-17-jdk-headless"), "-XX:TieredStopAtLevel=1", str(file)]


def _go(_folder: Path, file: Path) -> list[str]:
    return [program("go", "golang-go"), "run", str(file)]


RUN: dict[str, tuple[str, Callable[[Path, Path], list[str]]]] = {
    "curl": ("sample.sh", _curl),
    "python": ("sample.py", _python),
    "javascript": ("sample.mjs", _javascript),
    "java": ("Sample.java", _java),
    "go": ("sample.go", _go),
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return where a gateway is."""
    with SimulatorServer(demo_config()) as isales, served_gateway(isales.base_url) as served:
        yield served.url


def run(language: str, text: str, address: str, folder: Path, key: str = KEY) -> "subprocess.CompletedProcess[str]":
    """Run a sample against the gateway at `address`; all that the language keeps stays in `folder`."""
    name, command = RUN[language]
    file = folder / name
    file.write_text(text.replace(GATEWAY, address), encoding="utf-8")
    keeps = {"GOCACHE": str(folder.parent / "go"), "GOPATH": str(folder.parent / "gopath"), "CGO_ENABLED": "0"}
    variables = environment(**{KEY_VARIABLE: key}, **keeps, GOTOOLCHAIN="local", GOFLAGS="-mod=mod")
    return subprocess.run(
        command(folder, file), capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=folder, env=variables
    )


def test_every_language_is_run() -> None:
    """No sample is only looked at."""
    assert list(RUN) == [word for _, word, _ in LANGUAGES]
    assert set(OPERATIONS) >= JSON


@pytest.mark.parametrize("language", RUN)
def test_every_sample_works(language: str, address: str, tmp_path: Path) -> None:
    """It comes to an end in good order, and shows the status and the body; curl shows the body."""
    for name, operation in OPERATIONS.items():
        (sample,) = [each for each in operation["samples"] if each.word == language]
        done = run(language, sample.text, address, tmp_path)
        assert done.returncode == 0, f"{name}: {done.stdout}\n{done.stderr}"
        body = done.stdout if language == "curl" else done.stdout.removeprefix("200 ")
        assert body.strip()
        assert language == "curl" or done.stdout.startswith("200 ")
        if name in JSON:
            assert json.loads(body)
        if name == "listCampaigns":
            assert {campaign["status"] for campaign in json.loads(body)["data"]} == {"running"}
        if name == "purgeCache":
            assert json.loads(body)["vdns"] == [1]


@pytest.mark.parametrize("language", RUN)
def test_every_sample_fails_where_it_is_refused(language: str, address: str, tmp_path: Path) -> None:
    """With a key that nobody knows it says so, and its exit code does too."""
    (sample,) = [each for each in OPERATIONS["listCampaigns"]["samples"] if each.word == language]
    done = run(language, sample.text, address, tmp_path, key="wrong")
    assert done.returncode != 0
    assert "problems/unauthenticated" in done.stdout


def test_samples_show_what_has_to_be_there() -> None:
    """The parts of the path, and what is required; without anything of that, one word to choose, or the first."""

    def parameter(name: str, where: str = "query", *, required: bool = False, **schema: Any) -> dict[str, Any]:
        return {"name": name, "in": where, "required": required, "schema": schema, "example": f"{name} &1"}

    def url(*parameters: dict[str, Any]) -> str:
        text = samples("GET", "/a/{b}", [parameter("b", "path", required=True), *parameters], with_key=False)[0].text
        assert KEY_VARIABLE not in text
        return text.partition(GATEWAY)[2].rstrip("'")

    assert url() == "/a/b%20%261"
    assert url(parameter("c"), parameter("d")) == "/a/b%20%261?c=c+%261"
    assert url(parameter("c"), parameter("d", enum=["e"])) == "/a/b%20%261?d=d+%261"
    assert url(parameter("c"), parameter("d", required=True)) == "/a/b%20%261?d=d+%261"
