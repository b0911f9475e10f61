"""The clients that ask, with the caches that they bring, in a folder of their own that goes with the measurement."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.caches.reuse import Asked
from tests.benchmarks.debian import program
from tests.benchmarks.processes import NotMeasured

HERE: Final = Path(__file__).parent
_INSTALL_LIMIT_S: Final = 300
_START_LIMIT_S: Final = 60.0
_ASKING_LIMIT_S: Final = 60.0


class Programs:
    """Python's clients and Node's, each with its packages, pinned, in `folder`; exits with a sentence without npm."""

    def __init__(self, folder: Path) -> None:
        npm = program("npm")
        if npm is None:
            raise SystemExit("These measurements need Node's npm. Install it first; on Debian: apt-get install npm")
        venv, self._node = folder / "venv", folder / "node"
        self._node.mkdir()
        for name in ("package.json", "package-lock.json", "asking.mjs"):
            shutil.copy(HERE / name, self._node)
        self._python = venv / "bin" / "python"
        pip: list[str | Path] = [self._python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
        kept = {"npm_config_cache": str(folder / "npm"), "npm_config_update_notifier": "false"}
        _install([sys.executable, "-m", "venv", venv], folder)
        _install([*pip, HERE / "requirements.txt"], folder)
        quietly = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        _install([npm, "ci", *quietly], self._node, **kept)

    def python(self, cache: str, *arguments: str) -> list[str]:
        """Return the command that asks through this cache in Python."""
        return [str(self._python), str(HERE / "asking.py"), cache, *arguments]

    def node(self, cache: str, *arguments: str) -> list[str]:
        """Return the command that asks through this cache of Node or of Chromium.

        Node is npm's own where there is one for this machine: some of the packages want a newer one than Debian's.
        """
        own = [str(path) for path in self._node.glob("node_modules/node-linux-*/bin/node")]
        return [*(own or [program("node") or "node"])[:1], str(self._node / "asking.mjs"), cache, *arguments]

    def versions(self) -> str:
        """Return what was installed."""
        packages = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
        listed = {**packages["dependencies"], "node": next(iter(packages["optionalDependencies"].values()))}
        pinned = re.findall(r"^(\S+)==(\S+)", (HERE / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
        return ", ".join(f"{name} {version}" for name, version in sorted([*listed.items(), *pinned], key=_without_case))


def ask(command: Sequence[str], moment: Callable[[], None]) -> list[Asked]:
    """Run a program that asks, from when `moment` returns, which is called when it is ready. Return what it saw.

    Raises `NotMeasured`, with what it said, where it fails.
    """
    chromium = program("chromium") or "chromium"
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CHROMIUM": chromium},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Timer(_START_LIMIT_S, process.kill)
        late.start()
        ready = process.stdout.readline()
        late.cancel()
        try:
            if ready:
                moment()
            output, said = process.communicate("\n" if ready else None, timeout=_ASKING_LIMIT_S)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise NotMeasured(f"{Path(command[1]).name} {command[2]} failed. It said: {said[-1000:].strip()}")
    return [Asked(*answer) for answer in json.loads(output.splitlines()[-1])]


def _install(command: Sequence[str | Path], folder: Path, **variables: str) -> None:
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=_INSTALL_LIMIT_S,
        check=False,
        cwd=folder,
        env={**os.environ, **variables},
    )
    if done.returncode:
        raise SystemExit(f"Installing failed: {' '.join(map(str, command))}\n{done.stderr[-1000:]}")


def _without_case(pinned: tuple[str, str]) -> str:
    return pinned[0].lower()
