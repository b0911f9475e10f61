"""Row `waiting`: hits while a hundred callers, then a thousand, wait for an upstream that never answers."""

import threading
import time

from tests.benchmarks.callers import Answer, once_each
from tests.benchmarks.contenders import Contender, gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.hits import PAGE
from tests.benchmarks.load import wrk
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import simulator

WAITERS = (100, 1000)
ARRIVALS_S = 200.0
SLACK_S = 1.0
MARGIN_S = 3.0


def waiting() -> list[Line]:
    """Measure hits with nobody waiting, then with so many."""
    lines: list[Line] = []
    for waiters in WAITERS:
        # So that they all still wait when the round ends.
        patience_s = waiters / ARRIVALS_S + EFFORT.seconds + MARGIN_S
        settings = {
            "cache.fresh_s": "86400",
            "isales.deadline_s": f"{patience_s:g}",
            "isales.read_timeout_s": f"{patience_s:g}",
        }
        with simulator() as upstream, gateway(upstream.url, settings) as ours:
            ours.get(PAGE)
            alone = wrk(ours.url + PAGE)
            upstream.hang()
            answers: list[Answer] = []
            crowd = threading.Thread(target=_wait, args=(ours, waiters, patience_s, answers))
            crowd.start()
            time.sleep(SLACK_S + waiters / ARRIVALS_S + SLACK_S)
            try:
                beside = wrk(ours.url + PAGE)
            finally:
                crowd.join()
        if any(answer.status == 200 for answer in answers):
            raise NotMeasured("Somebody got a page of an upstream that hangs.")
        who = f"beside {waiters:,} who wait"
        lines += [
            Line("waiting", f"hits {who}", beside.requests_s, "/s", "alone", alone.requests_s, at_least=0.8),
            Line("waiting", f"hits {who}, p99", beside.p99_ms, "ms", "alone", alone.p99_ms),
            Line("waiting", f"slowest of {waiters:,}", max(answer.ms for answer in answers) / 1000, "s"),
        ]
    return lines


def _wait(ours: Contender, waiters: int, patience_s: float, answers: list[Answer]) -> None:
    paths = [f"/campaigns?name=waits-{number}" for number in range(waiters)]
    answers += once_each(ours.port, paths, ARRIVALS_S, 2 * patience_s + waiters / ARRIVALS_S)
