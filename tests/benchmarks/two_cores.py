"""Row `two-cores`: how hits scale with processes, each on a core of its own with the load that it is under."""

import statistics
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.benchmarks.contenders import gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.load import wrk
from tests.benchmarks.processes import LOAD_CORE, SERVER_CORE, NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import stub_upstream
from tests.support.redis_cluster import redis_cluster

HOT = "/campaigns?page_size=10"
CORES = (SERVER_CORE, LOAD_CORE)


def two_cores() -> list[Line]:
    """Measure a fresh page of one process on one core, then of two that share a cluster, on two, by turns.

    wrk shares the core of the process that it asks, so that one core less is half of everything. Redis and CC-iSales
    have nothing to do meanwhile. Of all rounds the middle one, by what two answer together against one of them alone.
    """
    if SERVER_CORE == LOAD_CORE:
        raise NotMeasured("There is one core only.")
    alone, together = [], []
    with redis_cluster(replicas=False) as cluster, stub_upstream() as upstream, ExitStack() as stack:
        settings = {"cache.fresh_s": "3600", "cache.shared_url": cluster.url.reveal()}
        urls = [stack.enter_context(gateway(upstream.url, settings, cores=core)).url + HOT for core in CORES]
        with ThreadPoolExecutor(len(CORES)) as pool:
            for _ in range(EFFORT.rounds):
                alone.append(statistics.mean(map(_hits, urls, CORES)))
                together.append(sum(pool.map(_hits, urls, CORES)))
    ratios = sorted(range(len(alone)), key=lambda number: together[number] / alone[number])
    middle = ratios[len(ratios) // 2]
    return [Line("two-cores", "hits of two processes", together[middle], "/s", "one", alone[middle], at_least=1.8)]


def _hits(url: str, core: str) -> float:
    return wrk(url, core=core).requests_s
