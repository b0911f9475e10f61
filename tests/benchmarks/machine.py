"""What the figures were measured on: the machine and the versions."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.debian import program

VERSION_OPTIONS = {
    **dict.fromkeys(("nginx", "wrk", "haproxy", "apache2", "squid"), "-v"),
    **dict.fromkeys(("varnishd", "traffic_server"), "-V"),
    "chromium": "--version",
}
DISTRIBUTIONS = ("granian", "Flask", "Flask-Caching", "requests")


def description(programs: Iterable[str]) -> str:
    """Return two lines: the machine with its load, and the versions of `programs` and of the libraries that matter."""
    cpu_info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = re.findall(r"^model name\s*:\s*(.+)$", cpu_info, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text(encoding="utf-8"), re.MULTILINE)
    gibibytes = int(memory[1]) / 1024**2 if memory else 0
    machine = (
        f"{os.cpu_count()} x {models[0] if models else platform.machine()}, {gibibytes:.0f} GiB, "
        f"{platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f} before it began"
    )
    versions = [f"Python {sys.version.split()[0]}", *(f"{name} {version(name)}" for name in DISTRIBUTIONS)]
    versions += [f"{name} {_program_version(name)}" for name in programs if name in VERSION_OPTIONS]
    return f"Machine: {machine}.\nVersions: {', '.join(versions)}."


def _program_version(name: str) -> str:
    ran = subprocess.run(
        [program(name) or name, VERSION_OPTIONS[name]], capture_output=True, text=True, check=False, timeout=10
    )
    found = re.search(r"(\d+\.\d+(\.\d+)?)", ran.stdout + ran.stderr)
    return found[1] if found else "of unknown version"
