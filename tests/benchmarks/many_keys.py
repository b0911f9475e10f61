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
LIMIT_S = 300.0
MEBIBYTE = 1024 * 1024
ALL_FIT_BYTES = 1024 * MEBIBYTE
BOUND_BYTES = 32 * MEBIBYTE
MORE_THAN_FIT = 35_000


def many_keys() -> list[Line]:
    """Measure throughput with room for all pages; then memory with less room than the pages need."""
    return [*_throughput(), *(_memory() if EFFORT.keys >= MORE_THAN_FIT else [])]


def _throughput() -> list[Line]:
    with stub_upstream() as upstream, gateway(upstream.url, _settings(ALL_FIT_BYTES)) as ours:
        _fetch(ours, 0, EFFORT.keys)
        fetched = upstream.calls()
        loads = interleaved({"many": partial(_load, ours, EFFORT.keys), "few": partial(_load, ours, FEW)})
        if upstream.calls() != fetched:
            raise NotMeasured("The gateway did not keep all pages, so that it is not hits that were measured.")
    many, few = loads["many"], loads["few"]
    return [
        Line(
            "many-keys",
            f"{EFFORT.keys:,} keys",
            many.requests_s,
            "/s",
            f"with {FEW} keys",
            few.requests_s,
            at_least=0.9,
        ),
        Line("many-keys", f"{EFFORT.keys:,} keys, p99", many.p99_ms, "ms", f"with {FEW} keys", few.p99_ms),
    ]


def _memory() -> list[Line]:
    with stub_upstream() as upstream, gateway(upstream.url, _settings(BOUND_BYTES)) as ours:
        # What threads and libraries take is no page.
        _fetch(ours, 0, FEW)
        before = resident_bytes(ours.process)
        _fetch(ours, FEW, MORE_THAN_FIT)
        grown = resident_bytes(ours.process) - before
        fetched = upstream.calls()
        _fetch(ours, 0, 1)
        if upstream.calls() == fetched:
            raise NotMeasured("The gateway still has its oldest page, so that the pages do not fill max_bytes.")
    bound = BOUND_BYTES / MEBIBYTE
    return [Line("many-keys", "memory grown by", grown / MEBIBYTE, "MiB", "max_bytes", bound, at_most=1.2)]


def _settings(max_bytes: int) -> dict[str, str]:
    return {"cache.fresh_s": "86400", "cache.max_bytes": str(max_bytes), "isales.concurrency": str(CALLERS)}


def _fetch(ours: Contender, first: int, end: int) -> None:
    """Ask for the pages of the keys from `first` up to `end`, once each."""
    paths = (f"/campaigns?name=k{number:07d}" for number in range(first, end))
    good = sum(answer.status == 200 for answer in one_after_the_other(ours.port, paths, CALLERS, LIMIT_S))
    if good < end - first:
        raise NotMeasured(f"Only {good:,} of {end - first:,} pages came within {LIMIT_S:.0f} seconds.")


def _load(ours: Contender, keys: int) -> Load:
    return wrk(ours.url, None, FOLDER / "keys.lua", str(keys))
