"""`python -m tests.soak`: the soak of `SOAK_SECONDS` (900) with `SOAK_SEED` (drawn), and its report."""

import os
import secrets
import signal
import sys
from datetime import UTC, datetime

from tests.benchmarks.debian import install_missing
from tests.benchmarks.machine import description
from tests.soak.report import judge, report
from tests.soak.run import soak

SECONDS = 900.0
PER_S = 150.0


def main() -> int:
    """Soak, print the report, and return 1 if anything was wrong."""
    install_missing(["nginx"])
    seed = int(os.environ.get("SOAK_SEED") or secrets.randbelow(10**6))
    seconds = float(os.environ.get("SOAK_SECONDS") or SECONDS)
    described = description(["nginx"])
    # So that an end by SIGTERM stops the servers too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.stderr.write(f"==> Soaking for {seconds:.0f} s. To repeat what is drawn: SOAK_SEED={seed}\n")
    outcome = soak(seconds, seed, float(os.environ.get("SOAK_PER_S") or PER_S))
    verdict = judge(outcome)
    sys.stdout.write(f"{report(outcome, verdict)}\n{datetime.now(UTC):%Y-%m-%d}.\n{described}\n")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
