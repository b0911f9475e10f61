"""`python -m tests.benchmarks.faults [PART ...]`: which parts are measured, and their tables."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tests.benchmarks.__main__ import get_ready
from tests.benchmarks.faults.each import each_fault
from tests.benchmarks.faults.hanging import hanging
from tests.benchmarks.faults.memory import memory
from tests.benchmarks.faults.outage import outage
from tests.benchmarks.faults.recovery import recovery
from tests.benchmarks.machine import description
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line, as_markdown

PARTS: dict[str, Callable[[], list[Line]]] = {
    "memory": memory,
    "outage": outage,
    "recovery": recovery,
    "hanging": hanging,
}
EACH = "each"


def main(names: list[str]) -> int:
    """Measure the parts `names`, all where none is named, and print the tables.

    Return 1 if one could not be measured, or a fault was not met as the table of faults says that it is to be.
    """
    for name in names:
        if name not in {EACH, *PARTS}:
            raise SystemExit(f"There is no part {name!r}; give any of: {EACH} {' '.join(PARTS)}")
    names = names or [EACH, *PARTS]
    described = description(())
    get_ready()
    lines: list[Line] = []
    failures: list[str] = []
    for name in names:
        began = time.monotonic()
        try:
            if name == EACH:
                table, wrong = each_fault()
                failures += [f"NOT AS IT SHOULD BE: {what}" for what in wrong]
                sys.stdout.write(f"{table}\n\n")
            else:
                lines += PARTS[name]()
        except NotMeasured as reason:
            failures.append(f"NOT MEASURED: {name}. {reason}")
        sys.stderr.write(f"==> {name} took {time.monotonic() - began:.0f} s\n")
    if lines:
        sys.stdout.write(f"{as_markdown(lines)}\n\n")
        failures += [f"MISSED: {line.row}: {line.what}" for line in lines if line.met is False]
    sys.stdout.write("\n".join([f"{datetime.now(UTC):%Y-%m-%d}.", described, *failures, ""]))
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
