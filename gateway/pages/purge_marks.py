"""Which pages were purged: all those of a VDN, or of all, whose fetch began before the latest purge of them."""

import threading
from collections.abc import Iterator
from math import inf, nextafter
from typing import NamedTuple


class Version:
    """A `number` that grows with every change of what this process holds, so that what was made of it can be kept."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


class PurgeMarks:
    """The latest purges that this process has heard of, soft ones and hard ones. Times are of one monotonic clock.

    What is said to have been fetched before a purge stays so, wherever it comes from: a Redis that forgot the purge,
    or a copy of it that never heard of it, may still have the page.
    """

    def __init__(self) -> None:
        self._marks: dict[int | None, _Mark] = {}
        self.version = Version()
        """Here because what is held outlives an app, and an old one may still change it."""
        self.lock = threading.Lock()
        """Held by who notes, begins, or keeps a page: a reload has several who do."""

    def note(self, vdn: int | None, at: float, *, hard: bool) -> None:
        """Note that the pages of `vdn`, or of all, were purged at `at`, and are to be forgotten if it was `hard`."""
        soft_at, hard_at = self._marks.get(vdn, _NEVER)
        self._marks[vdn] = _Mark(max(soft_at, at), max(hard_at, at) if hard else hard_at)

    def beginning(self, now: float) -> float:
        """Return the moment at which a fetch that begins `now` begins: after every purge, however coarse the clock."""
        return max([now, *(nextafter(mark.soft_at, inf) for mark in self._marks.values() if mark.soft_at <= now)])

    def is_stale(self, vdn: int, began_at: float) -> bool:
        """Tell whether a page whose fetch began then was purged, in whatever way."""
        return any(began_at <= mark.soft_at for mark in self._of(vdn))

    def is_gone(self, vdn: int, began_at: float) -> bool:
        """Tell whether a page whose fetch began then is to be forgotten."""
        return any(began_at <= mark.hard_at for mark in self._of(vdn))

    def _of(self, vdn: int) -> "Iterator[_Mark]":
        return (self._marks[which] for which in (vdn, None) if which in self._marks)


class _Mark(NamedTuple):
    soft_at: float
    hard_at: float


_NEVER = _Mark(float("-inf"), float("-inf"))
