"""Rows `two-processes` and `purge`: pages of two processes with one Redis, where time never goes back."""

import contextlib
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import requests

from tests.benchmarks.contenders import API_KEY, Contender, earlier, gateway
from tests.benchmarks.effort import EFFORT
from tests.benchmarks.processes import BOTH_CORES
from tests.benchmarks.table import Line
from tests.benchmarks.upstreams import redis, stub_upstream
from tests.support.gateway import KEYS

PAGE = "/campaigns?name=version"
PER_S = 50.0
LATENCY_S = 0.02
SETTINGS = {"cache.fresh_s": "1", "isales.retry_budget": "0"}
_VERSION = re.compile(rb'"name":"v(\d+)"')

Served = tuple[float, float, int]
"""When a request began and ended (monotonic seconds), and the version of the page that it got."""


def two_processes() -> list[Line]:
    """Measure how many answers are older than one that was shown before it was asked for."""
    seconds = max(30.0, 20.0 * EFFORT.rounds)
    lines = []
    for name, start in (("gateway", _pair), ("earlier version", _earlier_pair)):
        with start() as pair:
            served = _read(pair, seconds)
        at_most = 0 if name == "gateway" else None
        lines.append(Line("two-processes", f"older than one before, {name}", older(served), "", at_most=at_most))
        lines.append(Line("two-processes", f"answers, {name}", len(served), ""))
    return lines


def purge() -> list[Line]:
    """Measure how many answers are older than a purge that was answered before they were asked for."""
    with _pair() as (one, two):
        served: list[Served] = []
        stop = threading.Event()
        threads = [threading.Thread(target=_ask, args=(it, 100.0, stop, served)) for it in (one, two)]
        for thread in threads:
            thread.start()
        purges = []
        for number in range(10 * EFFORT.rounds):
            time.sleep(0.3)
            newest = max((version for *_, version in served), default=0)
            url = (one, two)[number % 2].url
            requests.delete(f"{url}/cache?vdn=1", headers={"X-API-Key": KEYS["purger"]}, timeout=10).raise_for_status()
            purges.append((time.monotonic(), newest))
        stop.set()
        for thread in threads:
            thread.join()
    late = sum(any(began > when and version <= newest for when, newest in purges) for began, _, version in served)
    return [
        Line("purge", "answers from before a purge", late, "", at_most=0),
        Line("purge", "answers", len(served), ""),
    ]


def older(served: Sequence[Served]) -> int:
    """Return how many answers are of an older page than one that had been shown whole before they were asked for."""
    ends = sorted((ended, version) for _, ended, version in served)
    count, shown, position = 0, 0, 0
    for began, _, version in sorted(served):
        while position < len(ends) and ends[position][0] < began:
            shown = max(shown, ends[position][1])
            position += 1
        count += version < shown
    return count


@contextlib.contextmanager
def _pair() -> Iterator[tuple[Contender, Contender]]:
    with _started(lambda upstream, settings: gateway(upstream, settings, cores=BOTH_CORES)) as pair:
        yield pair


@contextlib.contextmanager
def _earlier_pair() -> Iterator[tuple[Contender, Contender]]:
    with _started(earlier) as pair:
        yield pair


@contextlib.contextmanager
def _started(
    start: Callable[[str, dict[str, str]], contextlib.AbstractContextManager[Contender]],
) -> Iterator[tuple[Contender, Contender]]:
    with redis() as shared, stub_upstream(LATENCY_S) as upstream:
        settings = {**SETTINGS, "cache.shared_url": shared.url}
        with start(upstream.url, settings) as one, start(upstream.url, settings) as two:
            yield one, two


def _read(pair: tuple[Contender, Contender], seconds: float) -> list[Served]:
    """Ask twice the one, twice the other and so on, each request after the answer to the one before."""
    served: list[Served] = []
    one, two = pair
    with requests.Session() as session:
        for contender in itertools.cycle((one, one, two, two)):
            if served and served[-1][1] - served[0][0] > seconds:
                return served
            began = time.monotonic()
            _ask_once(session, contender, began, served)
            time.sleep(max(0.0, began + 0.5 / PER_S - time.monotonic()))
    return served


def _ask(contender: Contender, per_s: float, stop: threading.Event, served: list[Served]) -> None:
    with requests.Session() as session:
        while not stop.is_set():
            began = time.monotonic()
            _ask_once(session, contender, began, served)
            stop.wait(max(0.0, began + 1 / per_s - time.monotonic()))


def _ask_once(session: requests.Session, contender: Contender, began: float, served: list[Served]) -> None:
    answer = session.get(contender.url + PAGE, headers={"X-API-Key": API_KEY}, timeout=10)
    found = _VERSION.search(answer.content)
    if found is not None:
        served.append((began, time.monotonic(), int(found[1])))
