"""Row `many-keys`: 100,000 pages against 100, and the memory that pages may hold."""

from functools import partial

from tests.benchmarks.callers import one_after_the_other
from tests.benchmarks.contenders import FOLDER, Contender, gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.load import Load, interleaved, wrk
from tests.benchmarks.processes import NotMeasured, resident_bytes
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import stub_upstream

FEW = 100
CALLERS = 32
LIMIT_S = 600.0
MEBIBYTE = 1024 * 1024
BYTES_A_KEY = 5000
"""With so much of `cache.max_bytes` for each key all pages fit, but not a fifth more of them."""

MORE = 5
BOUND_FROM_BYTES = 64 * MEBIBYTE
"""Below that, what threads and libraries take weighs too much."""


def many_keys() -> list[Line]:
    """Measure throughput where all pages just fit; then memory after more of them than fit."""
    bound = EFFORT.keys * BYTES_A_KEY
    settings = {
        "cache.fresh_s": "86400",
        "cache.max_bytes": str(bound),
        "isales.concurrency": str(CALLERS),
    }
    with stub_upstream() as upstream, gateway(upstream.url, settings) as ours:
        # What threads and libraries take is no page.
        _fetch(ours, 0, FEW)
        before = resident_bytes(ours.process)
        _fetch(ours, FEW, EFFORT.keys)
        fetched = upstream.calls()
        loads = interleaved({"many": partial(_load, ours, EFFORT.keys), "few": partial(_load, ours, FEW)})
        if upstream.calls() != fetched:
            raise NotMeasured("The gateway did not keep all pages, so that it is not hits that were measured.")
        lines = _throughput(loads["many"], loads["few"])
        if bound >= BOUND_FROM_BYTES:
            lines.append(_memory(ours, before, bound))
    return lines


def _throughput(many: Load, few: Load) -> list[Line]:
    keys, peer = f"{EFFORT.keys:,} keys", f"with {FEW} keys"
    return [
        Line("many-keys", keys, many.requests_s, "/s", peer, few.requests_s, at_least=0.9),
        Line("many-keys", f"{keys}, p99", many.p99_ms, "ms", peer, few.p99_ms),
    ]


def _memory(ours: Contender, before: int, bound: int) -> Line:
    _fetch(ours, EFFORT.keys, EFFORT.keys + EFFORT.keys // MORE)
    grown = resident_bytes(ours.process) - before
    if "campaign_gateway_cache_evicted_pages_total 0.0" in ours.get("/metrics").text.splitlines():
        raise NotMeasured("The gateway still has all pages, so that they do not fill max_bytes.")
    return Line("many-keys", "memory grown by", grown / MEBIBYTE, "MiB", "max_bytes", bound / MEBIBYTE, at_most=1.2)


def _fetch(ours: Contender, first: int, end: int) -> None:
    """Ask for the pages of the keys from `first` up to `end`, once each."""
    paths = (f"/campaigns?name=k{number:07d}" for number in range(first, end))
    good = sum(answer.status == 200 for answer in one_after_the_other(ours.port, paths, CALLERS, LIMIT_S))
    if good < end - first:
        raise NotMeasured(f"Only {good:,} of {end - first:,} pages came within {LIMIT_S:.0f} seconds.")


def _load(ours: Contender, keys: int) -> Load:
    return wrk(ours.url, None, FOLDER / "keys.lua", str(keys))
