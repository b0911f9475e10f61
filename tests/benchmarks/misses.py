"""Rows `misses` and `overload`: ever new pages, as many as the budget of calls allows, and five times as many."""

from tests.benchmarks.callers import Answer, once_each, one_after_the_other, percentile
from tests.benchmarks.contenders import gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import stub_upstream

LATENCY_S = 0.05
CONCURRENCY = 10
ALLOWED_S = CONCURRENCY / LATENCY_S
CALLERS = 200
PAGES = 2000
TIMES_TOO_MANY = 5
OVERLOAD_DEADLINE_S = 1.0
GRACE_MS = 50.0
LIMIT_S = 60.0
DEADLINE_S = 8.0


def misses() -> list[Line]:
    """Measure 200 callers who want the next page as soon as they have one."""
    answers, rate = _as_allowed()
    slowest = max(answer.ms for answer in answers)
    good = sum(answer.status == 200 for answer in answers)
    return [
        Line("misses", "throughput", rate, "/s", "allowed", ALLOWED_S, at_least=0.95),
        Line("misses", "good answers", 100 * good / len(answers), "%", at_least=100),
        Line("misses", "slowest answer", slowest, "ms", at_most=DEADLINE_S * 1000),
    ]


def overload() -> list[Line]:
    """Measure 2,000 pages that are asked for at five times the rate that the budget allows."""
    _, peak = _as_allowed()
    deadline = {"isales.deadline_s": f"{OVERLOAD_DEADLINE_S:g}", "isales.read_timeout_s": "0.5"}
    with stub_upstream(LATENCY_S) as upstream, gateway(upstream.url, deadline) as ours:
        answers = once_each(ours.port, _paths("over"), TIMES_TOO_MANY * ALLOWED_S, LIMIT_S)
    good = [answer for answer in answers if answer.status == 200]
    refused = [answer.ms for answer in answers if answer.status in {503, 504}]
    if not good or not refused:
        raise NotMeasured(f"{len(good):,} answers were good and {len(refused):,} refused: that is no overload.")
    return [
        Line("overload", "goodput", _rate(good), "/s", "as many as allowed", peak, at_least=0.8),
        Line("overload", "answered", 100 * (len(good) + len(refused)) / len(answers), "%", at_least=100),
        Line("overload", "refusals, p50", percentile(refused, 50), "ms"),
        Line("overload", "slowest refusal", max(refused), "ms", at_most=OVERLOAD_DEADLINE_S * 1000 + GRACE_MS),
        Line("overload", "slowest good answer", max(answer.ms for answer in good), "ms"),
    ]


def _as_allowed() -> tuple[list[Answer], float]:
    """Return the answers to 200 callers, one page after the other, and the rate of the good ones a second."""
    pages = int(ALLOWED_S * max(2, EFFORT.seconds))
    with stub_upstream(LATENCY_S) as upstream, gateway(upstream.url, {"isales.deadline_s": f"{DEADLINE_S:g}"}) as ours:
        answers = one_after_the_other(ours.port, _paths("page")[:pages], CALLERS, LIMIT_S)
    good = [answer for answer in answers if answer.status == 200]
    if not good:
        raise NotMeasured("Not one page came.")
    return answers, _rate(good)


def _rate(good: list[Answer]) -> float:
    return len(good) / (max(answer.ended for answer in good) - min(answer.began for answer in good))


def _paths(name: str) -> list[str]:
    return [f"/campaigns?name={name}-{number:05d}" for number in range(PAGES)]
