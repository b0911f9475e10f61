"""Rows `hanging` and `impatience`: who can have a page does not wait, and a fetch lands whoever has left."""

import time
from collections.abc import Sequence

from tests.benchmarks.callers import Answer, at_a_pace, one_after_the_other, paced, percentile
from tests.benchmarks.contenders import Contender, gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import simulator

PAGE = "/campaigns?page_size=10"
PAGES = [f"/campaigns?page_size={size}{status}" for size in range(1, 101) for status in ("", "&status=running")]
SLOW_S = 0.5
SETTINGS = {
    "cache.fresh_s": "1",
    "cache.stale_while_revalidate_s": "1",
    "cache.stale_if_error_s": "600",
    "cache.stale_if_slow_s": f"{SLOW_S:g}",
    "isales.read_timeout_s": "2",
    "isales.deadline_s": "3",
}
KNOWN_S = 10.0
"""So long after CC-iSales began to hang, it is known that it fails."""


def hanging() -> list[Line]:
    """Measure one page a second, then many pages, past stale-while-revalidate while CC-iSales answers nothing."""
    seconds = max(60.0, 20.0 * EFFORT.rounds)
    with simulator() as upstream, gateway(upstream.url, SETTINGS) as ours:
        warmed = one_after_the_other(ours.port, [PAGE, *PAGES], 16, 30)
        if any(answer.status != 200 for answer in warmed):
            raise NotMeasured("Not all pages could be fetched while CC-iSales was well.")
        upstream.hang()
        time.sleep(2.5)
        before = upstream.calls()
        began = time.monotonic()
        one = at_a_pace(ours.port, PAGE, 4, 1.0, seconds)
        probes = upstream.calls() - before
        many = paced(ours.port, (PAGES * 100)[: int(100 * seconds / 2)], 32, 100.0)
    known = [answer for answer in one if answer.began > began + KNOWN_S]
    return [
        Line("hanging", "one page, p99", _p99(one), "ms", at_most=SLOW_S * 1000 + 50),
        Line("hanging", "one page once it is known, p99", _p99(known), "ms", at_most=20),
        Line("hanging", "many pages, p99", _p99(many), "ms", at_most=20),
        Line("hanging", "answered", _good(one + many), "%", at_least=100),
        Line("hanging", "probes a minute", probes * 60 / seconds, "", at_least=1),
    ]


def impatience() -> list[Line]:
    """Measure callers who wait 300 ms for a page that CC-iSales takes a second for."""
    with simulator(1.0) as upstream, gateway(upstream.url, SETTINGS) as ours:
        ours.get(PAGE)
        time.sleep(2.5)
        before = upstream.calls()
        answers = [ours.get(PAGE, **{"X-Request-Timeout-Ms": "300"}) for _ in range(8)]
        calls = upstream.calls() - before
        waited = [answer.elapsed.total_seconds() * 1000 for answer in answers]
        fresh = _is_fresh(ours)
    good = sum(answer.status_code == 200 for answer in answers)
    return [
        Line("impatience", "upstream calls for eight callers", calls, "", at_least=1, at_most=1),
        Line("impatience", "good answers", 100 * good / len(answers), "%", at_least=100),
        Line("impatience", "slowest", max(waited), "ms", at_most=350),
        Line("impatience", "fresh after that", float(fresh), "", at_least=1),
    ]


def _is_fresh(ours: Contender) -> bool:
    time.sleep(1.0)
    return "; hit; ttl=-" not in ours.get(PAGE).headers["Cache-Status"]


def _p99(answers: Sequence[Answer]) -> float:
    return percentile([answer.ms for answer in answers], 99)


def _good(answers: Sequence[Answer]) -> float:
    return 100 * sum(answer.status == 200 for answer in answers) / len(answers)
