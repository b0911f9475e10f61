"""Row `export`: 100,000 campaigns in one file, from a CC-iSales that takes 50 ms, and callers beside it."""

import contextlib
import math
import sys
import threading
import time
from collections.abc import Iterator

import requests

from tests.benchmarks.contenders import API_KEY, Contender, gateway
from tests.benchmarks.long_list import CAMPAIGNS, LATENCY_S
from tests.benchmarks.processes import MEBIBYTE, NotMeasured, running, usage
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import accepts
from tests.support.server import free_port

CONCURRENCY = 10
ALLOWED_S = CAMPAIGNS / 100 / CONCURRENCY * LATENCY_S
PAUSE_S = 0.1
ALONE = 50
LIMIT_S = 120.0


@contextlib.contextmanager
def _long_list() -> Iterator[str]:
    port = free_port()
    with running([sys.executable, "-m", "tests.benchmarks.long_list", str(port)], lambda: accepts(port)):
        yield f"http://127.0.0.1:{port}"


def export() -> list[Line]:
    """Measure how long the file takes, what memory, and how long callers wait for pages of their own meanwhile."""
    with _long_list() as upstream, gateway(upstream, {"isales.concurrency": str(CONCURRENCY)}) as ours:
        alone = [_miss(ours, f"alone-{number}") for number in range(ALONE)]
        before = usage(ours.process)
        took: list[float] = []
        reader = threading.Thread(target=_download, args=(ours, took))
        reader.start()
        beside: list[float] = []
        while reader.is_alive():
            beside.append(_miss(ours, f"beside-{len(beside)}"))
            time.sleep(PAUSE_S)
        reader.join()
        after = usage(ours.process)
    if not took:
        raise NotMeasured("The export failed.")
    grown = (after.most_resident_bytes - before.resident_bytes) / MEBIBYTE
    return [
        Line("export", f"{CAMPAIGNS:,} campaigns", took[0], "s", "the call budget", ALLOWED_S, at_most=1.15),
        Line("export", "memory that it takes at most", grown, "MiB", at_most=50),
        Line("export", "misses beside it, p99", _p99(beside), "ms", "alone", _p99(alone), at_most=1.5),
    ]


def _miss(ours: Contender, name: str) -> float:
    began = time.perf_counter()
    answer = requests.get(f"{ours.url}/campaigns?name={name}", headers={"X-API-Key": API_KEY}, timeout=LIMIT_S)
    answer.raise_for_status()
    return (time.perf_counter() - began) * 1000


def _download(ours: Contender, took: list[float]) -> None:
    began = time.perf_counter()
    answer = requests.get(
        f"{ours.url}/campaigns/export",
        headers={"X-API-Key": API_KEY, "Accept-Encoding": "identity"},
        timeout=LIMIT_S,
    )
    if answer.ok and answer.content.count(b"\n") == CAMPAIGNS:
        took.append(time.perf_counter() - began)


def _p99(times: list[float]) -> float:
    return sorted(times)[math.ceil(len(times) * 0.99) - 1]
