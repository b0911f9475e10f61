"""Rows `misses` and `overload`: ever new pages, as many as the budget of calls allows, and five times as many."""

import time
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.benchmarks.callers import Answer, once_each, one_after_the_other, percentile
from tests.benchmarks.contenders import Contender, gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import Upstream, stub_upstream

LATENCY_S = 0.05
CONCURRENCY = 10
ALLOWED_S = CONCURRENCY / LATENCY_S
CALLERS = 200
PAGES = int(ALLOWED_S * max(2, EFFORT.seconds))
OVERLOAD_PAGES = 2000
TIMES_TOO_MANY = 5
DEADLINE_S = 8.0
GRACE_MS = 50.0
LIMIT_S = 60.0
SETTINGS = {"isales.concurrency": str(CONCURRENCY), "isales.deadline_s": f"{DEADLINE_S:g}"}


def misses() -> list[Line]:
    """Measure 200 callers who want the next page as soon as they have one."""
    with stub_upstream(LATENCY_S) as upstream, gateway(upstream.url, SETTINGS) as ours:
        bare = _bare_rate(upstream)
        answers, rate = _as_allowed(ours)
    good = sum(answer.status == 200 for answer in answers)
    return [
        Line("misses", "throughput", rate, "/s", "allowed", ALLOWED_S, at_least=0.95),
        Line("misses", "throughput", rate, "/s", f"{CONCURRENCY} bare sessions", bare),
        Line("misses", "good answers", 100 * good / len(answers), "%", at_least=100),
        Line("misses", "slowest answer", max(answer.ms for answer in answers), "ms", at_most=DEADLINE_S * 1000),
    ]


def overload() -> list[Line]:
    """Measure 2,000 pages that are asked for at five times the rate that the budget allows."""
    with stub_upstream(LATENCY_S) as upstream, gateway(upstream.url, SETTINGS) as ours:
        _, peak = _as_allowed(ours)
        answers = once_each(ours.port, _paths("over", OVERLOAD_PAGES), TIMES_TOO_MANY * ALLOWED_S, LIMIT_S)
    good = [answer for answer in answers if answer.status == 200]
    refused = [answer.ms for answer in answers if answer.status in {503, 504}]
    if not good:
        raise NotMeasured("Not one page came.")
    return [
        Line("overload", "goodput", _rate(good), "/s", "as many as allowed", peak, at_least=0.8),
        Line("overload", "answered", 100 * (len(good) + len(refused)) / len(answers), "%", at_least=100),
        Line("overload", "refused", 100 * len(refused) / len(answers), "%"),
        Line("overload", "refusals, p50", percentile(refused, 50), "ms"),
        Line(
            "overload",
            "slowest answer",
            max(answer.ms for answer in answers),
            "ms",
            at_most=DEADLINE_S * 1000 + GRACE_MS,
        ),
    ]


def _as_allowed(ours: Contender) -> tuple[list[Answer], float]:
    """Return the answers to 200 callers, one page after the other, and the rate of the good ones a second."""
    answers = one_after_the_other(ours.port, _paths("page", PAGES), CALLERS, LIMIT_S)
    good = [answer for answer in answers if answer.status == 200]
    if not good:
        raise NotMeasured("Not one page came.")
    return answers, _rate(good)


def _bare_rate(upstream: Upstream) -> float:
    """Return how many pages a second as many sessions get as calls are allowed at once."""
    each = PAGES // CONCURRENCY

    def ask(number: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for page in range(each):
                session.get(f"{upstream.url}/campaigns?name=bare-{number}-{page}", timeout=10).raise_for_status()

    began = time.monotonic()
    with ThreadPoolExecutor(CONCURRENCY) as sessions:
        list(sessions.map(ask, range(CONCURRENCY)))
    return each * CONCURRENCY / (time.monotonic() - began)


def _rate(good: list[Answer]) -> float:
    return len(good) / (max(answer.ended for answer in good) - min(answer.began for answer in good))


def _paths(name: str, pages: int) -> list[str]:
    return [f"/campaigns?name={name}-{number:05d}" for number in range(pages)]
