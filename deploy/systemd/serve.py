"""granian on the listener of `campaign-gateway.socket`, which systemd holds: connections wait there while it restarts.

systemd hands it over as sd_listen_fds(3) says. granian has no option for that. It takes one socket for all workers on
systems without SO_REUSEPORT, and is given this one in its place. Everything else is granian, with its own options and
variables; host and port are what its log and the health check go by. Without a listener it ends with exit code 1.
"""

import os
import sys
from typing import Any

import granian.cli
from granian import _granian
from granian.server import MPServer

FIRST = 3
"""SD_LISTEN_FDS_START."""


class InheritingServer(MPServer):
    """granian's server for the listener that this process was started with. Tested with granian 2.8.7."""

    _sso = None

    def _init_shared_socket(self) -> None:
        make: Any = _granian.SocketHolder
        self._shd: Any = make(fd=FIRST, uds=False, backlog=self.backlog)


def main() -> None:
    """Run granian's command, with its arguments."""
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()) or os.environ.pop("LISTEN_FDS", "") != "1":
        sys.exit("systemd hands over no listener, or several: campaign-gateway.socket has to have one, and to run.")
    os.set_blocking(FIRST, False)
    granian.cli.Server = InheritingServer  # type: ignore[attr-defined] # what its command makes
    granian.cli.entrypoint()  # type: ignore[no-untyped-call] # it has no types


if __name__ == "__main__":
    main()
