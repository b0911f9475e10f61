"""Does the gateway of this machine or container answer? Exit code 0: it said 200; 1: it did not; 2: it was not asked.

It needs nothing but Python, so that an image needs no curl, and imports nothing of the gateway, so that it costs
little. Where the gateway listens is taken from the variables that granian reads: GRANIAN_HOST, GRANIAN_PORT, and
GRANIAN_URL_PATH_PREFIX, below which it then is. A name that does not resolve, a port that is none and an address that
may not be asked are no fault of the gateway.
"""

import argparse
import os
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

# What is not bound to but replaced. A socket on `::` takes IPv4 too, unless the machine has that switched off
# (net.ipv6.bindv6only), and a container without IPv6 has no ::1: one of the two answers.
ANY_ADDRESS = {"0.0.0.0": ("127.0.0.1",), "::": ("127.0.0.1", "::1")}  # noqa: S104 -- compared with, not bound to
GRANIAN_PORT = 8000
"""What granian takes where nothing is said."""


def address(environ: Mapping[str, str]) -> tuple[tuple[str, ...], int]:
    """Return the hosts of which one answers, and the port to ask, from granian's variables in `environ`."""
    host = environ.get("GRANIAN_HOST") or "127.0.0.1"
    return ANY_ADDRESS.get(host, (host,)), int(environ.get("GRANIAN_PORT") or GRANIAN_PORT)


def fault(host: str, port: int, path: str, timeout_s: float) -> str | None:
    """Ask once; return `None` when the answer is good, else a few words about what it was.

    Raises OSError where it could not be asked at all.
    """
    connection = HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (PermissionError, socket.gaierror):
        raise
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return None if status == HTTPStatus.OK else f"HTTP {status}"


def shown(host: str) -> str:
    """Return `host` as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def main() -> int:
    """Ask as often as the arguments say, until an answer is good; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attempts", type=int, default=1, metavar="N", help="ask at most N times (1)")
    parser.add_argument("--pause", type=float, default=1.0, metavar="SECONDS", help="wait between two attempts (1)")
    parser.add_argument("--timeout", type=float, default=3.0, metavar="SECONDS", help="wait for an answer (3)")
    parser.add_argument("--port", type=int, help="ask there, and not where granian's variables say")
    parser.add_argument("--path", default="/healthz", help="what to ask for (/healthz)")
    options = parser.parse_args()
    hosts, port = address(os.environ)
    port = options.port or port
    path = os.environ.get("GRANIAN_URL_PATH_PREFIX", "") + options.path
    found: str | None = "it was not asked"
    for attempt in range(options.attempts):
        time.sleep(options.pause if attempt else 0)
        for host in hosts:
            found = fault(host, port, path, options.timeout)
            if found is None:
                return 0
    sys.stderr.write(f"http://{' or '.join(map(shown, hosts))}:{port}{path} does not answer: {found}\n")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:  # noqa: BLE001 -- the exit code of an error that nobody catches would be that of no answer
        traceback.print_exc()
        sys.exit(2)
