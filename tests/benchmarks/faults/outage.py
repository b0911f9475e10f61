"""Part `outage`: a minute of it under steady load, with the circuit breaker and as if there were none."""

import time
from collections.abc import Mapping

from tests.benchmarks.callers import Answer, paced, percentile
from tests.benchmarks.contenders import gateway
from tests.benchmarks.faults.settings import WITHOUT_BREAKER
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.scenarios.upstream.fault_behaviours import Behave, answers, resets_after
from tests.scenarios.upstream.raw_server import RawServer

PER_S = 20
CALLERS = 40
GOOD_S = 20
OUTAGE_S = 60
MOST_ATTEMPTS = 1.1

FAILING: Mapping[str, Behave] = {"503": answers(b"", "503 Service Unavailable"), "resets": resets_after(b"")}


def outage() -> list[Line]:
    """Measure attempts at the other end for each call that callers needed."""
    return [
        line
        for how, behave in FAILING.items()
        for settings, breaker in ((WITHOUT_BREAKER, "no breaker"), ({}, "breaker"))
        for line in _without(f"outage, {how}, {breaker}", behave, settings)
    ]


def _without(row: str, behave: Behave, settings: Mapping[str, str]) -> list[Line]:
    with RawServer() as upstream, gateway(upstream.url, settings) as ours:
        well = paced(ours.port, _paths("well", GOOD_S), CALLERS, PER_S)
        if any(answer.status != 200 for answer in well):
            raise NotMeasured("Not all pages could be fetched while CC-iSales was well.")
        upstream.usually = behave(upstream)
        before = len(upstream.requests)
        began = time.monotonic()
        answers = paced(ours.port, _paths("ill", OUTAGE_S), CALLERS, PER_S)
        seconds = time.monotonic() - began
        attempts = len(upstream.requests) - before
    calls = len(answers)
    if calls != PER_S * OUTAGE_S or any(not _is_problem(answer) for answer in answers):
        raise NotMeasured("Not every caller was told what is wrong.")
    return [
        Line(row, f"attempts for {calls} calls in {seconds:.0f} s", attempts, ""),
        Line(row, "attempts a call", attempts / calls, "", at_most=MOST_ATTEMPTS),
        Line(row, "callers' answers, p99", percentile([answer.ms for answer in answers], 99), "ms"),
    ]


def _paths(name: str, seconds: int) -> list[str]:
    return [f"/campaigns?name={name}-{number}" for number in range(PER_S * seconds)]


def _is_problem(answer: Answer) -> bool:
    return answer.status in {502, 503, 504}
