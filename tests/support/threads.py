"""Threads of this process: what they are at, and a system that gives no more of them."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, FunctionType

MORE_THAN_THERE_IS = 1 << 47
"""Bytes of stack: all that a process can address, so that the system refuses every thread that is to have it."""


def nothing_is_fetched_behind() -> bool:
    """Tell whether no page is being fetched in a thread of its own.

    To move the clock meanwhile takes time from such a fetch, as much as the machine is busy: it may be timed out, which
    counts against CC-iSales like any other failure.
    """
    return not any(thread.name.startswith("fetch-") for thread in threading.enumerate())


def threads_in(function: Callable[..., object]) -> int:
    """Return how many threads are in a call of this function, such as one in which they wait for each other."""
    assert isinstance(function, FunctionType)

    def is_in(frame: FrameType | None) -> bool:
        while frame is not None and frame.f_code is not function.__code__:
            frame = frame.f_back
        return frame is not None

    return sum(map(is_in, sys._current_frames().values()))  # noqa: SLF001 -- Python documents it, for such purposes


@contextmanager
def no_more_threads() -> Iterator[None]:
    """Have the system refuse each new thread of this process for as long as the context lasts."""
    before = threading.stack_size(MORE_THAN_THERE_IS)
    try:
        yield
    finally:
        threading.stack_size(before)
