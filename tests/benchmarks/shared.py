"""Rows `shared` and `cluster-hangs`: what a cluster costs beside one Redis, and whether a hit in memory knows of it."""

import contextlib
import statistics
import time
from collections.abc import Iterator

import requests

from tests.benchmarks.contenders import API_KEY, Contender, gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.load import interleaved, wrk
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import stub_upstream
from tests.support.redis_cluster import redis_cluster
from tests.support.redis_server import redis_server

PAIRS_A_ROUND = 100
HOT = "/campaigns?page_size=10"
SETTINGS = {"cache.fresh_s": "3600"}
NOTICED_S = 3.0
"""So long after all nodes began to hang it is known to whoever shares by them."""


def shared() -> list[Line]:
    """Measure misses and shared hits of two processes with one Redis and of two with a cluster, in turn.

    One caller asks one process for a page that nobody has, and then the other one, which finds it in Redis.
    """
    took: dict[tuple[str, str], list[float]] = {}
    with stub_upstream() as upstream, _plain_and_cluster(upstream.url) as pairs, requests.Session() as session:
        session.trust_env = False
        for number in range(-10, EFFORT.rounds * PAIRS_A_ROUND):
            for name, pair in pairs.items():
                path = f"/campaigns?name={name}-{number}"
                for what, one in zip(("miss", "hit"), pair, strict=True):
                    ms = _ms(session, one, path, what)
                    # The first ones make connections, and have the scripts loaded.
                    if number >= 0:
                        took.setdefault((what, name), []).append(ms)
    medians = {both: statistics.median(times) for both, times in took.items()}
    return [
        Line(
            "shared",
            f"a {words} by a cluster",
            medians[what, "cluster"],
            "ms",
            "one Redis",
            medians[what, "plain"],
            at_most=most,
        )
        for what, words, most in (("hit", "shared hit", 1.15), ("miss", "miss", 1.1))
    ]


def cluster_hangs() -> list[Line]:
    """Measure a fresh page in memory, by turns of a gateway whose cluster hangs and of one without a shared cache."""
    with (
        redis_cluster(replicas=False) as cluster,
        stub_upstream() as upstream,
        gateway(upstream.url, {**SETTINGS, "cache.shared_url": cluster.url.reveal()}) as ours,
        gateway(upstream.url, SETTINGS) as alone,
    ):
        for one in (ours, alone):
            one.get(HOT).raise_for_status()
        for node in cluster.nodes:
            node.pause()
        try:
            time.sleep(NOTICED_S)
            loads = interleaved({"hanging": lambda: wrk(ours.url + HOT), "alone": lambda: wrk(alone.url + HOT)})
        finally:
            for node in cluster.nodes:
                node.resume()
    hanging, peer = loads["hanging"], loads["alone"]
    return [
        Line("cluster-hangs", "hits beside it", hanging.requests_s, "/s", "without", peer.requests_s, at_least=0.98),
        Line("cluster-hangs", "hits beside it, p99", hanging.p99_ms, "ms", "without", peer.p99_ms),
    ]


@contextlib.contextmanager
def _plain_and_cluster(upstream: str) -> Iterator[dict[str, tuple[Contender, Contender]]]:
    with redis_server() as plain, redis_cluster(replicas=False) as cluster, contextlib.ExitStack() as stack:

        def pair(url: str) -> tuple[Contender, Contender]:
            settings = {**SETTINGS, "cache.shared_url": url}
            one, two = (stack.enter_context(gateway(upstream, settings)) for _ in range(2))
            return one, two

        yield {"plain": pair(plain.url.reveal()), "cluster": pair(cluster.url.reveal())}


def _ms(session: requests.Session, one: Contender, path: str, expected: str) -> float:
    began = time.perf_counter()
    answer = session.get(one.url + path, headers={"X-API-Key": API_KEY}, timeout=10)
    took = (time.perf_counter() - began) * 1000
    status = answer.headers["Cache-Status"]
    if ("fwd=miss" in status) != (expected == "miss"):
        raise NotMeasured(f"A {expected} was expected, and {status!r} came.")
    return took
