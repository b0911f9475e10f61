"""Part `recovery`: nobody listens for a while, and then somebody does."""

import threading
import time
from contextlib import ExitStack

from tests.benchmarks.callers import paced
from tests.benchmarks.contenders import gateway
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.scenarios.upstream.raw_server import RawServer
from tests.support.server import free_port

PER_S = 20
CALLERS = 40
OUTAGES = ((3, 5.0), (20, 20.0))
"""How long an outage is, and how long the circuit is open for when it ends: 5 s from the first, 10, then 20."""

WITHIN_S = 1.0
AFTERWARDS_S = 25


def recovery() -> list[Line]:
    """Measure how long after CC-iSales is back callers get pages again."""
    return [line for seconds, open_s in OUTAGES for line in _after(seconds, open_s)]


def _after(seconds: int, open_s: float) -> list[Line]:
    port = free_port()
    back: list[float] = []
    with ExitStack() as stack, gateway(f"http://127.0.0.1:{port}") as ours:
        upstream = ExitStack()
        stack.enter_context(upstream)

        def come_back() -> None:
            upstream.enter_context(RawServer(port=port))
            back.append(time.monotonic())

        timer = threading.Timer(seconds, come_back)
        timer.start()
        paths = [f"/campaigns?name=page-{number}" for number in range(PER_S * (seconds + AFTERWARDS_S))]
        answers = sorted(paced(ours.port, paths, CALLERS, PER_S), key=lambda answer: answer.ended)
        timer.join()
    good = [answer.ended for answer in answers if answer.status == 200]
    told = [answer for answer in answers if answer.status == 503 and answer.ended < back[0]]
    if not good or not told:
        raise NotMeasured("The circuit did not open, or CC-iSales was not reached again.")
    row = f"recovery after {seconds} s"
    failed = [answer for answer in answers if answer.status != 200 and answer.began > good[0]]
    return [
        Line(row, "Retry-After just before it was back", float(told[-1].header("retry-after")), "s"),
        Line(row, "first page after it was back", good[0] - back[0], "s", at_most=open_s + WITHIN_S),
        Line(row, "failures after the first page", len(failed), "", at_most=0),
    ]
