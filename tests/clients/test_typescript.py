"""The clients for TypeScript pass `tsc --strict` and work."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.checks import SEEN, new_words
from tests.clients.front import API, Front
from tests.clients.tools import PROGRAMS, node, run, seen
from tests.support.programs import program

EXPECTED = {**SEEN, "new_words": new_words("archived", "carrier_pigeon")}


@pytest.fixture(scope="module")
def compiled(mounted: Front, packages: Path) -> Path:
    """Return the folder where both clients are, compiled together with their programs."""
    document = f"{mounted.url}{API}/openapi.json"
    run(node(packages, "openapi-typescript", document, "--output", "schema.ts"), packages)
    for name in ("tsconfig.json", "openapi-ts.config.mjs", "openapi_fetch.ts", "hey_api.ts"):
        shutil.copy(PROGRAMS / name, packages)
    run(node(packages, "openapi-ts", "--file", "openapi-ts.config.mjs"), packages, DOCUMENT=document)
    run(node(packages, "tsc", "--project", "."), packages)
    return packages / "out"


@pytest.fixture(scope="module")
def with_openapi_fetch(compiled: Path, mounted: Front) -> dict[str, Any]:
    """Return what openapi-fetch saw with the types of openapi-typescript."""
    return seen([program("node", "nodejs"), compiled / "openapi_fetch.js"], compiled, mounted)


@pytest.fixture(scope="module")
def with_hey_api(compiled: Path, mounted: Front) -> dict[str, Any]:
    """Return what the client of @hey-api/openapi-ts saw."""
    return seen([program("node", "nodejs"), compiled / "hey_api.js"], compiled, mounted)


@pytest.mark.parametrize("check", EXPECTED)
def test_openapi_fetch(with_openapi_fetch: dict[str, Any], check: str) -> None:
    """openapi-fetch sees all, new words too; ids of more than 53 bits are a matter of JavaScript."""
    assert with_openapi_fetch[check] == EXPECTED[check]


@pytest.mark.parametrize("check", EXPECTED)
def test_hey_api(with_hey_api: dict[str, Any], check: str) -> None:
    """The client of @hey-api/openapi-ts does so too."""
    assert with_hey_api[check] == EXPECTED[check]
