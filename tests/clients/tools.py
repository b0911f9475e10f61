"""Generators of clients, compilers and linters, run in folders of their own that go with the tests."""

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.clients.front import Front
from tests.support.programs import leave_out, program
from tests.support.server import BIN, environment

HERE: Final = Path(__file__).parent
PROGRAMS: Final = HERE / "programs"
KEY: Final = "operator-key"
LIMIT_S: Final = 300.0
SHORT_LIVED: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Options of Java for programs that end before code that is compiled with care has paid."""
ANNOTATIONS: Final = Path("/usr/share/java/geronimo-annotation-1.3-spec.jar")
"""Has `javax.annotation.Generated`, which the Java of openapi-generator is marked with."""


def run(command: Iterable[str | Path], folder: Path, **variables: str) -> str:
    """Return what `command` prints when it runs in `folder`; fail with all that it said when it fails."""
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=folder,
        env=surroundings(folder, **variables),
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def surroundings(folder: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a program that tells nobody that it was run, and keeps in `folder` what it keeps."""
    quiet = {
        "HOME": str(folder),
        "JAVA_TOOL_OPTIONS": SHORT_LIVED,
        "REDOCLY_TELEMETRY": "off",
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
        "npm_config_update_notifier": "false",
    }
    return environment(**quiet, **variables)


def go_variables(folder: Path) -> dict[str, str]:
    """Return the variables with which Go asks nobody; what it compiles is kept in `folder` for whoever comes next.

    It is spared what debuggers read, and most of the tidying of its memory. Whether it may call C is left to it: its
    library in Debian is compiled for that, and with another answer it would compile the network's part anew.
    """
    kept = {"GOCACHE": str(folder / "go"), "GOPATH": str(folder / "gopath")}
    return {**kept, "GOPROXY": "off", "GOFLAGS": "-mod=mod -ldflags=-w", "GOTOOLCHAIN": "local", "GOGC": "400"}


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


def npm_packages(folder: Path) -> Path:
    """Return `folder` with the packages of `package-lock.json` in it, or leave the test out where none can be had.

    Whoever comes first installs them, and all others wait.
    """
    npm = program("npm", "npm")
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            _install(npm, folder)
            (folder / "installed").touch()
    return folder


def _install(npm: str, folder: Path) -> None:
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


def node(packages: Path, name: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command that runs the program `name` of the npm packages in the folder `packages`."""
    return [packages / "node_modules" / ".bin" / name, *arguments]


def python(script: str) -> list[str | Path]:
    """Return the command that runs one of the programs in Python."""
    return [BIN / "python", PROGRAMS / script]
