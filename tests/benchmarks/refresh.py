"""Row `refresh`: a hot page under constant load while it is refreshed again and again, by a slow upstream."""

from collections.abc import Sequence
from http import HTTPStatus

from tests.benchmarks.callers import Answer, at_a_pace, percentile
from tests.benchmarks.contenders import gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import simulator
from tests.support.cache_status import read

PAGE = "/campaigns?page_size=10"
FRESH_S = 3.0
LATENCY_S = 0.5
CALLERS = 16
PER_S = 400.0
MARGIN_S = 0.25


def refresh() -> list[Line]:
    """Measure requests around the refreshes against those in between, which are pure hits."""
    seconds = max(2, EFFORT.rounds) * (FRESH_S + LATENCY_S) + FRESH_S / 2
    with simulator(LATENCY_S) as upstream, gateway(upstream.url, {"cache.fresh_s": f"{FRESH_S:g}"}) as ours:
        ours.get(PAGE)
        before = upstream.calls()
        answers = at_a_pace(ours.port, PAGE, CALLERS, PER_S, seconds)
        calls = upstream.calls() - before
    refreshed = _refreshed(answers)
    if not refreshed:
        raise NotMeasured(f"The page was never refreshed in {seconds:g} seconds.")
    around: list[float] = []
    between: list[float] = []
    for answer in answers:
        near = any(when - LATENCY_S - MARGIN_S <= answer.ended <= when + MARGIN_S for when in refreshed)
        (around if near else between).append(answer.ms)
    good = sum(answer.status == 200 for answer in answers)
    hits_ms = percentile(between, 99)
    return [
        Line("refresh", "p99 around expiries", percentile(around, 99), "ms", "pure hits", hits_ms, at_most=2),
        Line("refresh", "slowest around expiries", max(around), "ms", "pure hits", max(between)),
        Line("refresh", "upstream calls an expiry", calls / len(refreshed), "", at_least=1, at_most=1),
        Line("refresh", "good answers", 100 * good / len(answers), "%", at_least=100),
    ]


def _refreshed(answers: Sequence[Answer]) -> list[float]:
    """Return when the page in the answers became young again (monotonic seconds)."""
    moments: list[float] = []
    last_age = 0
    good = (answer for answer in answers if answer.status == HTTPStatus.OK)
    for answer in sorted(good, key=lambda answer: answer.ended):
        age = int(read(answer.header("cache-status"))["age"])
        # Answers of different connections may cross each other, but not for a second.
        if age < last_age and (not moments or answer.ended - moments[-1] > 1):
            moments.append(answer.ended)
        last_age = age
    return moments
