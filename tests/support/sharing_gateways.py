"""Two gateways in processes of their own that share an engine, with steady callers on both while things go wrong."""

import itertools
import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, Self
from urllib.parse import urlsplit

import requests

from gateway.pages.lease import LEASE_MS
from gateway.settings.model import Secret
from gateway.shared_store.address import namespace_of
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.gateway import KEYS, clients
from tests.support.server import ServedGateway, served_gateway
from tests.support.waiting import wait_until

CONCURRENCY: Final = 4
PROCESSES: Final = 2
LATENCY_S: Final = 0.05
LIMIT: Final = 60
"""Requests a minute of the client that has a limit."""
WORST_S: Final = 1.0
"""What trouble with the shared tier may add to an answer."""
NEW_CALLERS: Final = 3
"""For new pages, at each gateway: all of them together want more calls than the budget allows."""
KNOWN_PAGES: Final = 2
PAUSE_S: Final = 0.15
"""What each caller waits longer between two requests where nobody looks at whether the budget holds, and those who want
new pages twice as long."""
PATIENCE_S: Final = 60.0
"""More than Sentinels do nothing for after they were held up for two seconds."""
COUNTED_FAULTS: Final = re.compile(r'^campaign_gateway_shared_cache_faults_total\{kind="(\w+)"\} (\S+)$', re.MULTILINE)
_GIVE_UP_S: Final = 15.0
_LOOK_AGAIN_S: Final = 0.1
_NUMBERS = itertools.count(int(time.time()))


@dataclass(frozen=True)
class Answer:
    """What a caller had: when it asked (monotonic seconds) and for how long, of which kind it is, and what came."""

    kind: str
    gateway: int
    began: float
    took_s: float
    status: int
    cache_status: str

    @property
    def good(self) -> bool:
        """Whether it is a page, or what the contract has for who is over its limit."""
        return self.status in {200, 304} or (self.kind == "limited" and self.status == 429)


