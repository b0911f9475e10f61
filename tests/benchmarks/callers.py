"""Callers that wrk is not fit for: many at once, at a fixed pace, or each for a page of its own.

One thread, many kept connections, one request at a time on each.
"""

import heapq
import math
import re
import selectors
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tests.benchmarks.contenders import API_KEY

_RECEIVE_BYTES = 65536
UNANSWERED = 0


@dataclass(frozen=True)
class Answer:
    """What came for the request of `path`: status, head as received, and when (monotonic seconds).

    The status is `UNANSWERED` where the connection broke or time was up.
    """

    path: str
    began: float
    ended: float
    status: int
    head: bytes

    @property
    def ms(self) -> float:
        """The milliseconds that it took, from when it was due."""
        return (self.ended - self.began) * 1000

    def header(self, name: str) -> str:
        """Return the header `name`, lower case as granian sends it; empty where it is absent."""
        found = re.search(rb"\r\n%b: *([^\r]*)" % name.encode(), self.head)
        return found[1].decode("latin-1") if found else ""


Due = tuple[float, str]
"""When a path is asked for: monotonic seconds, the past for at once."""


def at_once(port: int, path: str, callers: int, limit_s: float) -> list[Answer]:
    """Let `callers`, all connected beforehand, ask for `path` at the same time."""
    return _ask(port, [iter([(0.0, path)]) for _ in range(callers)], limit_s)


def one_after_the_other(port: int, paths: Iterable[str], callers: int, limit_s: float) -> list[Answer]:
    """Let `callers` ask for `paths`, each for the next one as soon as it has its answer."""
    shared = iter(paths)
    return _ask(port, [((0.0, path) for path in shared) for _ in range(callers)], limit_s)


def at_a_pace(port: int, path: str, callers: int, per_s: float, seconds: float) -> list[Answer]:
    """Let `callers` in turn ask for `path`, in all `per_s` times a second.

    A request that has to wait for the one before it on its connection counts from when it was due.
    """
    return paced(port, [path] * int(per_s * seconds), callers, per_s)


def paced(port: int, paths: Sequence[str], callers: int, per_s: float) -> list[Answer]:
    """Let `callers` in turn ask for each of `paths`, in all `per_s` times a second; else the same."""
    start = time.monotonic() + 0.1
    turns = [
        ((start + number / per_s, paths[number]) for number in range(caller, len(paths), callers))
        for caller in range(callers)
    ]
    return _ask(port, turns, len(paths) / per_s + 10)


def once_each(port: int, paths: Sequence[str], per_s: float, limit_s: float) -> list[Answer]:
    """Ask for each of `paths` once, `per_s` of them a second, whether the ones before have been answered or not."""
    start = time.monotonic() + 1.0
    return _ask(port, [iter([(start + number / per_s, path)]) for number, path in enumerate(paths)], limit_s)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that `percent` of them do not exceed; NaN where there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else math.nan


class _Caller:
    def __init__(self, port: int, turns: Iterator[Due]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.turns = turns
        self.path = ""
        self.began = 0.0
        self._received = b""

    def ask(self, due: Due) -> None:
        self.began = due[0] or time.monotonic()
        self.path = due[1]
        request = f"GET {self.path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {API_KEY}\r\n\r\n"
        self.socket.sendall(request.encode())

    def receive(self) -> Answer | None:
        """Return the answer if it is whole by now."""
        try:
            data = self.socket.recv(_RECEIVE_BYTES)
        except OSError:
            data = b""
        if not data:
            return self.unanswered()
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return None
        # Little is read here, for what it costs counts where a thousand answers come at once.
        answer = Answer(self.path, self.began, time.monotonic(), int(head[9:12]), head)
        if len(body) < int(answer.header("content-length")):
            return None
        self._received = b""
        return answer

    def unanswered(self) -> Answer:
        return Answer(self.path, self.began, time.monotonic(), UNANSWERED, b"")


def _ask(port: int, turns: Sequence[Iterator[Due]], limit_s: float) -> list[Answer]:
    """Let one caller for each of `turns` ask in its turns; all connect first, and leave after their last answer.

    Ends after `limit_s` seconds.
    """
    answers: list[Answer] = []
    waiting: list[tuple[Due, int]] = []
    busy: set[int] = set()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        callers = [_Caller(port, its) for its in turns]
        for number, caller in enumerate(callers):
            stack.enter_context(caller.socket)
            selector.register(caller.socket, selectors.EVENT_READ, number)

        def take_turn_or_leave(number: int) -> None:
            due = next(callers[number].turns, None)
            if due is not None:
                heapq.heappush(waiting, (due, number))
                return
            # A server that takes so many connections at once lets the next one in.
            selector.unregister(callers[number].socket)
            callers[number].socket.close()

        for number in range(len(callers)):
            take_turn_or_leave(number)
        give_up = time.monotonic() + limit_s
        while (waiting or busy) and (now := time.monotonic()) < give_up:
            while waiting and waiting[0][0][0] <= now:
                due, number = heapq.heappop(waiting)
                callers[number].ask(due)
                busy.add(number)
            until = min(waiting[0][0][0], give_up) if waiting else give_up
            for key, _ in selector.select(max(0.0, until - now)):
                number = key.data
                if number in busy and (answer := callers[number].receive()) is not None:
                    answers.append(answer)
                    busy.discard(number)
                    if answer.status == UNANSWERED:
                        callers[number].turns = iter(())
                    take_turn_or_leave(number)
        answers.extend(callers[number].unanswered() for number in busy)
    return answers
