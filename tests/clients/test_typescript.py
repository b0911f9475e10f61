"""The clients for TypeScript pass `tsc --strict` and work, as do the examples of them."""

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.checks import SEEN, new_words
from tests.clients.examples import Client, Watched, made, watch
from tests.clients.front import Front
from tests.clients.tools import PROGRAMS, node, run, seen
from tests.support.programs import program

CLIENTS = ("openapi-typescript", "@hey-api/openapi-ts")
EXPECTED = {**SEEN, "new_words": new_words("archived", "carrier_pigeon")}


@pytest.fixture(scope="module")
def clients(mounted: Front, packages: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Client]:
    """Return both clients, in one folder, and neither of them compiled."""
    folder = tmp_path_factory.mktemp("typescript")
    for name in ("package.json", "node_modules"):
        (folder / name).symlink_to(packages / name)
    (folder / "programs").mkdir()
    return {name: made(name, folder, mounted, leave="tsc") for name in CLIENTS}


@pytest.fixture(scope="module")
def compiled(clients: dict[str, Client], packages: Path) -> Path:
    """Return the folder where the programs for both clients are.

    They and the examples are compiled at once, with README's options and one that is stricter: most of the time of each
    of its commands goes into libraries that are the same for all.
    """
    folder = clients[CLIENTS[0]].folder
    programs = [shutil.copy(PROGRAMS / name, folder / "programs") for name in ("openapi_fetch.ts", "hey_api.ts")]
    commands = [shlex.split(command) for client in clients.values() for command in client.left]
    ((tsc, *options),) = {tuple(options) for *options, _ in commands}
    examples = [example for *_, example in commands]
    assert len(examples) == len(CLIENTS)
    run(node(packages, tsc, *options, "--noUncheckedIndexedAccess", *examples, *programs), folder)
    return folder / "out" / "programs"


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


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("name", CLIENTS)
def test_the_example(clients: dict[str, Client], name: str, mounted: Front, watched: Watched) -> None:
    """Each example lists campaigns, follows changes and heeds refusals as the README of `deploy/clients` says."""
    watch(clients[name], mounted, watched)