class Callers:
    """Callers of each gateway, one after the other on connections that are kept: known pages, new ones, limits.

    One of them asks both for the same new page, one right after the other. They pause, for what a new page costs all
    processes together is much beside the time that they wait for what has gone wrong.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self.answers: list[Answer] = []
        self.pairs: list[tuple[float, bool]] = []
        """When a page was asked of both, and whether it was fetched once."""
        self._urls = urls
        self._pause_s = PAUSE_S
        self._stop = threading.Event()
        work: list[Callable[[], None]] = [self._pairs]
        for gateway in range(len(urls)):
            work += [lambda gateway=gateway: self._known(gateway), lambda gateway=gateway: self._limited(gateway)]  # type: ignore[misc] # -- a default binds it
            work += [lambda gateway=gateway: self._new(gateway)] * NEW_CALLERS  # type: ignore[misc] # -- the same
        self._threads = [threading.Thread(target=each) for each in work]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def since(self, moment: float) -> list[Answer]:
        """Return the answers to what was asked since."""
        return [answer for answer in self.answers if answer.began >= moment]

    @contextmanager
    def in_a_hurry(self) -> Iterator[None]:
        """Have those who want new pages wait for nothing but the answers, for as long as the context lasts."""
        self._pause_s = 0.0
        try:
            yield
        finally:
            self._pause_s = PAUSE_S

    def wait_for(self, answers: int) -> None:
        """Return when each gateway has given so many answers more of each kind, and so many for each of its callers."""
        before = len(self.answers)
        of_each = {"known": answers, "limited": answers, "new": answers * NEW_CALLERS}

        def enough() -> bool:
            seen = Counter((answer.kind, answer.gateway) for answer in self.answers[before:])
            return all(seen[kind, gateway] >= of_each[kind] for kind in of_each for gateway in range(len(self._urls)))

        wait_until(enough, PATIENCE_S)

    def _known(self, gateway: int) -> None:
        tags: dict[str, str] = {}
        with closing(Connection(self._urls[gateway], KEYS["web"])) as connection:
            for number in itertools.count():
                path = f"/campaigns?page={1 + number % KNOWN_PAGES}"
                headers = {"If-None-Match": tags[path]} if number // KNOWN_PAGES % 2 and path in tags else {}
                self._note("known", gateway, connection, path, headers)
                tags[path] = connection.header("ETag")
                if self._stop.wait(0.03 + self._pause_s):
                    return

    def _new(self, gateway: int) -> None:
        with closing(Connection(self._urls[gateway], KEYS["web"])) as connection:
            while not self._stop.wait(2 * self._pause_s):
                self._note("new", gateway, connection, new_page())

    def _limited(self, gateway: int) -> None:
        with closing(Connection(self._urls[gateway], KEYS["two"])) as connection:
            while not self._stop.wait(0.03 + self._pause_s):
                self._note("limited", gateway, connection, new_page())

    def _pairs(self) -> None:
        with ExitStack() as stack:
            connections = [stack.enter_context(closing(Connection(url, KEYS["web"]))) for url in self._urls]
            while not self._stop.wait(0.02 + self._pause_s):
                path, began = new_page(), time.monotonic()
                seen = [self._note("pair", number, one, path) for number, one in enumerate(connections)]
                self.pairs.append((began, "hit" in seen[-1].cache_status))

    def _note(
        self, kind: str, gateway: int, connection: "Connection", path: str, headers: dict[str, str] | None = None
    ) -> Answer:
        began = time.monotonic()
        status = connection.get(path, headers or {})
        took_s = time.monotonic() - began
        answer = Answer(kind, gateway, began, took_s, status, connection.header("Cache-Status"))
        self.answers.append(answer)
        return answer


class Connection:
    """A connection that is kept, and the answer to the last request on it."""

    def __init__(self, url: str, key: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=_GIVE_UP_S)
        self._key = key
        self._headers: Any = {}

    def get(self, path: str, headers: dict[str, str]) -> int:
        """Return the status, 0 for no answer."""
        self._headers = {}
        try:
            self._connection.request("GET", path, headers={"X-API-Key": self._key, **headers})
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            self._connection.close()
            return 0
        self._headers = answer.headers
        return answer.status

    def close(self) -> None:
        """Let it go."""
        self._connection.close()

    def header(self, name: str) -> str:
        """Return a header of the answer, empty where it has none."""
        return str(self._headers.get(name) or "")


def new_page() -> str:
    """Return a question that nobody has asked yet."""
    return f"/campaigns?name=n{next(_NUMBERS)}"


class SharingGateways:
    """The gateways, and the CC-iSales behind them, which counts its calls."""

    def __init__(self, simulator: SimulatorServer, gateways: Sequence[ServedGateway], pages: int = 1) -> None:
        self.simulator = simulator
        self.gateways = gateways
        self._pages = pages
        self.urls = [one.url for one in gateways]
        self.tag = f"{{{namespace_of(simulator.base_url)}}}"
        """What is in the names of keys that are about all pages, such as those of the call budget."""

    def callers(self) -> Callers:
        """Return callers of all gateways, who begin when they are entered."""
        return Callers(self.urls)

    def reports(self) -> list[dict[str, Any]]:
        """Return what each gateway says of the shared cache on `/readyz`, which is 200 whatever it is."""
        reports = []
        for url in self.urls:
            answer = requests.get(f"{url}/readyz", timeout=_GIVE_UP_S)
            assert answer.status_code == 200
            document = answer.json()
            report = document["dependencies"]["shared_cache"]
            assert report["status"] == "ok" or document["status"] == "degraded"
            reports.append(report)
        return reports

    def share(self) -> bool:
        """Tell whether all say so, and pages that are asked of one are found by the other, wherever they are."""
        if any(report["status"] != "ok" for report in self.reports()):
            return False
        pages = [new_page() for _ in range(self._pages)]
        with ThreadPoolExecutor(self._pages) as pool:
            for gateway in (0, 1):
                answers = list(pool.map(lambda path, gateway=gateway: self.ask(gateway, path), pages))
                assert all(answer.status_code == 200 for answer in answers)
        return all("hit" in answer.headers["Cache-Status"] for answer in answers)

    def wait_until_shared(self) -> None:
        """Return when pages are shared."""
        wait_until(self.share, PATIENCE_S, _LOOK_AGAIN_S)

    def purge(self) -> str:
        """Have all pages of VDN 1 forgotten, and return one that both had and have no more."""
        path = new_page()
        for gateway in (0, 1):
            self.ask(gateway, path)
        answer = requests.delete(
            f"{self.urls[0]}/cache?vdn=1&hard=true", headers={"X-API-Key": KEYS["operator"]}, timeout=_GIVE_UP_S
        )
        assert answer.status_code == 200, answer.text
        wait_until(lambda: not any(self.has(gateway, path) for gateway in (0, 1)))
        return path

    def has(self, gateway: int, path: str) -> bool:
        """Tell whether a gateway has a page, of its own or in the shared cache."""
        answer = self.ask(gateway, path.replace("/campaigns", "/cache/explain"), "operator")
        return answer.json()["rung"] is not None

    def ask(self, gateway: int, path: str, key: str = "web") -> requests.Response:
        """Return what a gateway answers."""
        return requests.get(self.urls[gateway] + path, headers={"X-API-Key": KEYS[key]}, timeout=_GIVE_UP_S)

    def reload(self) -> None:
        """Have all gateways read their settings again, and return when those are in force."""
        before = self._loaded_at()
        for one in self.gateways:
            for worker in one.worker_pids():
                os.kill(worker, signal.SIGHUP)
        wait_until(lambda: all(now > then for now, then in zip(self._loaded_at(), before, strict=True)), PATIENCE_S)

    def _loaded_at(self) -> list[float]:
        names = re.compile(r"^campaign_gateway_settings_last_reload_timestamp_seconds (\S+)$", re.MULTILINE)
        found = [names.search(requests.get(f"{url}/metrics", timeout=_GIVE_UP_S).text) for url in self.urls]
        return [float(one[1]) if one else 0.0 for one in found]

    def keep_to_the_budget(self, callers: Callers) -> None:
        """Return when no more calls were under way at once than may be while each caller was answered, twice in a row.

        Where it has just come to another Redis, or one gateway counts for itself already and the other does not, there
        may be more: those that the Redis before has let go, or both of them together.
        """
        calls = self.simulator.calls

        def kept() -> bool:
            calls.reset()
            # In less time there may be few at once by chance, and who looks that often soon sees it twice in a row.
            callers.wait_for(3)
            most: int = calls.snapshot()["max_in_flight"]
            return most <= CONCURRENCY

        with callers.in_a_hurry():
            wait_until(lambda: kept() and kept(), PATIENCE_S)

    def faults(self) -> list[Counter[str]]:
        """Return how many operations on the shared tier have failed so far at each gateway, by kind of fault."""
        found = [COUNTED_FAULTS.findall(requests.get(f"{url}/metrics", timeout=_GIVE_UP_S).text) for url in self.urls]
        return [Counter({kind: round(float(number)) for kind, number in counts}) for counts in found]


@contextmanager
def sharing_gateways(url: Secret | None = None, pages: int = 1, **variables: str) -> Iterator[SharingGateways]:
    """Serve two gateways for as long as the context lasts, which share what is at `url`, or what `variables` say.

    They share where they share so many `pages`: in a cluster each may be on another node.
    """
    environ = {
        "GATEWAY__CACHE__SHARED_URL": url.reveal() if url else "",
        "GATEWAY__CACHE__FRESH_S": "3600",
        "GATEWAY__ISALES__CONCURRENCY": str(CONCURRENCY),
        "GATEWAY__ISALES__PROCESSES": str(PROCESSES),
        "GATEWAY__CLIENTS": clients(two=LIMIT),
        **variables,
    }
    with SimulatorServer(demo_config()) as simulator, ExitStack() as stack, ThreadPoolExecutor(PROCESSES) as pool:
        simulator.latency_s = LATENCY_S
        serving = [served_gateway(simulator.base_url, 1, **environ) for _ in range(PROCESSES)]
        started = list(pool.map(stack.enter_context, serving))
        yield SharingGateways(simulator, started, pages)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong: how, how it ends, and by what kinds of faults it is named while it lasts, if it does.

    Without `ends` it mends itself. With `operation` it is that operation which is named.
    """

    begins: Callable[[], object]
    ends: Callable[[], object] = lambda: None
    named: frozenset[str] = frozenset()
    operation: str = ""


