"""The programs that a measurement needs beside Python, installed from Debian's packages where they are missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable

PACKAGES = {
    **{name: name for name in ("nginx", "haproxy", "apache2", "squid", "lighttpd", "wrk", "chromium")},
    "varnishd": "varnish",
    "traffic_server": "trafficserver",
    "taskset": "util-linux",
}
INSTALL_LIMIT_S = 300


def program(name: str) -> str | None:
    """Return the path of the program `name`, or `None`. Servers are in folders that not every PATH has."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")


def install_missing(names: Iterable[str]) -> None:
    """Install the packages of those programs that are missing; exits with a sentence where that cannot be done."""
    packages = sorted({PACKAGES[name] for name in names if program(name) is None})
    if not packages:
        return
    by_hand = f"apt-get install {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise SystemExit(f"These measurements need {', '.join(packages)}, and there is no apt-get. Install them first.")
    if os.geteuid() != 0:
        raise SystemExit(f"These measurements need {', '.join(packages)}. Install them as root: {by_hand}")
    sys.stderr.write(f"==> Installing from Debian's packages: {', '.join(packages)}\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(["apt-get", "update", "-qq"], check=False, timeout=INSTALL_LIMIT_S, env=environment)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
            check=True,
            timeout=INSTALL_LIMIT_S,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SystemExit(f"Installing failed; try it by hand: {by_hand}") from error
