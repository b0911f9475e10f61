"""Row `start`: from the start of the process to its first answer."""

import statistics
import time

from tests.benchmarks.contenders import gateway
from tests.benchmarks.table import Line

STARTS = 5
# Nobody listens there; a gateway starts without its upstream.
NO_UPSTREAM = "http://127.0.0.1:9"


def start() -> list[Line]:
    """Measure the median of five starts."""
    seconds = []
    for _ in range(STARTS):
        began = time.monotonic()
        with gateway(NO_UPSTREAM, poll_s=0.005):
            seconds.append(time.monotonic() - began)
    return [Line("start", "process start to /healthz", statistics.median(seconds), "s", at_most=1.5)]