def go_through(pair: SharingGateways, fault: Fault) -> None:
    """Have callers on both gateways while something goes wrong, and see to it that they notice little.

    All answers are good, it is named, the call budget holds while it lasts and afterwards, all is shared again in the
    end, and a purge that was heard of before is not undone.

    For how long callers waited is measured by `make failovers`; here it only may not be until they give up. A leader
    that can tell nobody any more that its page is there costs others what one that was killed costs: the rest of its
    lease, and on a busy machine that happens twice.
    """
    pair.wait_until_shared()
    forgotten = pair.purge()
    with pair.callers() as callers:
        callers.wait_for(KNOWN_PAGES)
        began, before = time.monotonic(), pair.faults()
        try:
            fault.begins()
            if fault.named or fault.operation:
                wait_until(lambda: all(named(pair, fault, before)), PATIENCE_S, _LOOK_AGAIN_S)
                pair.keep_to_the_budget(callers)
        finally:
            fault.ends()
        pair.wait_until_shared()
        pair.keep_to_the_budget(callers)
    answers, calm = callers.since(began), [answer for answer in callers.answers if answer.began < began]
    bad = [answer for answer in answers if not answer.good]
    assert not bad, bad[:5]
    slowest = max(answers, key=lambda answer: answer.took_s)
    in_calm_s = max(answer.took_s for answer in calm)
    assert slowest.took_s <= WORST_S + in_calm_s + 2 * LEASE_MS / 1000, (slowest, in_calm_s)
    for gateway in (0, 1):
        assert not pair.has(gateway, forgotten)
    # And of the next one all hear.
    pair.purge()


def named(pair: SharingGateways, fault: Fault, before: list[Counter[str]]) -> list[bool]:
    """Tell of each gateway whether it says what is wrong, or has counted it since it counted `before`.

    Where another server takes over soon, one that had to ask only a few times was never in trouble.
    """
    if fault.operation:
        return [fault.operation in report.get("operations", {}) for report in pair.reports()]
    counted = [bool(fault.named & set(now - then)) for now, then in zip(pair.faults(), before, strict=True)]
    return [
        counts or report.get("fault") in fault.named for counts, report in zip(counted, pair.reports(), strict=True)
    ]
