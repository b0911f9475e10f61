"""The image without a container engine: its steps run one by one in a folder, and its commands as the image's user.

bwrap lays out the file systems. To build, everything is this machine's, but `/opt` holds only the folder that becomes
the image's and the tests' Python in place of the base image's. To run, there is nothing but that, `/usr` and empty
`/tmp`, and all is read-only.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.containerfile import Containerfile
from tests.support.gateway import PROJECT
from tests.support.programs import leave_out, need_namespaces, program
from tests.support.waiting import wait_until

WORKDIR = "/opt/campaign-gateway"
PYTHON = f"/opt/python/bin/python{sys.version_info.major}.{sys.version_info.minor}"
SPOOL = "/var/cache/campaign-gateway"
BUILD_LIMIT_S = 300


class Image:
    """The image of a Containerfile, in the folder `root`, which stands for its `/opt/campaign-gateway`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = Containerfile()
        self._bwrap = program("bwrap", "bubblewrap")
        if os.geteuid() != 0:
            leave_out("only root can run something as another user, as the image does")
        need_namespaces()

    def build(self) -> None:
        """Do what the first stage says, step by step, with the shell that a container engine would use."""
        if not (Path(sys.base_prefix) / "lib" / Path(PYTHON).name / "site-packages" / "pip").exists():
            leave_out("the Python below this environment has no pip, as that of the base image has")
        for step in self.file.stages[0]:
            if step.instruction == "COPY":
                *sources, to = shlex.split(step.value)
                for source in sources:
                    self._copy(source, to)
            elif step.instruction == "RUN":
                # The base image calls its Python `python`.
                self._in_sandbox(["/bin/sh", "-ec", f"alias python={PYTHON}\n{step.value}"])

    def _copy(self, source: str, to: str) -> None:
        target = self.root / to / (source if to.endswith("/") else "")
        target.parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / source).is_dir():
            shutil.copytree(PROJECT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / source, target)
        # As of a checkout that was made under umask 077: engines copy modes too.
        subprocess.run(["chmod", "--recursive", "go=", str(target)], check=True, timeout=60)

    def _in_sandbox(self, command: list[str]) -> None:
        sandbox = [self._bwrap, "--die-with-parent", "--bind", "/", "/", "--dev", "/dev", "--tmpfs", "/opt"]
        sandbox += ["--ro-bind", sys.base_prefix, "/opt/python", "--bind", str(self.root), WORKDIR, "--chdir", WORKDIR]
        subprocess.run([*sandbox, *command], check=True, timeout=BUILD_LIMIT_S, capture_output=True)

    def container(self, mounts: Mapping[str, str] | None = None, **variables: str) -> "Container":
        """Return a container of this image; `mounts` maps paths in it to the text of a file that is put there."""
        user, _, group = self.file.last("USER").partition(":")
        sandbox = [self._bwrap, "--die-with-parent", "--unshare-pid", "--as-pid-1", "--unshare-ipc", "--clearenv"]
        for name in ("bin", "sbin", "lib", "lib64"):
            sandbox += ["--symlink", f"usr/{name}", f"/{name}"]
        sandbox += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
        sandbox += ["--perms", "1777", "--tmpfs", "/tmp", "--perms", "0755", "--dir", "/opt"]  # noqa: S108 -- in there
        sandbox += ["--ro-bind", sys.base_prefix, "/opt/python", "--ro-bind", str(self.root), WORKDIR]
        # As the deployments give it one: tests/contract hold them to it.
        sandbox += ["--perms", "1777", "--tmpfs", SPOOL]
        # A Python with a shared library looks for it where it was installed, which is not there.
        library = {"LD_LIBRARY_PATH": "/opt/python/lib"}
        for name, value in {**library, **self.file.environment, **variables}.items():
            sandbox += ["--setenv", name, value]
        as_user = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
        as_user += ["--inh-caps=-all", "--bounding-set=-all"]
        owner = (int(user), int(group))
        return Container(self, sandbox, ["--chdir", WORKDIR, *as_user], dict(mounts or {}), owner)


@dataclass(frozen=True)
class Container:
    """How commands of an image are run, with files of the caller's and a root that nobody can write to."""

    image: Image
    sandbox: list[str]
    as_user: list[str]
    mounts: dict[str, str]
    owner: tuple[int, int]
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        folder = Path(tempfile.mkdtemp(dir=self.image.root.parent))
        for path, text in self.mounts.items():
            file = folder / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o400)
            os.chown(file, *self.owner)
        object.__setattr__(self, "folder", folder)

    def line(self, command: list[str]) -> list[str]:
        """Return what runs `command` in the container."""
        bound = []
        for path in self.mounts:
            for above in reversed(Path(path).parents[:-1]):
                bound += ["--perms", "0755", "--dir", str(above)]
            bound += ["--ro-bind", f"{self.folder}{path}", path]
        return [*self.sandbox, *bound, "--remount-ro", "/", *self.as_user, *command]

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(self.line(list(command)), capture_output=True, text=True, timeout=60, check=False)

    @contextmanager
    def started(self, command: list[str], network: str = "") -> Iterator["subprocess.Popen[str]"]:
        """Run a command, the image's own as a rule, for as long as the context lasts. In there it is process 1.

        With `network`, a line of shell that sets it up, it has a network of its own, else that of this machine.
        """
        line = self.line(command)
        if network:
            line = ["unshare", "--net", "/bin/sh", "-ec", f'{network}; exec "$@"', "-", *line]
        process = subprocess.Popen(line, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, text=True)
        try:
            yield process
        finally:
            self.signal(process, signal.SIGKILL)
            process.wait(10)

    def signal(self, process: "subprocess.Popen[str]", number: signal.Signals) -> None:
        """Send a signal to process 1 of the container that `process` runs, as a container engine does."""
        if process.poll() is None:
            os.kill(_first(process), number)

    def execute(self, process: "subprocess.Popen[str]", *command: str) -> "subprocess.CompletedProcess[str]":
        """Run one more command to its end in the container that `process` runs, as its user and with its variables."""
        first = _first(process)
        given = Path(f"/proc/{first}/environ").read_text().split("\0")
        inside = [
            program("nsenter", "util-linux"),
            f"--target={first}",
            "--mount",
            "--pid",
            "--ipc",
            "--net",
            f"--wdns={WORKDIR}",
        ]
        return subprocess.run(
            [*inside, "env", "--ignore-environment", *filter(None, given), *self.as_user[2:], *command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def _first(process: "subprocess.Popen[str]") -> int:
    """Return the id, as it is outside, of process 1 of the container that `process` runs."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    found: list[int] = []

    def is_there() -> bool:
        # What sets up the network is a child too, until it has ended.
        for pid in map(int, children.read_text().split()):
            with suppress(OSError):
                if Path(f"/proc/{pid}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink():
                    found.append(pid)
        return bool(found)

    wait_until(is_there)
    return found[0]
