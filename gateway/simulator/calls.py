"""Counts the calls of the campaign interface, so that tests can say how many a client has made."""

from collections import Counter
from threading import Condition
from typing import Any

MAX_DISTINCT_QUERIES = 10_000
OTHER_QUERIES = "(other)"


class Calls:
    """The counts since the start or the last `reset`; safe to use from any thread."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._in_flight = 0
        self._max_in_flight = 0
        self.reset()

    def begin(self) -> None:
        """Count a call that has arrived."""
        with self._changed:
            self._total += 1
            self._in_flight += 1
            self._max_in_flight = max(self._max_in_flight, self._in_flight)
            self._changed.notify_all()

    def accept(self, vdn: int, query: str) -> None:
        """Count a call whose signature is good, by its VDN and its canonical query."""
        with self._changed:
            self._by_vdn[str(vdn)] += 1
            known = query in self._by_query or len(self._by_query) < MAX_DISTINCT_QUERIES
            self._by_query[query if known else OTHER_QUERIES] += 1

    def refuse(self) -> None:
        """Count a call that was answered 401."""
        with self._changed:
            self._refused += 1

    def lock_out(self) -> None:
        """Count a call that was answered 403 because its address is locked."""
        with self._changed:
            self._locked += 1

    def end(self) -> None:
        """Count a call as no longer in flight, however it ended."""
        with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()

    def wait_for_in_flight(self, count: int, timeout_s: float) -> bool:
        """Wait until just `count` calls are in flight; tell whether that came true within `timeout_s` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._in_flight == count, timeout_s)

    @property
    def total(self) -> int:
        """How many calls there have been since the counting began."""
        return self._total

    def reset(self) -> None:
        """Begin counting anew; calls in flight stay in flight."""
        with self._changed:
            self._total = 0
            self._refused = 0
            self._locked = 0
            self._max_in_flight = self._in_flight
            self._by_vdn: Counter[str] = Counter()
            self._by_query: Counter[str] = Counter()

    def snapshot(self) -> dict[str, Any]:
        """Return the counts: `total`, `refused` (401), `locked` (403), `by_vdn`, `by_query`, `[max_]in_flight`."""
        with self._changed:
            return {
                "total": self._total,
                "refused": self._refused,
                "locked": self._locked,
                "by_vdn": dict(self._by_vdn),
                "by_query": dict(self._by_query),
                "in_flight": self._in_flight,
                "max_in_flight": self._max_in_flight,
            }
