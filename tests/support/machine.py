"""A machine in which systemd is process 1, for the units in `deploy/systemd`: systemd-nspawn, without a disk image.

It has this machine's `/usr`, the tests' Python in `/opt/python`, the gateway as it is in the image in
`/opt/campaign-gateway`, and a network of its own with nobody else in it. A program inside (`tests/support/guest.py`)
does what is to be shown and leaves a report.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.deployment import SECRETS, certificates, pointed_at
from tests.support.gateway import PROJECT
from tests.support.image import PYTHON, WORKDIR, Image
from tests.support.programs import leave_out, need_namespaces, program

BOOT_LIMIT_S = 150
SIMULATOR_PORT = 8090

_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files systemd\ngroup: files systemd\nhosts: files\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/os-release": "ID=test\n",
    "etc/machine-id": "",
    # A Python with a shared library looks for it where it was installed, which is not there.
    "etc/systemd/system.conf": "[Manager]\nDefaultEnvironment=LD_LIBRARY_PATH=/opt/python/lib\n",
    "etc/systemd/system/network-online.target": "[Unit]\nDescription=The loopback interface is enough\n",
    "etc/systemd/system/campaign-gateway.service.d/log.conf": (
        "[Service]\nStandardOutput=append:/gateway.log\nStandardError=append:/gateway.log\n"
    ),
    "etc/systemd/system/guest.service": (
        "[Unit]\nWants=simulator.service\nAfter=simulator.service\n"
        f"[Service]\nExecStart={PYTHON} /guest.py\nStandardOutput=console\nStandardError=console\n"
    ),
    "etc/systemd/system/simulator.service": (
        f"[Service]\nWorkingDirectory={WORKDIR}\nEnvironment=GATEWAY_ENV=development\n"
        f"ExecStart={WORKDIR}/.venv/bin/flask simulator run --port {SIMULATOR_PORT} --certificate /etc/simulator.pem\n"
    ),
    # Shorter than a start: the old worker waits for the new one by itself.
    "etc/campaign-gateway/environment": "GRANIAN_RESPAWN_INTERVAL=0.2\n",
    "gateway.log": "",
}


def report(image: Image, folder: Path) -> dict[str, Any]:
    """Start a machine in the empty `folder` with the gateway of `image`; return the report of what was done inside."""
    nspawn = program("systemd-nspawn", "systemd-container")
    if os.geteuid() != 0:
        leave_out("only root can start a machine with systemd-nspawn")
    need_namespaces()
    _lay_out(folder, image)
    command = [nspawn, "--quiet", f"--directory={folder}", f"--machine=gateway-test-{os.getpid()}"]
    command += ["--private-network", "--register=no", "--keep-unit", "--console=pipe", "--bind-ro=/usr"]
    command += [f"--bind-ro={sys.base_prefix}:/opt/python", f"--bind-ro={image.root}:{WORKDIR}"]
    # Of these an image has no more than it needs.
    command += [f"--bind-ro={PROJECT / 'deploy'}:{WORKDIR}/deploy"]
    command += ["--boot", "--", "--unit=guest.service"]
    # With version 1 of control groups systemd is not told inside a container that a service's last process has ended.
    unified = {**os.environ, "UNIFIED_CGROUP_HIERARCHY": "1"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=BOOT_LIMIT_S, check=False, env=unified)
    found = folder / "report.json"
    assert found.exists(), f"the machine left no report:\n{result.stdout}{result.stderr}"
    return dict(json.loads(found.read_text()))


def _lay_out(root: Path, image: Image) -> None:
    for name in ("usr", "proc", "sys", "dev", "run", "tmp", "var/log", "root", "opt/python", WORKDIR.lstrip("/")):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    made = certificates()
    files = {**_FILES, "etc/simulator.pem": made.server, _AUTHORITY.lstrip("/"): made.authority}
    files |= {f"etc/campaign-gateway/secrets/{name}": text for name, text in SECRETS.items() if name != "redis-url"}
    files["listener.sh"] = "\n".join(_listener_held())
    files["guest.py"] = (PROJECT / "tests" / "support" / "guest.py").read_text()
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600 if "secrets" in path else 0o644)
    (root / "etc/sysctl.d").mkdir()
    for line in installation():
        subprocess.run(["/bin/sh", "-ec", line.replace("/etc/", f"{root}/etc/")], cwd=PROJECT, check=True, timeout=60)
    settings = root / "etc/campaign-gateway/gateway.toml"
    settings.write_text(pointed_at(settings.read_text(), f"https://127.0.0.1:{SIMULATOR_PORT}", _AUTHORITY))


def installation() -> list[str]:
    """Return what deploy/README.md says to do to install the units, line by line."""
    found = [line for line in _commands("### On a machine, with systemd") if line.startswith("install -")]
    assert len(found) >= 4, "deploy/README.md does not say how to install the units"
    return found


def _listener_held() -> list[str]:
    """Return what it says to do to have systemd hold the listener."""
    commands = _commands("### Upgrades without a gap")
    first = next((number for number, line in enumerate(commands) if "campaign-gateway.socket" in line), None)
    assert first is not None, "deploy/README.md does not say how to have systemd hold the listener"
    return commands[first:]


def _commands(heading: str) -> list[str]:
    """Return the lines of commands of a chapter."""
    chapter = (PROJECT / "deploy" / "README.md").read_text().partition(f"\n{heading}\n")[2].partition("\n### ")[0]
    return re.findall(r"^ {6,}(\S.*)", chapter, re.MULTILINE)


_AUTHORITY = "/etc/campaign-gateway/isales-ca.pem"
