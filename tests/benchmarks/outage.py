"""Row `outage`: CC-iSales is gone, and 200 pages that callers know are past their freshness."""

import re
import time
from collections.abc import Callable, Sequence

from tests.benchmarks.callers import Answer, one_after_the_other, percentile
from tests.benchmarks.contenders import gateway
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import Upstream, simulator

WARM = [f"/campaigns?page_size={size}{status}" for size in range(1, 101) for status in ("", "&status=running")]
COLD = [f"/campaigns?name=cold-{number}" for number in range(100)]
CALLERS = 16
LIMIT_S = 30.0
FRESH_S = 1.0
REVALIDATE_S = 0.5
SETTINGS = {
    "cache.fresh_s": f"{FRESH_S:g}",
    "cache.stale_while_revalidate_s": f"{REVALIDATE_S:g}",
    "cache.stale_if_error_s": "600",
    # A hanging upstream would else take minutes to measure.
    "isales.read_timeout_s": "1.0",
    "isales.deadline_s": "2.0",
}
STALE = re.compile(r"campaign-gateway; hit; ttl=-\d+")


def outage() -> list[Line]:
    """Measure with connections refused, and with an upstream that accepts and never answers."""
    return [*_without("refused", Upstream.refuse), *_without("hanging", Upstream.hang)]


def _without(how: str, fail: Callable[[Upstream], None]) -> list[Line]:
    with simulator() as upstream, gateway(upstream.url, SETTINGS) as ours:
        warmed = one_after_the_other(ours.port, WARM, CALLERS, LIMIT_S)
        if any(answer.status != 200 for answer in warmed):
            raise NotMeasured("Not all pages could be fetched while CC-iSales was well.")
        fail(upstream)
        time.sleep(FRESH_S + REVALIDATE_S + 0.5)
        warm = one_after_the_other(ours.port, WARM, CALLERS, LIMIT_S)
        cold = one_after_the_other(ours.port, COLD, CALLERS, LIMIT_S)
    row = f"outage, {how}"
    good = [answer for answer in warm if answer.status == 200]
    stale = [answer for answer in good if STALE.match(answer.header("cache-status"))]
    problems = [answer for answer in cold if answer.status in {502, 503, 504}]
    return [
        Line(row, "known pages answered 200", _share(good, len(WARM)), "%", at_least=100),
        Line(row, "known pages marked stale", _share(stale, len(WARM)), "%", at_least=100),
        Line(row, "known pages, p50", percentile([answer.ms for answer in warm], 50), "ms"),
        Line(row, "known pages, p99", percentile([answer.ms for answer in warm], 99), "ms"),
        Line(row, "unknown pages answered 502 to 504", _share(problems, len(COLD)), "%", at_least=100),
        Line(row, "unknown pages, p99", percentile([answer.ms for answer in cold], 99), "ms", at_most=50),
    ]


def _share(answers: Sequence[Answer], of: int) -> float:
    return 100 * len(answers) / of
