"""`Prefer: wait=N` on `GET /campaigns` (RFC 7240, section 4.3): who holds the page hears when it is another one.

It stands in front of all that answers, so that who waits holds no turn and no slot, and is answered in the usual way
when the wait is over: by who it is then, with the page of then. It outlives the app of one set of settings: all who
wait at a reload are answered by the next one.
"""

import threading
import time
from collections.abc import Callable, Iterable
from enum import Enum, StrEnum
from math import floor
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from gateway.api.answer import NOT_YET, PATH
from gateway.api.deadline import deadline_of
from gateway.api.fast_path import COUNTED, FastPath
from gateway.api.prefer import wait_of
from gateway.api.representation import choose, held_tag
from gateway.model import CampaignQuery, RenderedPage

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_NOT_MODIFIED: Final = "304"
_CACHE_CONTROL: Final = "HTTP_CACHE_CONTROL"
_ONLY_IF_CACHED: Final = "only-if-cached"


class Outcome(StrEnum):
    """How a wait ended: the page was another one, or was not; all were answered; a problem; or there was none."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    ENDED = "ended"
    PROBLEM = "problem"
    NOT_APPLIED = "not_applied"


class AtHand(Protocol):
    """A page that this process holds."""

    @property
    def rendered(self) -> RenderedPage:
        """Its bytes."""
        ...

    @property
    def fresh(self) -> bool:
        """Whether it is fresh beyond doubt."""
        ...


class Changes(Protocol):
    """Tells when pages change."""

    def at_hand(self, key: str) -> AtHand | None:
        """Return the page of a key that this process holds."""
        ...

    def wait(self, key: str, query: CampaignQuery, etag: str, seconds: float) -> Enum:
        """Wait while the page has this tag; return why that is over, by its `name`: CHANGED, TIME_OVER or ALL."""
        ...

    def wake_all(self) -> None:
        """End all waits."""
        ...


class _Taken(NamedTuple):
    """An answer that is not sent yet."""

    status: str
    headers: list[tuple[str, str]]
    body: Iterable[bytes]
    fault: "OptExcInfo | None"

    @property
    def is_unchanged(self) -> bool:
        return self.status.startswith(_NOT_MODIFIED)

    def drop(self) -> None:
        """Let go of an answer that nobody is sent."""
        close = getattr(self.body, "close", None)
        if close is not None:
            close()


class _Seen(NamedTuple):
    """The page that this process holds, whether it is fresh, and whether it is the `same` that the caller holds."""

    key: str
    query: CampaignQuery
    etag: str
    fresh: bool
    same: bool


class WaitForChange:
    """WSGI middleware that lets callers wait for a change, and leaves all else to the app that `serve_by` names."""

    def __init__(
        self, changes: Changes, count: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._changes = changes
        self._count = count
        self._clock = clock
        self._app: FastPath
        self._longest_s = 0
        self._ending = False
        self._turns = 0
        self._lock = threading.Lock()
        self.waiting = 0
        """How many wait."""
        self.most = 0
        """How many may."""

    def serve_by(self, app: FastPath, longest_s: int, most: int) -> None:
        """Answer by `app` from now on; at most `most` wait, for `longest_s` at most. Who waits is answered now."""
        self._app, self._longest_s, self.most = app, longest_s, most
        self._answer_all()

    def drain(self) -> None:
        """Answer all who wait, and let nobody wait any more: this process is about to end."""
        self._ending = True
        self._answer_all()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer as PEP 3333 has it."""
        prefer = environ.get("HTTP_PREFER")
        if prefer is None or environ.get("PATH_INFO") != PATH or environ["REQUEST_METHOD"] != "GET":
            return self._app(environ, start_response)
        seconds = 0 if environ.get("HTTP_IF_NONE_MATCH") is None else self._seconds(environ, prefer)
        if not seconds or self._ending:
            return self._app(environ, start_response)
        with self._lock:
            admitted = self.waiting < self.most
            self.waiting += admitted
        if not admitted:
            self._count(Outcome.NOT_APPLIED)
            return self._app(environ, start_response)
        try:
            return self._answered(environ, start_response, seconds)
        finally:
            with self._lock:
                self.waiting -= 1

    def _seconds(self, environ: "WSGIEnvironment", prefer: str) -> int:
        """Return for how long the caller waits: as it prefers, but no longer than it may or is there."""
        longest_s = min(wait_of(prefer), self._longest_s)
        return floor(deadline_of(environ.get("HTTP_X_REQUEST_TIMEOUT_MS"), longest_s, 0.0, lambda: 0.0).expires_at)

    def _answered(self, environ: "WSGIEnvironment", start_response: "StartResponse", seconds: int) -> Iterable[bytes]:
        began = self._clock()
        taken, outcome = self._waited(environ, began + seconds)
        headers = taken.headers
        if outcome is not Outcome.PROBLEM and outcome is not Outcome.NOT_APPLIED:
            headers = [*_timed(headers, self._clock() - began), ("Preference-Applied", f"wait={seconds}")]
        if self._ending:
            # Who waited came before the process was told to end, after which every answer closes its connection.
            headers = [*headers, ("Connection", "close")]
        self._count(outcome)
        start_response(taken.status, headers, taken.fault)
        return taken.body

    def _waited(self, environ: "WSGIEnvironment", until: float) -> tuple[_Taken, Outcome]:
        """Return what the caller is to be sent, and why."""
        turns, asked = self._turns, {**environ, NOT_YET: True}
        while True:
            seen = self._look(environ)
            if seen is not None and seen.same:
                # Browsers add `no-cache` to what is asked with `no-store` (Fetch standard, section 4.6), as waits have
                # to be. So what is asked of the cache does not count for who waits: each would have the page fetched,
                # fresh as it is. It counts for who holds another page, and has nothing to wait for.
                asked.pop(_CACHE_CONTROL, None)
            if seen is None or not seen.fresh or _CACHE_CONTROL in asked:
                taken = self._ask(asked)
                if not taken.is_unchanged:
                    return taken, _outcome(taken)
                taken.drop()
                _asked_again(asked, taken)
                asked.pop(_CACHE_CONTROL, None)
                seen = self._look(environ)
            if seen is None or not seen.same:
                # What it asks for is not known at once, for want of memory; or it is another page, and known as one
                # that is ready to be sent, which a thousand of those who waited ask for one after the other.
                del asked[NOT_YET]
                taken = self._ask(asked)
                return taken, Outcome.NOT_APPLIED if taken.is_unchanged else _outcome(taken)
            woken = "ALL" if turns != self._turns else self._wait(seen, until)
            if woken != "CHANGED":
                return self._last(asked, Outcome.ENDED if woken == "ALL" else Outcome.UNCHANGED)

    def _wait(self, seen: _Seen, until: float) -> str:
        left = until - self._clock()
        return self._changes.wait(seen.key, seen.query, seen.etag, left).name if left > 0 else "TIME_OVER"

    def _last(self, asked: "WSGIEnvironment", outcome: Outcome) -> tuple[_Taken, Outcome]:
        """Ask once more, for who the caller is by now and how old the page is; that alone is no reason to fetch it."""
        asked.pop(NOT_YET, None)
        seen = self._look(asked)
        if seen is not None and seen.fresh:
            asked[_CACHE_CONTROL] = _ONLY_IF_CACHED
        taken = self._ask(asked)
        return taken, outcome if taken.is_unchanged else _outcome(taken)

    def _look(self, environ: "WSGIEnvironment") -> _Seen | None:
        """Return the page that answers a request as this process holds it; `None` for none, or if that is not known."""
        meaning = self._app.meaning(environ)
        at_hand = None if meaning is None else self._changes.at_hand(meaning.key)
        if meaning is None or at_hand is None:
            return None
        coding = choose(at_hand.rendered, environ.get("HTTP_ACCEPT_ENCODING"))
        same = held_tag(environ.get("HTTP_IF_NONE_MATCH"), coding) is not None
        return _Seen(meaning.key, meaning.query, at_hand.rendered.identity.etag, at_hand.fresh, same)

    def _ask(self, asked: "WSGIEnvironment") -> _Taken:
        """Return what the app answers. It may change its environment, so it gets one of its own."""
        started: list[Any] = []

        def start(
            status: str, headers: list[tuple[str, str]], fault: "OptExcInfo | None" = None, /
        ) -> Callable[[bytes], object]:
            started[:] = [status, headers, fault]
            return _write

        body = self._app({**asked}, start)
        status, headers, fault = started
        return _Taken(status, headers, body, fault)

    def _answer_all(self) -> None:
        self._turns += 1
        self._changes.wake_all()


def _outcome(taken: _Taken) -> Outcome:
    return Outcome.CHANGED if taken.status.startswith("2") else Outcome.PROBLEM


def _asked_again(asked: "WSGIEnvironment", taken: _Taken) -> None:
    """Have what is asked next be the same request: by its id, and counted once."""
    asked[COUNTED] = True
    for name, value in taken.headers:
        if name == "X-Request-Id":
            asked["HTTP_X_REQUEST_ID"] = value


def _timed(headers: list[tuple[str, str]], waited_s: float) -> list[tuple[str, str]]:
    """Return `headers` with the time of the wait before that of the answer."""
    wait = f"wait;dur={waited_s * 1000:.1f}, "
    return [(name, wait + value if name == "Server-Timing" else value) for name, value in headers]


def _write(_: bytes) -> None:
    raise AssertionError("nothing here writes an answer in that way")
