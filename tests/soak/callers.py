"""The callers: each asks over a TLS connection that it keeps for a while, and pauses as people and programs do."""

import http.client
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tests.soak.answers import Seen, look_at
from tests.soak.clients import chance
from tests.soak.mix import Mix, Page, Request

LIMIT_S = 20.0
"""Longer than anything takes: whoever hears nothing until then was forgotten."""

KEPT_FOR = 50
"""A connection is for about so many requests."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer to a request that was under way from `began` to `ended` (monotonic seconds)."""

    request: Request
    began: float
    ended: float
    seen: Seen


class Ledger:
    """What all callers heard, for all threads.

    `kinds` counts all answers, `heard` keeps those that were not right, and `slowest` the slowest one; `asks` are the
    pages that came while CC-iSales was well; `tags` tells pages by their entity tags, and `tag_of` the last tag of a
    page.
    """

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.asks: list[tuple[float, Page]] = []
        self.heard: list[Heard] = []
        self.tags: dict[str, Page] = {}
        self.tag_of: dict[Page, str] = {}
        self.rows = 0
        self.foreign = 0
        self.resent = 0
        self.slowest: Heard | None = None
        self._lock = threading.Lock()

    def enter(self, request: Request, began: float, ended: float, seen: Seen) -> None:
        """Enter one answer."""
        expected = request.expected if request.page is None else ""
        limited = request.client.limited and seen.problem == "rate-limited"
        right = not seen.wrong and (seen.problem == expected or limited)
        with self._lock:
            self.kinds[seen.kind] += 1
            self.rows += seen.rows
            self.foreign += seen.foreign
            if self.slowest is None or ended - began > self.slowest.ended - self.slowest.began:
                self.slowest = Heard(request, began, ended, seen)
            if request.page is not None and not seen.problem and "upstream-" not in seen.kind:
                self.asks.append((began, request.page))
            if seen.tag and request.page is not None:
                self.tags[seen.tag] = request.page
                self.tag_of[request.page] = seen.tag
            if not right:
                self.heard.append(Heard(request, began, ended, seen))

    def resend(self, count: int) -> None:
        """Count requests that were sent again because their kept connection was closed before them."""
        with self._lock:
            self.resent += count


class Connection:
    """A TLS connection to `port` of this machine from `address`, made when it is needed and kept."""

    def __init__(self, port: int, address: str, tls: ssl.SSLContext) -> None:
        self.resent = 0
        self._kept = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=LIMIT_S, source_address=(address, 0), context=tls
        )

    def get(self, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers by lower-case names, and body. Raises OSError or HTTPException without an answer.

        A request is sent once more where its connection had been kept, and was closed before any answer (RFC 9112,
        section 9.3.1).
        """
        try:
            answer = self._send(path, headers)
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body

    def close(self) -> None:
        """Have the next request make a new connection."""
        self._kept.close()

    def _send(self, path: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        was_kept = self._kept.sock is not None
        try:
            self._kept.request("GET", path, headers=dict(headers))
            return self._kept.getresponse()
        except (ConnectionError, ssl.SSLError):
            if not was_kept:
                raise
        self.close()
        self.resent += 1
        self._kept.request("GET", path, headers=dict(headers))
        return self._kept.getresponse()


class Caller(threading.Thread):
    """Asks one request after the other until `ended` is set, from an address of its own."""

    def __init__(
        self, number: int, port: int, tls: ssl.SSLContext, mix: Mix, ledger: Ledger, per_s: float, seed: int
    ) -> None:
        super().__init__(name=f"caller-{number}")
        self.ended = threading.Event()
        self.failure: BaseException | None = None
        self._connection = Connection(port, f"127.0.1.{number + 1}", tls)
        self._mix = mix
        self._ledger = ledger
        self._per_s = per_s
        self._chance = chance(seed, f"caller {number}")

    def run(self) -> None:
        """Ask until the end. What goes wrong here, and not with an answer, is kept in `failure`."""
        try:
            self._ask_again_and_again()
        except BaseException as error:  # noqa: BLE001 -- whatever it is, it is told where the caller is joined
            self.failure = error

    def end(self) -> None:
        """Wait for the last answer. Raises what the caller failed of: a soak with fewer callers would show less."""
        self.ended.set()
        self.join()
        if self.failure is not None:
            raise self.failure

    def _ask_again_and_again(self) -> None:
        while not self.ended.wait(self._chance.expovariate(self._per_s)):
            request = self._mix.draw(self._chance)
            began = time.monotonic()
            seen = self._ask(request)
            self._ledger.enter(request, began, time.monotonic(), seen)
            if self._chance.random() < 1 / KEPT_FOR:
                self._connection.close()
        self._connection.close()
        self._ledger.resend(self._connection.resent)

    def _ask(self, request: Request) -> Seen:
        headers = dict(request.client.headers())
        if request.gzip:
            headers["Accept-Encoding"] = "gzip"
        known = self._ledger.tag_of.get(request.page) if request.conditional and request.page else None
        if known is not None:
            headers["If-None-Match"] = known
        try:
            answer = self._connection.get(f"/campaigns?{request.query}", headers)
        except (OSError, http.client.HTTPException) as error:
            return Seen("no answer", wrong=f"no answer: {error!r}")
        return look_at(request, *answer, self._ledger.tags)
