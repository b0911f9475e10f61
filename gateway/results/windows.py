"""Which page to ask for so that it shows just that part of a list. Pure.

CC-iSales takes the number of a page and its size, so a page begins at a multiple of its size. With all sizes up to 100
to choose from, there is nearly always one a little below 100 that begins a few rows before a given place.
"""

from functools import lru_cache
from typing import Final, NamedTuple

LARGEST: Final = 100


class Window(NamedTuple):
    """The rows from `start` (the first of the list is 0) up to and not with `end`, which are page `page` of `size`."""

    page: int
    size: int

    @property
    def start(self) -> int:
        """Where it begins."""
        return (self.page - 1) * self.size

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.page * self.size


FIRST: Final = Window(1, LARGEST)


@lru_cache(maxsize=4096)
def window_after(end: int) -> Window:
    """Return the window that goes farthest of those which have the row before `end` in them.

    That row, and mostly some before it, are in the window that ended there too. Over a long list that costs a seventh
    more windows than if they did not overlap.
    """
    return max((_with_row(end - 1, size) for size in range(LARGEST, 0, -1)), key=lambda window: window.end)


def window_around(end: int) -> Window:
    """Return the window that shows most of both sides of `end`, of which it has the row before in it."""
    sizes = range(LARGEST, LARGEST // 2, -1)
    return max(
        (_with_row(end - 1, size) for size in sizes), key=lambda window: min(end - window.start, window.end - end)
    )


def _with_row(row: int, size: int) -> Window:
    return Window(row // size + 1, size)
