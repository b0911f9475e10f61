"""Row `herd`: a thousand callers at once for one page that nobody has, in front of two workers that share a Redis."""

import statistics

from tests.benchmarks.callers import Answer, at_once
from tests.benchmarks.contenders import gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.processes import BOTH_CORES
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import redis, simulator
from tests.support.redis_cluster import redis_cluster

CALLERS = 1000
LATENCY_S = 0.5
LIMIT_S = 15.0


def herd() -> list[Line]:
    """Measure one herd a round, each for a page of its own; the worst round counts, for times the median."""
    with redis() as shared:
        lines = _herds("herd", shared.url)
    with redis_cluster(replicas=False) as cluster:
        return [*lines, *_herds("herd, cluster", cluster.url.reveal())]


def _herds(row: str, shared_url: str) -> list[Line]:
    calls, good, spreads, hits = [], [], [], []
    with (
        simulator(LATENCY_S) as upstream,
        gateway(upstream.url, {"cache.shared_url": shared_url}, workers=2, cores=BOTH_CORES) as ours,
    ):
        for number in range(EFFORT.rounds):
            before = upstream.calls()
            path = f"/campaigns?page_size={10 + number}"
            answers = at_once(ours.port, path, CALLERS, LIMIT_S)
            calls.append(upstream.calls() - before)
            good.append(sum(answer.status == 200 for answer in answers))
            spreads.append(_spread_ms(answers))
            hits.append(_spread_ms(at_once(ours.port, path, CALLERS, LIMIT_S)))
    return [
        Line(row, "upstream calls", max(calls), "", at_least=1, at_most=1),
        Line(row, f"good answers of {CALLERS:,}", min(good), "", at_least=CALLERS),
        Line(row, "last answer after the first", statistics.median(spreads), "ms", at_most=100),
        Line(row, "the same for as many hits at once", statistics.median(hits), "ms"),
    ]


def _spread_ms(answers: list[Answer]) -> float:
    ends = [answer.ended for answer in answers]
    return (max(ends) - min(ends)) * 1000
