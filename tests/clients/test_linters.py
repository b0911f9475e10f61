"""The API document before linters: nothing that is not excused with a reason."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gateway.api.openapi import openapi_document
from tests.clients.tools import HERE, node, run

EXCUSED = tomllib.loads((HERE / "linters.toml").read_text())["excused"]


def excused(linter: str) -> set[tuple[str, str]]:
    """Return the rules that may be broken, and where."""
    return {(each["rule"], each["where"]) for each in EXCUSED if each["linter"] == linter}


def with_redocly(packages: Path, document: Path) -> set[tuple[str, str]]:
    """Return what redocly's recommended rules say: rules and places."""
    # Errors and warnings alike are what is returned, so the exit code says nothing more.
    lint = ["lint", str(document), "--extends=recommended", "--format=json", "--max-problems=1000"]
    said = json.loads(run(["sh", "-c", '"$@" || true', "sh", *node(packages, "redocly", *lint)], packages))
    return {(each["ruleId"], each["location"][0]["pointer"]) for each in said["problems"]}


def with_spectral(packages: Path, document: Path) -> set[tuple[str, str]]:
    """Return what `spectral:oas` says."""
    rules = packages / "spectral.yaml"
    rules.write_text('extends: ["spectral:oas"]\n')
    lint = ["lint", str(document), f"--ruleset={rules}", "--format=json", "--quiet"]
    said = json.loads(run(["sh", "-c", '"$@" || true', "sh", *node(packages, "spectral", *lint)], packages))
    return {(each["code"], "#/" + "/".join(map(str, each["path"]))) for each in said}


LINTERS = {"redocly": with_redocly, "spectral": with_spectral}


def written(document: dict[str, Any], folder: Path) -> Path:
    """Return the file that has the document."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    return file


@pytest.mark.parametrize("linter", LINTERS)
def test_nothing_is_said_that_has_no_reason(linter: str, packages: Path, tmp_path: Path) -> None:
    """Errors and warnings are those that are excused, and every excuse is needed."""
    assert LINTERS[linter](packages, written(openapi_document(), tmp_path)) == excused(linter)


@pytest.mark.parametrize("linter", LINTERS)
def test_the_linters_do_look(linter: str, packages: Path, tmp_path: Path) -> None:
    """A document with an operation that has no id is told of."""
    document = openapi_document()
    del document["paths"]["/campaigns"]["get"]["operationId"]
    said = LINTERS[linter](packages, written(document, tmp_path))
    assert any("operationId" in rule for rule, _ in said - excused(linter))


def test_every_excuse_has_a_reason() -> None:
    """It is a sentence."""
    assert all(each["reason"].endswith(".") and each["linter"] in LINTERS for each in EXCUSED)
