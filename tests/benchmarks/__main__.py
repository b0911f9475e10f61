"""`python -m tests.benchmarks [ROW ...]`: which rows are measured, and the table."""

import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.benchmarks.debian import install_missing
from tests.benchmarks.deployed import behind_nginx
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.export import export
from tests.benchmarks.herd import herd
from tests.benchmarks.hits import hit, not_modified
from tests.benchmarks.known_pages import hanging, impatience
from tests.benchmarks.machine import description
from tests.benchmarks.many_keys import many_keys
from tests.benchmarks.miss import miss
from tests.benchmarks.misses import misses, overload
from tests.benchmarks.outage import outage
from tests.benchmarks.processes import LOAD_CORE, SERVER_CORE, NotMeasured, pin_to_load_core
from tests.benchmarks.redis_hangs import redis_hangs
from tests.benchmarks.refresh import refresh
from tests.benchmarks.shared import cluster_hangs, shared
from tests.benchmarks.start import start
from tests.benchmarks.table import Line, as_markdown
from tests.benchmarks.two_cores import two_cores
from tests.benchmarks.two_processes import purge, two_processes
from tests.benchmarks.wait_for_change import wait_for_change
from tests.benchmarks.waiting import waiting

OPEN_FILES = 8192


@dataclass(frozen=True)
class Row:
    """What is measured, and the programs that it takes beside Python."""

    measure: Callable[[], list[Line]]
    programs: tuple[str, ...] = ()


ROWS = {
    "hit": Row(hit, ("nginx", "varnishd", "wrk")),
    "304": Row(not_modified, ("nginx", "varnishd", "wrk")),
    "nginx": Row(behind_nginx, ("nginx", "wrk")),
    "waiting": Row(waiting, ("wrk",)),
    "wait": Row(wait_for_change, ("wrk",)),
    "misses": Row(misses),
    "overload": Row(overload),
    "herd": Row(herd),
    "refresh": Row(refresh),
    "outage": Row(outage),
    "hanging": Row(hanging),
    "impatience": Row(impatience),
    "two-processes": Row(two_processes),
    "purge": Row(purge),
    "redis-hangs": Row(redis_hangs),
    "shared": Row(shared),
    "cluster-hangs": Row(cluster_hangs, ("wrk",)),
    "two-cores": Row(two_cores, ("wrk",)),
    "many-keys": Row(many_keys, ("wrk",)),
    "export": Row(export),
    "start": Row(start),
    "miss": Row(miss),
}


def main(names: list[str]) -> int:
    """Measure the rows `names`, all where none is named, and print the table. Return 1 if one could not be measured.

    A missed target is no failure: the figures are of this machine at this time.
    """
    for name in names:
        if name not in ROWS:
            raise SystemExit(f"There is no row {name!r}; give any of: {' '.join(ROWS)}")
    names = names or list(ROWS)
    programs = list(dict.fromkeys(program for name in names for program in ROWS[name].programs))
    install_missing(["taskset", *programs])
    described = description(programs)
    get_ready()
    lines: list[Line] = []
    failures: list[str] = []
    for name in names:
        began = time.monotonic()
        try:
            lines += ROWS[name].measure()
        except (NotMeasured, AssertionError) as reason:
            # An assertion is what a server of tests was waited for in vain. The rows before are good all the same.
            failures.append(f"NOT MEASURED: {name}. {reason}")
        sys.stderr.write(f"==> {name} took {time.monotonic() - began:.0f} s\n")
    rounds = f"Medians of {EFFORT.rounds} interleaved rounds of {EFFORT.seconds} s; {datetime.now(UTC):%Y-%m-%d}."
    sys.stdout.write("\n".join(["", as_markdown(lines), "", rounds, described, *failures, ""]))
    missed = [f"{line.row}: {line.what}" for line in lines if line.met is False]
    sys.stdout.write(f"Missed: {'; '.join(missed)}\n" if missed else "All targets are met.\n" if lines else "")
    return 1 if failures else 0


def get_ready() -> None:
    """Let this process open many files, end its servers when it is ended, and keep off their core."""
    # A thousand callers are a thousand sockets here, and as many again in the servers, which inherit this.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    # So that an end by SIGTERM stops the servers too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if SERVER_CORE == LOAD_CORE:
        sys.stderr.write("There is one core only: servers and load share it, and the ratios say little.\n")
    pin_to_load_core()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
