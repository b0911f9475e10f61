"""`python -m tests.benchmarks.failovers`: what callers of two gateways see, second by second, while a master changes.

The gateways are processes of their own that share a master with Sentinels, or a cluster; the callers are those of the
tests of faults. CC-iSales is to have no more calls at once than the budget, and what a lost master held of it.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from tests.benchmarks.machine import description
from tests.benchmarks.table import drawn
from tests.support.redis_cluster import redis_cluster
from tests.support.redis_engines import REDIS_7, engine
from tests.support.redis_sentinels import SERVICE, redis_sentinels
from tests.support.redis_server import RedisServer
from tests.support.sharing_gateways import CONCURRENCY, SharingGateways, sharing_gateways

CALM_S: Final = 3
WATCHED_S: Final = 18
BACK_AT_S: Final = 10
"""When a master that was killed comes back, in seconds after its end."""
HEADINGS: Final = ("second", "", "answers", "not good", "slowest", "calls", "at once", "fetched once")

Steps = Mapping[int, tuple[str, Callable[[], object]]]
"""What is done when, in seconds after the calm, with the words for it."""


def _lost(master: RedisServer) -> Steps:
    return {0: ("master killed", master.kill), BACK_AT_S: ("it comes back", master.start)}


@contextmanager
def of_sentinels(*, planned: bool) -> Iterator[tuple[SharingGateways, Steps]]:
    """Have gateways that share a master with Sentinels, and what is to be done to it."""
    with redis_sentinels(engine(REDIS_7)) as sentinels, sharing_gateways(sentinels.url) as pair:
        moved = ("SENTINEL FAILOVER", lambda: sentinels.ask(sentinels.sentinels[0], "SENTINEL", "FAILOVER", SERVICE))
        yield pair, {0: moved} if planned else _lost(sentinels.master())


@contextmanager
def of_a_cluster(*, planned: bool) -> Iterator[tuple[SharingGateways, Steps]]:
    """Have gateways that share a cluster, and what is to be done to the node that has the call budget."""
    with (
        redis_cluster(engine(REDIS_7), ("--cluster-require-full-coverage", "no")) as cluster,
        sharing_gateways(cluster.url) as pair,
    ):
        master = cluster.master_of(pair.tag)
        replica = cluster.replica_of(master)
        moved = ("CLUSTER FAILOVER", lambda: cluster.ask(replica, "CLUSTER", "FAILOVER"))
        yield pair, {0: moved} if planned else _lost(master)


FAILOVERS: Final = {
    "sentinel-planned": lambda: of_sentinels(planned=True),
    "sentinel-killed": lambda: of_sentinels(planned=False),
    "cluster-planned": lambda: of_a_cluster(planned=True),
    "cluster-killed": lambda: of_a_cluster(planned=False),
}


def timeline(pair: SharingGateways, steps: Steps) -> str:
    """Return the table of one failover."""
    pair.wait_until_shared()
    calls, rows = pair.simulator.calls, [HEADINGS]
    with pair.callers() as callers, callers.in_a_hurry():
        callers.wait_for(3)
        began = time.monotonic() + CALM_S
        for second in range(-CALM_S, WATCHED_S):
            done, do = steps.get(second, ("", lambda: None))
            seen = len(callers.answers), len(callers.pairs)
            calls.reset()
            do()
            time.sleep(max(0.0, began + second + 1 - time.monotonic()))
            counted = calls.snapshot()
            answers, pairs = callers.answers[seen[0] :], callers.pairs[seen[1] :]
            rows.append(
                (
                    str(second),
                    done,
                    str(len(answers)),
                    str(sum(not answer.good for answer in answers)),
                    f"{max((answer.took_s for answer in answers), default=0) * 1000:.0f} ms",
                    str(counted["total"]),
                    f"{counted['max_in_flight']} of {CONCURRENCY}",
                    f"{sum(once for _, once in pairs)} of {len(pairs)}",
                )
            )
    return drawn(rows)


def main(environ: Mapping[str, str]) -> int:
    """Go through those of `FAILOVERS` that the variable of that name asks for, and print what came of each."""
    names = environ.get("FAILOVERS", "").split() or list(FAILOVERS)
    if unknown := [name for name in names if name not in FAILOVERS]:
        raise SystemExit(f"FAILOVERS has {unknown[0]!r}; there are: {', '.join(FAILOVERS)}.")
    described = description([])
    for name in names:
        with FAILOVERS[name]() as (pair, steps):
            sys.stdout.write(f"\n{name}\n\n{timeline(pair, steps)}\n")
            sys.stdout.flush()
    sys.stdout.write(f"\n{REDIS_7}; {datetime.now(UTC):%Y-%m-%d}.\n{described}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
