"""Generators of clients, compilers and linters, run in folders of their own that go with the tests."""

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.clients.front import API, Front
from tests.support.programs import leave_out, program
from tests.support.server import BIN, environment

HERE: Final = Path(__file__).parent
PROGRAMS: Final = HERE / "programs"
KEY: Final = "operator-key"
LIMIT_S: Final = 300.0
FLAGS: Final = ("disallowAdditionalPropertiesIfNotPresent=false", "enumUnknownDefaultCase=true")
"""What the API document says that openapi-generator needs, whatever the language."""
ANNOTATIONS: Final = Path("/usr/share/java/geronimo-annotation-1.3-spec.jar")
"""Has `javax.annotation.Generated`, which the Java of openapi-generator is marked with."""


def run(command: Iterable[str | Path], folder: Path, **variables: str) -> str:
    """Return what `command` prints when it runs in `folder`; fail with all that it said when it fails.

    What it keeps for next time is kept in the folder, and it tells nobody that it was run.
    """
    quiet = {"HOME": str(folder), "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=folder,
        env=environment(**quiet, **variables),
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def seen(command: Iterable[str | Path], folder: Path, front: Front, **variables: str) -> dict[str, Any]:
    """Return what one of the programs saw, and how the answer was coded that it asked for in gzip."""
    front.codings.clear()
    report: dict[str, Any] = json.loads(run([*command, front.url, KEY], folder, **variables))
    return {**report, "coding": front.codings.get("packed")}


def jar() -> Path:
    """Return openapi-generator, which brings all that Java clients need but an annotation."""
    found = importlib.util.find_spec("openapi_generator_cli")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("openapi-generator.jar")


def openapi_generator(front: Front, language: str, folder: Path, *flags: str, options: Iterable[str] = ()) -> Path:
    """Return where openapi-generator has put a client in `language`, made from the document at its address."""
    made = folder / "made"
    java = program("java", "openjdk-17-jre-headless")
    document = f"{front.url}{API}/openapi.json"
    command: list[str | Path] = [java, "-jar", jar(), "generate", "-g", language, "-i", document, "-o", made, *options]
    run([*command, f"--additional-properties={','.join((*FLAGS, *flags))}"], folder)
    return made


def npm_packages(folder: Path) -> Path:
    """Return `folder` with the packages of `package-lock.json` in it, or leave the test out where none can be had."""
    npm = program("npm", "npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=folder,
        env={**os.environ, "npm_config_cache": str(folder / ".npm"), "npm_config_update_notifier": "false"},
    )
    if done.returncode:
        leave_out(f"npm cannot install what tests/clients/package-lock.json lists: {done.stderr[-500:]}")
    return folder


def node(packages: Path, name: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command that runs the program `name` of the npm packages in the folder `packages`."""
    return [packages / "node_modules" / ".bin" / name, *arguments]


def python(script: str) -> list[str | Path]:
    """Return the command that runs one of the programs in Python."""
    return [BIN / "python", PROGRAMS / script]
