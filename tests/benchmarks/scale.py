"""`python -m tests.benchmarks.scale`: more and more processes that share one Redis cluster of three masters.

The trend is the result. All runs on one machine, so that hits a second end where its cores do: what tells is how many
there are for each second of processor, which is what one more core would add.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import requests

from tests.benchmarks.__main__ import get_ready
from tests.benchmarks.callers import Answer, one_after_the_other
from tests.benchmarks.contenders import Contender, gateway
from tests.benchmarks.debian import install_missing
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.load import wrk
from tests.benchmarks.machine import description
from tests.benchmarks.processes import BOTH_CORES, NotMeasured, processor_s
from tests.benchmarks.table import drawn, number
from tests.benchmarks.upstreams import Upstream, simulator
from tests.support.redis_cluster import RedisCluster, redis_cluster

CONCURRENCY = 10
LATENCY_S = 0.2
CALLERS = 40
LIMIT_S = 60.0
_OURS = frozenset({"auth", "client", "cluster", "command", "hello", "info", "ping", "select"})
"""Commands that this looks at things by, and of connecting."""

HEADINGS = (
    "processes",
    "hits a second",
    "for a second of processor",
    "Redis commands a hit",
    "calls a page that all ask for at once",
    "Redis commands a miss",
    "bytes a miss, in and out",
    "Redis commands a page that another process has",
    "bytes of it, in and out",
    "misses a second, more than the budget allows",
    "most calls at once",
    "Redis commands a miss then",
    "Redis commands a second when idle, each",
)


@dataclass(frozen=True)
class Redis:
    """What the masters have been asked for since they began: commands, those inside of scripts too, and bytes."""

    commands: int
    bytes: int

    def __sub__(self, before: "Redis") -> "Redis":
        return Redis(self.commands - before.commands, self.bytes - before.bytes)


def asked_of(cluster: RedisCluster) -> Redis:
    """Return what all masters count."""
    commands = received = 0
    for node in cluster.nodes:
        with node.client() as client:
            for name, counted in client.info("commandstats").items():
                # From Redis 7 on subcommands count by themselves: `cmdstat_client|setinfo`.
                own = name.removeprefix("cmdstat_").partition("|")[0] in _OURS
                commands += 0 if own else counted["calls"]
            stats = client.info("stats")
            received += stats["total_net_input_bytes"] + stats["total_net_output_bytes"]
    return Redis(commands, received)


@contextmanager
def serving(processes: int, upstream: Upstream, cluster: RedisCluster) -> Iterator[list[Contender]]:
    """Have as many gateways of one worker, started side by side."""
    settings = {
        "cache.shared_url": str(cluster.url.reveal()),
        "cache.fresh_s": "3600",
        "isales.concurrency": str(CONCURRENCY),
        "http.drain_s": "0",
    }
    with ExitStack() as stack, ThreadPoolExecutor(processes) as pool:
        started = pool.map(
            lambda _: stack.enter_context(gateway(upstream.url, settings, cores=BOTH_CORES)), range(processes)
        )
        yield list(started)


def measured(processes: int, upstream: Upstream, cluster: RedisCluster) -> tuple[str, ...]:
    """Return the row of so many processes. Raises `NotMeasured` where a caller had anything else than a page."""
    with serving(processes, upstream, cluster) as gateways, ThreadPoolExecutor(processes) as pool:

        def each(what: Callable[[Contender], list[Answer]]) -> list[Answer]:
            answers = [answer for answers in pool.map(what, gateways) for answer in answers]
            if bad := [answer.status for answer in answers if answer.status != 200]:
                raise NotMeasured(f"{len(bad)} of {len(answers)} requests to {processes} processes failed: {bad[:3]}")
            return answers

        # All ask for the same pages in the same order, so that many come for a page at once.
        paths = [f"/campaigns?name=page-{processes}-{page}" for page in range(20 * EFFORT.seconds)]
        calls, before = upstream.calls(), asked_of(cluster)
        each(lambda one: one_after_the_other(one.port, paths, max(1, 8 // processes), LIMIT_S))
        calls = upstream.calls() - calls

        # One asks for pages that nobody has, then the others for the same.
        lone = [f"/campaigns?name=lone-{processes}-{page}" for page in range(20 * EFFORT.seconds)]
        before = asked_of(cluster)
        one_after_the_other(gateways[0].port, lone, 4, LIMIT_S)
        miss, before = asked_of(cluster) - before, asked_of(cluster)
        others = gateways[1:]
        for one in others:
            one_after_the_other(one.port, lone, 4, LIMIT_S)
        found = asked_of(cluster) - before

        before, spent = asked_of(cluster), processor_s(one.process for one in gateways)
        hits = sum(load.requests_s for load in pool.map(lambda one: wrk(one.url + paths[0]), gateways))
        spent, asked = processor_s(one.process for one in gateways) - spent, asked_of(cluster) - before

        idle, began = asked_of(cluster), time.monotonic()
        time.sleep(EFFORT.seconds)
        idle, idle_s = asked_of(cluster) - idle, time.monotonic() - began

        wanted = int(EFFORT.seconds * CONCURRENCY / LATENCY_S) // processes
        before, began = asked_of(cluster), time.monotonic()
        missed = each(
            lambda one: one_after_the_other(
                one.port, [f"/campaigns?name=miss-{one.port}-{n}" for n in range(wanted)], CALLERS // processes, LIMIT_S
            )
        )
        took, cost = time.monotonic() - began, asked_of(cluster) - before
    return (
        str(processes),
        number(hits),
        number(hits * EFFORT.seconds / spent),
        f"{asked.commands / (hits * EFFORT.seconds):.4f}",
        f"{calls / len(paths):.2f}",
        f"{miss.commands / len(lone):.1f}",
        number(miss.bytes / len(lone)),
        f"{found.commands / len(lone) / len(others):.1f}" if others else "",
        number(found.bytes / len(lone) / len(others)) if others else "",
        number(len(missed) / took),
        f"{most_at_once(upstream)} of {CONCURRENCY}",
        f"{cost.commands / len(missed):.1f}",
        f"{idle.commands / idle_s / processes:.1f}",
    )


def most_at_once(upstream: Upstream) -> int:
    """Return how many calls were under way at once, at most, since the simulator began."""
    most: int = requests.get(f"{upstream.url}/simulator/calls", timeout=5).json()["max_in_flight"]
    return most


def main(environ: Mapping[str, str]) -> int:
    """Measure with as many processes as `SCALE_PROCESSES` says, one number after the other, and print the table."""
    text = environ.get("SCALE_PROCESSES", "2 4 8")
    if not re.fullmatch(r"[1-9]\d?( [1-9]\d?)*", text):
        raise SystemExit(f"SCALE_PROCESSES is {text!r}; give numbers of processes from 1 to 99 with blanks between.")
    install_missing(["taskset", "wrk"])
    get_ready()
    described = description(["wrk"])
    rows: list[tuple[str, ...]] = [HEADINGS]
    for processes in map(int, text.split()):
        with redis_cluster(replicas=False) as cluster, simulator(LATENCY_S) as upstream:
            rows.append(measured(processes, upstream, cluster))
        sys.stderr.write(f"==> {processes} done, load {os.getloadavg()[0]:.1f}\n")
    # One column for each number of processes, which are fewer than what is measured.
    table = drawn(list(zip(*rows, strict=True)))
    sys.stdout.write(f"\n{table}\n\nRounds of {EFFORT.seconds} s; {datetime.now(UTC):%Y-%m-%d}.\n{described}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
