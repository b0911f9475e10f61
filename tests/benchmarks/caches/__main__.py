"""`python -m tests.benchmarks.caches [NAME ...]`: for how long each HTTP cache reuses a page of the gateway.

A page of `cache.fresh_s` 15 is asked for when it is nearly ten seconds old, so that its `max-age` is 5, and then every
half second for nine seconds. Between the cache and the gateway everything is noted that passes.
"""

import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import requests

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.benchmarks.caches.asking import EVERY_S
from tests.benchmarks.caches.programs import Programs, ask
from tests.benchmarks.caches.proxies import PROXIES, cached
from tests.benchmarks.caches.relay import Heard, Relay, relaying
from tests.benchmarks.caches.reuse import Reuse, reuse
from tests.benchmarks.debian import install_missing
from tests.benchmarks.fronts import PROGRAMS
from tests.benchmarks.machine import description
from tests.benchmarks.processes import NotMeasured
from tests.benchmarks.table import drawn
from tests.support.cache_status import read
from tests.support.server import served_gateway

FRESH_S: Final = 15
TOLD_S: Final = 5
AGE_S: Final = 9
LATE_S: Final = 0.8
"""After the answer that first says that the page is this old: it says so still, and is as old as it can be."""
TRIES: Final = 4
NOT_MEASURED: Final = "NOT MEASURED"
AT_ONCE: Final = 6
KEY: Final = "web-key"
HEADINGS: Final = ("cache", "told", "kept", "last reused", "asked anew", "behind", "past max-age")

IN_PYTHON: Final[Mapping[tuple[str, str], str]] = {
    ("requests-cache", "nothing"): "requests-cache",
    ("requests-cache", "`cache_control=True`"): "requests-cache, heeding",
    ("requests-cache", "`cache_control=True`, `ignored_parameters=[]`"): "requests-cache, keyed",
    ("cachecontrol", "nothing"): "CacheControl",
    ("hishel", "nothing"): "hishel",
    ("hishel", "`rfc=True`"): "hishel, heeding",
    ("hishel", '`rfc={"shared": False}`'): "hishel, private",
}
IN_NODE: Final[Mapping[tuple[str, str], str]] = {
    ("chromium", "nothing"): "Chromium",
    ("undici", "nothing"): "undici",
    ("undici", '`type: "private"`'): "undici, private",
    ("got", "nothing"): "got",
    ("got", "`cacheOptions: { shared: false }`"): "got, private",
    ("make-fetch-happen", "nothing"): "make-fetch-happen",
    ("axios-cache-interceptor", "nothing"): "axios-cache-interceptor",
    ("axios-cache-interceptor", '`.location = "client"`'): "axios-cache-interceptor, client",
    ("axios-cache-interceptor", '`.location = "client"`, `cacheTakeover: false`'): "axios-cache-interceptor, private",
}
NAMES: Final = tuple(dict.fromkeys(name for name, _ in (*IN_NODE, *IN_PYTHON, *PROXIES)))


@dataclass(frozen=True)
class Bench:
    """What all measurements share: the gateway's URL, the programs, and pages that nobody has asked for."""

    gateway: str
    programs: Programs
    pages: Iterator[str]

    def measure(self, contender: tuple[str, str]) -> tuple[str, ...]:
        """Return the line of a cache that is told something."""
        for _ in range(TRIES):
            try:
                seen = self._once(contender)
            except (NotMeasured, ValueError, AssertionError) as fault:
                sys.stderr.write(f"{NOT_MEASURED}: {' '.join(contender)}. {fault}\n")
                return (*contender, NOT_MEASURED, "", "", "", "")
            # Less may be left on a busy machine. More: it has asked for a new page.
            if seen.told_s >= TOLD_S:
                break
        return (*contender, *cells(seen))

    def _once(self, contender: tuple[str, str]) -> Reuse:
        path = next(self.pages)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            relay = stack.enter_context(relaying(self.gateway, path))
            asked = ask(self._command(contender, relay, folder, stack), self._moment(path))
            return reuse(asked, relay.heard)

    def _command(self, contender: tuple[str, str], relay: Relay, folder: Path, stack: ExitStack) -> list[str]:
        url = relay.url + relay.path
        if contender in IN_NODE:
            return self.programs.node(IN_NODE[contender], url, KEY, str(folder))
        if contender in IN_PYTHON:
            return self.programs.python(IN_PYTHON[contender], url, KEY, str(folder))
        served = stack.enter_context(cached(PROXIES[contender], folder, relay.url))
        return self.programs.python("none", served.url + relay.path, KEY, str(folder), str(served.authority or ""))

    def _moment(self, path: str) -> Callable[[], None]:
        def wait() -> None:
            age_s = -1
            while age_s < AGE_S:
                answer = requests.get(self.gateway + path, headers={"X-API-Key": KEY}, timeout=10)
                answer.raise_for_status()
                age_s = int(read(answer.headers["Cache-Status"])["age"])
                time.sleep(LATE_S if age_s == AGE_S else 0.05)

        return wait


def how(request: Heard) -> str:
    """Return the status that a request was given, and whether it could have been 304."""
    return f"{request.status}" if request.conditional else f"{request.status}, no tag"


def cells(seen: Reuse) -> tuple[str, ...]:
    """Return what was seen, as texts."""
    verdict = seen.verdict(EVERY_S)
    return (
        verdict if seen.told_s == TOLD_S else f"{verdict} (max-age={seen.told_s})",
        f"{seen.last_s:.1f} s" if seen.last_s else "never",
        ", ".join(f"{at:.1f} ({how(request)})" for at, request in seen.anew[:3]) + (", ..." if seen.anew[3:] else ""),
        str(seen.behind or ""),
        f"by {seen.stale_s:.1f} s" if seen.stale_s else "never",
    )


def main(names: list[str]) -> int:
    """Measure the caches `names`, all where none is named, and print the table. Return 1 if one was not measured."""
    for name in names:
        if name not in NAMES:
            raise SystemExit(f"There is no cache {name!r}; give any of: {' '.join(NAMES)}")
    chosen = [one for one in (*IN_NODE, *IN_PYTHON, *PROXIES) if not names or one[0] in names]
    fronts = list(dict.fromkeys(PROGRAMS[name] for name, _ in chosen if name in PROGRAMS))
    needed = [*fronts, *(["chromium"] if ("chromium", "nothing") in chosen else [])]
    install_missing(needed)
    described = description(needed)
    with ExitStack() as stack:
        programs = Programs(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        simulator = stack.enter_context(SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)))
        variables = {"GATEWAY__CACHE__FRESH_S": str(FRESH_S), "GATEWAY__HTTP__TRUSTED_PROXIES": "1"}
        gateway = stack.enter_context(served_gateway(simulator.base_url, 1, **variables))
        # By page and size each has a page of its own, so that none's requests renew another's.
        pages = (f"/campaigns?page={page}&page_size={size}" for page in itertools.count(1) for size in range(1, 100))
        bench = Bench(gateway.url, programs, pages)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            lines = list(pool.map(bench.measure, chosen))
    sys.stdout.write(f"{drawn([HEADINGS, *lines])}\n\n{datetime.now(UTC):%Y-%m-%d}. {described}\n")
    sys.stdout.write(f"Packages: {programs.versions()}.\n")
    return 1 if any(line[2] == NOT_MEASURED for line in lines) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
