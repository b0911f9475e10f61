"""Reads a whole result: many pages at once, within the call budget and behind all others.

Pages are fetched and not taken from the page cache: nobody asks for them again, least of all in windows of odd sizes,
and a thousand of them would drive out the pages that people look at.
"""

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from gateway.daemon_thread import start_daemon_thread
from gateway.errors import (
    GatewayError,
    InternalError,
    InvalidParameters,
    UpstreamBrokenContract,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.model import Campaign, CampaignPage, CampaignQuery, Deadline, FetchPage, Priority
from gateway.results.reading import TRIES, NeverStillError, Read, Reading

log = structlog.get_logger("gateway.results")

PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
"""How long is waited before a page is tried again, if CC-iSales does not say, and whatever it says; seconds."""

_MAY_PASS: Final = (UpstreamOverloaded, UpstreamTimeout, UpstreamUnreachable, UpstreamFailed)

Take = Callable[[list[Campaign]], None]
"""Takes the next rows, in order."""

Progress = Callable[[int, int | None], None]
"""Is told how many rows there are so far, and of how many where that is known."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What is known of a result that was read to its end.

    `as_of` is when CC-iSales gave the first page of it, seconds since 1970; none is older. `left_out` is how many rows
    came without an id that can be used, at most; `pages` is how many were read.
    """

    rows: int
    as_of: int
    left_out: int
    pages: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read, and for how long: rows, and a deadline; pages at once, and seconds for each."""

    most_rows: int
    until: Deadline
    concurrency: int
    page_s: float


def no_progress(_rows: int, _total: int | None) -> None:
    """Tell nobody."""


class ResultReader:
    """Reads whole results with `fetch`, each with threads of its own. `pause` waits for so many seconds."""

    def __init__(
        self,
        fetch: FetchPage,
        pause: Callable[[float], None],
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._fetch = fetch
        self._pause = pause
        self._wall = wall

    def read(self, query: CampaignQuery, take: Take, limits: Limits, progress: Progress = no_progress) -> Whole:
        """Read all rows that `query` asks for, whatever its page, and hand them to `take`.

        Raises a leaf of `gateway.errors`: what kept a page from being read three times running, UpstreamBrokenContract
        where the result never holds still, UpstreamTimeout after the deadline, InvalidParameters for too many rows; or
        what `take` raises. Then `take` is called no more.
        """
        began = limits.until.clock()
        run = _Run(self._fetch, self._pause, self._wall, query, take, limits, progress)
        try:
            whole = run.to_the_end()
        except NeverStillError as fault:
            log.warning("result_never_still", vdn=query.vdn, pages=run.pages, rows=fault.rows, total=fault.total)
            raise UpstreamBrokenContract(f"{_why(fault)} Ask again, or for less with filters.") from fault
        seconds = limits.until.clock() - began
        log.info("result_read", vdn=query.vdn, rows=whole.rows, pages=whole.pages, duration_s=round(seconds, 2))
        if whole.left_out:
            log.warning("rows_left_out", vdn=query.vdn, at_most=whole.left_out)
        return whole


def _why(fault: NeverStillError) -> str:
    if torn := fault.torn:
        return (
            f"Page {torn.window.page} of {torn.window.size} campaigns came {TRIES} times with {torn.count} of them, and"
            f" its total of {torn.total} says {torn.expected}."
        )
    why = (
        f"The result shifted faster than it could be read: after {fault.rows} rows and {TRIES} tries its pages did not"
        " fit together."
    )
    if fault.unusable:
        why += (
            f" Or it is for the {fault.unusable} campaigns of one page that have no `id` that can be used: by their ids"
            " campaigns are known again."
        )
    return why


class _Run:
    """One result under way. Whoever has a page hands it in; rows are taken one thread at a time."""

    def __init__(
        self,
        fetch: FetchPage,
        pause: Callable[[float], None],
        wall: Callable[[], datetime],
        query: CampaignQuery,
        take: Take,
        limits: Limits,
        progress: Progress,
    ) -> None:
        self._fetch = fetch
        self._pause = pause
        self._wall = wall
        self._query = query
        self._take = take
        self._limits = limits
        self._progress = progress
        self._reading = Reading()
        self._failure: BaseException | None = None
        self._as_of: int | None = None
        self._lock = threading.RLock()
        self._arrived = threading.Condition(self._lock)
        """For workers that have nothing to ask for before another page has come."""
        self._over = threading.Condition(self._lock)
        """For who wants the result, who is not to be woken a thousand times."""

    @property
    def pages(self) -> int:
        """How many pages have been read."""
        return self._reading.reads

    def to_the_end(self) -> Whole:
        """Read with so many threads; return when the result is whole, or raise what ended it."""
        started = 0
        for _ in range(self._limits.concurrency):
            # They work for the request that this thread works for.
            work = partial(contextvars.copy_context().run, self._worker)
            started += start_daemon_thread(work, f"export-{self._query.vdn}") is not None
        if not started:
            raise InternalError("No thread could be had to read the result with. Ask again later.", foreseen=True)
        with self._lock:
            while not self._ended:
                left = self._limits.until.remaining()
                if left <= 0:
                    self._end(self._too_late())
                else:
                    self._over.wait(min(left, threading.TIMEOUT_MAX))
            if self._failure is not None:
                raise self._failure
            reading = self._reading
            return Whole(reading.rows, self._as_of or 0, reading.left_out, reading.reads)

    def _worker(self) -> None:
        try:
            self._work()
        except BaseException as failure:  # noqa: BLE001 -- it is raised by the thread that wants the result
            with self._lock:
                self._end(failure.again() if isinstance(failure, GatewayError) else failure)

    def _work(self) -> None:
        while (read := self._next()) is not None:
            page = self._page(read)
            with self._lock:
                if self._ended:
                    return
                if self._as_of is None:
                    self._as_of = int(self._wall().timestamp())
                rows = self._reading.arrived(read, page)
                if self._reading.rows > self._limits.most_rows:
                    raise self._too_many()
                if rows:
                    self._take(rows)
                self._progress(self._reading.rows, self._reading.total)
                if self._reading.done:
                    self._end(None)
                else:
                    self._arrived.notify_all()

    def _end(self, failure: BaseException | None) -> None:
        """Have all threads know that it is over, by the first failure if there was one."""
        self._failure = self._failure or failure
        self._arrived.notify_all()
        self._over.notify_all()

    @property
    def _ended(self) -> bool:
        return self._reading.done or self._failure is not None

    def _next(self) -> Read | None:
        """Return the next read, `None` when there is nothing left to read."""
        with self._lock:
            while not self._ended:
                if self._limits.until.expired:
                    raise self._too_late()
                if self._reading.total is not None and self._reading.total > self._limits.most_rows:
                    raise self._too_many()
                read = self._reading.next_read()
                if read is not None:
                    return read
                self._arrived.wait()
            return None

    def _page(self, read: Read) -> CampaignPage:
        """Fetch one page, with up to three tries where another one may help."""
        limits, until = self._limits, self._limits.until
        query = replace(self._query, page=read.window.page, page_size=read.window.size)
        for left in range(TRIES - 1, -1, -1):
            seconds = min(limits.page_s, until.remaining())
            try:
                return self._fetch(query, Deadline.after(seconds, until.clock, Priority.EXPORT))
            except _MAY_PASS as error:
                asked_s = PAUSE_S if error.retry_after_s is None else error.retry_after_s
                if not left or until.remaining() <= asked_s or self._ended:
                    raise
                self._pause(min(asked_s, LONGEST_PAUSE_S))
        raise AssertionError("the last try returns or raises")

    def _too_late(self) -> UpstreamTimeout:
        reading = self._reading
        return UpstreamTimeout(
            f"The result was not read to its end in time: {reading.rows} rows of {reading.total or 0} had come. Ask "
            "for less with filters."
        )

    def _too_many(self) -> InvalidParameters:
        rows = max(self._reading.total or 0, self._reading.rows)
        return InvalidParameters(
            f"The result has {rows} rows, and {self._limits.most_rows} are allowed. Ask for less with filters."
        )
