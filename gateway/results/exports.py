"""Whole results that were read for callers: each is read once, and kept for who comes back for it."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from gateway.errors import InternalError, NotCached, UpstreamOverloaded
from gateway.model import Campaign, CampaignQuery, Deadline, RequestDirectives
from gateway.results.reader import Limits, Progress, ResultReader, Whole, no_progress
from gateway.results.spool import Spool, Spooling

log = structlog.get_logger("gateway.results")

AT_ONCE: Final = 2
"""Results that are read at a time by one process."""

MOST_KEPT: Final = 16
COME_AGAIN_S: Final = 5

Make = Callable[[Spool, Spool], None]
"""Writes another form of the rows, the first spool, to the second."""


@dataclass(slots=True)
class Result:
    """A whole result of a VDN: its `rows` in one form, what is known of it, and when it was read.

    It was begun at `began_at` and there at `ready_at`, in monotonic seconds.
    """

    vdn: int
    whole: Whole
    rows: Spool
    began_at: float
    ready_at: float
    _forms: dict[Hashable, Spool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def form(self, name: Hashable, spooling: Spooling, make: Make) -> Spool:
        """Return the rows in another form, made by `make` where nobody has asked for that before."""
        with self._lock:
            made = self._forms.get(name)
            if made is None:
                made = spooling.spool()
                with spooled(spooling), _whole(made):
                    make(self.rows, made)
                self._forms[name] = made
            return made


@contextmanager
def _whole(spool: Spool) -> Iterator[None]:
    """Have all of `spool` where it is read, or let go of it at once: a failure holds its frames for long."""
    try:
        yield
        spool.flush()
    except BaseException:
        spool.close()
        raise


@contextmanager
def spooled(spooling: Spooling) -> Iterator[None]:
    """Turn what a disk may say into a problem, and a line in the log that says where that was."""
    try:
        yield
    except OSError as fault:
        folder = spooling.folder or "the system's folder for temporary files"
        log.error("export_spool", folder=folder, reason=str(fault), remedy="see export.spool_folder")  # noqa: TRY400 -- it says all
        raise InternalError(
            f"The result could not be kept on disk: {fault.strerror or fault}. Ask again later, or for less with "
            "filters.",
            foreseen=True,
            retry_after_s=60,
        ) from fault


class Purges(Protocol):
    """Tells what was purged."""

    def beginning(self) -> float:
        """Return the moment at which what is read now begins, in monotonic seconds."""
        ...

    def is_purged(self, vdn: int, began_at: float) -> bool:
        """Tell whether what began to be read from `vdn` then was purged since."""
        ...


@dataclass(frozen=True, slots=True)
class ExportPolicy:
    """The settings: for how long results are kept and may take, and how many rows they may have.

    `concurrency` is how many pages are read at once, and `page_s` how long one may take.
    """

    keep_s: float
    longest_s: float
    most_rows: int
    concurrency: int
    page_s: float


class Exports:
    """Reads results for clients, one at a time for each and two in all, and keeps them for a while.

    One that was purged is of no use, not even in trouble: it is a file, which goes without words for how old it is.
    """

    def __init__(
        self,
        reader: ResultReader,
        spooling: Spooling,
        key: Callable[[CampaignQuery], str],
        purges: Purges,
        encode: Callable[[list[Campaign]], bytes],
        policy: ExportPolicy,
        clock: Callable[[], float],
    ) -> None:
        self._reader = reader
        self.spooling = spooling
        self._key = key
        self._purges = purges
        self._encode = encode
        self.policy = policy
        self._clock = clock
        self._kept: OrderedDict[str, Result] = OrderedDict()
        self._reading: Counter[str] = Counter()
        self._lock = threading.Lock()

    def kept(self, query: CampaignQuery, directives: RequestDirectives) -> Result | None:
        """Return the result that answers `query` if it is at hand and will do, else `None`."""
        with self._lock:
            now = self._clock()
            for key in [key for key, result in self._kept.items() if self._is_over(result, now)]:
                del self._kept[key]
            found = self._kept.get(self._key(query))
            most_s = directives.max_age_s
            return found if found is not None and (most_s is None or now - found.ready_at <= most_s) else None

    def read(
        self,
        client: str,
        query: CampaignQuery,
        directives: RequestDirectives,
        deadline: Deadline,
        progress: Progress = no_progress,
    ) -> Result:
        """Return the result, read now for `client`, by `deadline`; `progress` is told how far that is.

        Raises UpstreamOverloaded where this client has another one read, or two others have; NotCached where it wants
        none that is not at hand; or as ResultReader does.
        """
        if directives.only_if_cached:
            raise NotCached("No result that answers this is kept, and only-if-cached asks for no other.")
        rows, began_at = self.spooling.spool(), self._purges.beginning()
        with self._turn(client), spooled(self.spooling), _whole(rows):
            limits = Limits(self.policy.most_rows, deadline, self.policy.concurrency, self.policy.page_s)
            whole = self._reader.read(query, lambda found: _append(rows, self._encode(found)), limits, progress)
        result = Result(query.vdn, whole, rows, began_at, self._clock())
        if self.policy.keep_s > 0:
            with self._lock:
                self._kept[self._key(query)] = result
                self._kept.move_to_end(self._key(query))
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
        return result

    def _is_over(self, result: Result, now: float) -> bool:
        return now - result.ready_at >= self.policy.keep_s or self._purges.is_purged(result.vdn, result.began_at)

    @contextmanager
    def _turn(self, client: str) -> Iterator[None]:
        with self._lock:
            if self._reading[client]:
                raise _busy("This client has an export read already, and one at a time is allowed.")
            if self._reading.total() >= AT_ONCE:
                raise _busy(f"Exports of other clients are being read, and {AT_ONCE} at a time are allowed.")
            self._reading[client] += 1
        try:
            yield
        finally:
            with self._lock:
                del self._reading[client]


def _append(rows: Spool, data: bytes) -> None:
    rows.write(data)


def _busy(detail: str) -> UpstreamOverloaded:
    return UpstreamOverloaded(f"{detail} Ask again when it is done.", retry_after_s=COME_AGAIN_S, sent=False)
