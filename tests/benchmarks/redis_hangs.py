"""Row `redis-hangs`: hits and misses before, while and after the shared Redis answers nothing."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

from tests.benchmarks.callers import Answer, paced, percentile
from tests.benchmarks.contenders import gateway
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import Redis, redis, stub_upstream

HOT = "/campaigns?page_size=10"
LATENCY_S = 0.05
CALLERS = 32
PER_S = 100.0
BEFORE_S, HANGING_S, AFTER_S = 8.0, 12.0, 8.0
SETTINGS = {"cache.fresh_s": "600", "isales.concurrency": str(CALLERS)}
NOTICED_S = 2.0
"""So long after Redis began to hang, or to answer again, it is known to all."""


def redis_hangs() -> list[Line]:
    """Measure a page that is always fresh, and ever new pages, against the same with a Redis that is well."""
    total = int(PER_S * (BEFORE_S + HANGING_S + AFTER_S))
    paths = [HOT if number % 2 else f"/campaigns?name=page{number}" for number in range(total)]
    with (
        redis() as shared,
        stub_upstream(LATENCY_S) as upstream,
        gateway(upstream.url, {**SETTINGS, "cache.shared_url": shared.url}) as ours,
    ):
        ours.get(HOT)
        with hanging(shared) as moments:
            answers = paced(ours.port, paths, CALLERS, PER_S)
    if not moments[1:]:
        raise NotMeasured("There were no callers any more when Redis hung.")
    good = sum(answer.status == 200 for answer in answers)
    return [
        Line("redis-hangs", "good answers", 100 * good / len(paths), "%", at_least=100),
        *_lines("hits", [answer for answer in answers if answer.path == HOT], *moments),
        *_lines("misses", [answer for answer in answers if answer.path != HOT], *moments),
    ]


def _lines(name: str, answers: Sequence[Answer], began: float, ended: float) -> Iterator[Line]:
    def p99(low: float, high: float) -> float:
        return percentile([answer.ms for answer in answers if low <= answer.began < high], 99)

    # Those that were under way when it began are among its first victims.
    before = p99(began - BEFORE_S, began - 10 * LATENCY_S)
    noticed, over = began + NOTICED_S, ended + NOTICED_S
    yield Line("redis-hangs", f"{name}, p99 as it begins", p99(began, noticed), "ms", "before", before)
    yield Line("redis-hangs", f"{name}, p99 while it hangs", p99(noticed, ended), "ms", "before", before, at_most=2)
    yield Line("redis-hangs", f"{name}, p99 afterwards", p99(over, over + AFTER_S), "ms", "before", before, at_most=2)


@contextlib.contextmanager
def hanging(shared: Redis) -> Iterator[list[float]]:
    """Let Redis hang for a while from a while on; yield the moments at which it began and ended, when they are over."""
    moments: list[float] = []
    stop = threading.Event()

    def hang() -> None:
        if not stop.wait(BEFORE_S):
            shared.hang()
            moments.append(time.monotonic())
            stop.wait(HANGING_S)
            shared.go_on()
            moments.append(time.monotonic())

    thread = threading.Thread(target=hang)
    thread.start()
    try:
        yield moments
    finally:
        stop.set()
        thread.join()
