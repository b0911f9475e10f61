"""Row `two-cores`: how hits scale with processes, each on a core of its own with the load that it is under."""

import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.benchmarks.contenders import Contender, gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.load import wrk
from tests.benchmarks.processes import LOAD_CORE, SERVER_CORE, NotMeasured, processor_s
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import stub_upstream
from tests.support.redis_cluster import redis_cluster

HOT = "/campaigns?page_size=10"
CORES = (SERVER_CORE, LOAD_CORE)


def two_cores() -> list[Line]:
    """Measure a fresh page of one process on one core, then of two that share a cluster, on two, by turns.

    wrk shares the core of the process that it asks, so that one core less is half of everything. Redis and CC-iSales
    have nothing to do meanwhile. Where others use the cores too, what tells is hits for a second of processor.
    """
    if SERVER_CORE == LOAD_CORE:
        raise NotMeasured("There is one core only.")
    alone, together = [], []
    with redis_cluster(replicas=False) as cluster, stub_upstream() as upstream, ExitStack() as stack:
        settings = {"cache.fresh_s": "3600", "cache.shared_url": cluster.url.reveal()}
        pair = [(stack.enter_context(gateway(upstream.url, settings, cores=core)), core) for core in CORES]
        for _ in range(EFFORT.rounds):
            lone = [_hits([one]) for one in pair]
            alone.append((statistics.mean(hits for hits, _ in lone), statistics.mean(cost for _, cost in lone)))
            together.append(_hits(pair))
    (one, two), (one_each, two_each) = (
        [statistics.median(run[column] for run in runs) for runs in (alone, together)] for column in (0, 1)
    )
    return [
        Line("two-cores", "hits of two processes", two, "/s", "one", one, at_least=1.8),
        Line("two-cores", "for a second of processor", two_each, "", "one", one_each, at_least=0.95),
    ]


def _hits(pair: Sequence[tuple[Contender, str]]) -> tuple[float, float]:
    """Return the hits a second of all of `pair` at once, and how many there are for a second of their processors."""
    before = processor_s(one.process for one, _ in pair)
    with ThreadPoolExecutor(len(pair)) as pool:
        hits = sum(pool.map(lambda of: wrk(of[0].url + HOT, core=of[1]).requests_s, pair))
    return hits, hits * EFFORT.seconds / (processor_s(one.process for one, _ in pair) - before)
