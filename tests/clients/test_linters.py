"""The API document before linters: nothing that is not excused with a reason."""

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.api.openapi import openapi_document
from tests.clients.tools import HERE, node, run

EXCUSED = tomllib.loads((HERE / "linters.toml").read_text())["excused"]
RIGHT, WRONG = "right.json", "wrong.json"
"""The document as it is, and a short one with an operation that has no id. Each linter reads both at once."""

Said = dict[str, set[tuple[str, str]]]
"""What a linter says of each file: rules and places."""


def excused(linter: str) -> set[tuple[str, str]]:
    """Return the rules that may be broken, and where."""
    return {(each["rule"], each["where"]) for each in EXCUSED if each["linter"] == linter}


def linted(command: list[str | Path], folder: Path) -> Iterator[Any]:
    """Return what a linter prints, JSON after JSON; errors and warnings are in it, so its exit code says no more."""
    text = run(["sh", "-c", '"$@" || true', "sh", *command], folder)
    while text:
        value, end = json.JSONDecoder().raw_decode(text)
        yield value
        text = text[end:].lstrip()


def with_redocly(packages: Path, folder: Path) -> Said:
    """Return what redocly's recommended rules say."""
    lint = ["lint", RIGHT, WRONG, "--extends=recommended", "--format=json", "--max-problems=1000"]
    said: Said = {RIGHT: set(), WRONG: set()}
    found = [each for file in linted(node(packages, "redocly", *lint), folder) for each in file["problems"]]
    for each in found:
        place = each["location"][0]
        said[Path(place["source"]["ref"]).name].add((each["ruleId"], place["pointer"]))
    return said


def with_spectral(packages: Path, folder: Path) -> Said:
    """Return what `spectral:oas` says."""
    (folder / "spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    lint = ["lint", RIGHT, WRONG, "--ruleset=spectral.yaml", "--format=json", "--quiet"]
    said: Said = {RIGHT: set(), WRONG: set()}
    (found,) = linted(node(packages, "spectral", *lint), folder)
    for each in found:
        said[Path(each["source"]).name].add((each["code"], "#/" + "/".join(map(str, each["path"]))))
    return said


LINTERS: dict[str, Callable[[Path, Path], Said]] = {"redocly": with_redocly, "spectral": with_spectral}


@pytest.fixture(scope="module", params=LINTERS)
def linter(request: pytest.FixtureRequest) -> str:
    """Return the name of a linter."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def said(linter: str, packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """Return what it says of both files."""
    folder = tmp_path_factory.mktemp(linter)
    document = openapi_document()
    (folder / RIGHT).write_text(json.dumps(document))
    operation = {"responses": {"200": {"description": "A page."}}}
    wrong = {"openapi": document["openapi"], "info": document["info"], "paths": {"/campaigns": {"get": operation}}}
    (folder / WRONG).write_text(json.dumps(wrong))
    return LINTERS[linter](packages, folder)


def test_nothing_is_said_that_has_no_reason(linter: str, said: Said) -> None:
    """Errors and warnings are those that are excused, and every excuse is needed."""
    assert said[RIGHT] == excused(linter)


def test_the_linters_do_look(linter: str, said: Said) -> None:
    """A document with an operation that has no id is told of."""
    assert any("operationId" in rule for rule, _ in said[WRONG] - excused(linter))


def test_every_excuse_has_a_reason() -> None:
    """Each excuse in `linters.toml` has a sentence that says why."""
    assert all(each["reason"].endswith(".") and each["linter"] in LINTERS for each in EXCUSED)
