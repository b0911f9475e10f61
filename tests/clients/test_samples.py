"""The samples of `/docs`, run as they are: each asks a gateway, prints what came, and fails where it is refused."""

import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.api.docs import shown
from gateway.api.language import Language
from gateway.api.openapi import openapi_document
from gateway.api.samples import GATEWAY, KEY_VARIABLE, LANGUAGES, samples
from gateway.simulator.server import SimulatorServer, demo_config
from tests.clients.tools import KEY, LIMIT_S, PROGRAMS, go_variables, python, surroundings
from tests.support.programs import program
from tests.support.server import served_gateway

GROUPS = shown(openapi_document(), Language.ENGLISH)["groups"]
OPERATIONS = {operation["operationId"]: operation for group in GROUPS.values() for operation in group}
JSON = {"listCampaigns", "explainQuery", "purgeCache", "checkHealth", "checkReadiness", "listPlaces", "getApiDocument"}
MARK = "\x1e"
"""Is printed before each of many samples."""


@dataclass(frozen=True)
class Toolchain:
    """What runs samples of a language: a program of a Debian package, and with which words before the file.

    `runner` is a program that runs many in one process, in the language or in Python; where there is none, each has a
    process of its own. `reader` is what reads the file where the program is called in there.
    """

    file: str
    program: str
    package: str
    words: tuple[str, ...] = ()
    runner: str = ""
    reader: str = ""

    def alone(self, *files: Path) -> list[str | Path]:
        """Return the command that runs a file as a reader does."""
        found = program(self.program, self.package)
        return [self.reader or found, *self.words, *files]

    def together(self, *files: Path) -> list[str | Path]:
        """Return the command that runs files one after the other."""
        if self.runner.endswith(".py"):
            program(self.program, self.package)
            return [*python(self.runner), *files]
        if self.runner:
            return self.alone(PROGRAMS / self.runner, *files)
        return [
            "sh",
            "-euc",
            f"for each; do printf '{MARK}'; {shlex.join(map(str, self.alone()))} \"$each\"; done",
            "sh",
            *files,
        ]


TOOLCHAINS = {
    "curl": Toolchain("sample.sh", "curl", "curl", reader="sh"),
    "python": Toolchain("sample.py", "python", "python3", runner="samples.py"),
    "javascript": Toolchain("sample.mjs", "node", "nodejs", runner="samples.mjs"),
    "java": Toolchain("Sample.java", "java", "openjdk-17-jdk-headless", runner="Samples.java"),
    "go": Toolchain("sample.go", "go", "golang-go", ("run",), runner="samples_in_go.py"),
}
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return where a gateway is."""
    with SimulatorServer(demo_config()) as isales, served_gateway(isales.base_url) as served:
        yield served.url


@pytest.fixture
def run(address: str, kept: Path, tmp_path: Path) -> Run:
    """Return a function that runs a command with a key for the gateway."""

    def run(command: list[str | Path], key: str = KEY) -> "subprocess.CompletedProcess[str]":
        variables = surroundings(tmp_path, **{KEY_VARIABLE: key}, **go_variables(kept))
        return subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=tmp_path, env=variables
        )

    return run


def written(language: str, name: str, address: str, folder: Path) -> Path:
    """Return the file, in a folder of its own, that has the sample of an operation for the gateway at `address`."""
    (sample,) = [each for each in OPERATIONS[name]["samples"] if each.word == language]
    file = folder / name / TOOLCHAINS[language].file
    file.parent.mkdir()
    file.write_text(sample.text.replace(GATEWAY, address), encoding="utf-8")
    return file


def test_every_language_is_run() -> None:
    """No sample is only looked at."""
    assert list(TOOLCHAINS) == [word for _, word, _ in LANGUAGES]
    assert set(OPERATIONS) >= JSON


@pytest.mark.parametrize("language", TOOLCHAINS)
def test_every_sample_works(language: str, address: str, run: Run, tmp_path: Path) -> None:
    """It comes to an end in good order, and shows the status and the body; curl shows the body."""
    done = run(TOOLCHAINS[language].together(*(written(language, name, address, tmp_path) for name in OPERATIONS)))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    nothing, *shown = done.stdout.split(MARK)
    assert nothing == ""
    for name, words in zip(OPERATIONS, shown, strict=True):
        body = words if language == "curl" else words.removeprefix("200 ")
        assert body.strip(), name
        assert language == "curl" or words.startswith("200 "), name
        if name in JSON:
            assert json.loads(body)
        if name == "listCampaigns":
            assert {campaign["status"] for campaign in json.loads(body)["data"]} == {"running"}
        if name == "purgeCache":
            assert json.loads(body)["vdns"] == [1]


@pytest.mark.parametrize("language", TOOLCHAINS)
def test_every_sample_fails_where_it_is_refused(language: str, address: str, run: Run, tmp_path: Path) -> None:
    """Run as a reader does: with a key that nobody knows it says so, and its exit code does too."""
    sample = written(language, "listCampaigns", address, tmp_path)
    done = run(TOOLCHAINS[language].alone(sample), key="wrong")
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
