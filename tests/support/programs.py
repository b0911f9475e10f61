"""Programs that tests run and that do not come with the gateway: found where they are, or the test is left out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

SERVER_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def program(name: str, package: str) -> str:
    """Return the path of the program `name`, from this environment or the system.

    Where it is missing the test that asks is skipped, and the reason names the Debian `package` that has it. In
    continuous integration that is a failure: there all of them are installed.
    """
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", ""), *SERVER_FOLDERS]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        leave_out(f"{name} is not on this machine; on Debian: apt-get install {package}")
    return found


def need_namespaces() -> None:
    """Skip the test that runs where root may not mount, as in most containers; no machine can be made to allow that."""
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--net", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip(f"needs namespaces and mounts, which are not allowed here: {tried.stderr.strip()}")


def leave_out(reason: str) -> NoReturn:
    """Skip the test that runs, or fail it in continuous integration, where nothing may be left out."""
    if os.environ.get("CI"):
        pytest.fail(f"in continuous integration nothing is left out: {reason}")
    pytest.skip(reason)
