"""Threads of this process: whether pages are fetched in some, and a system that gives no more of them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MORE_THAN_THERE_IS = 1 << 47
"""Bytes of stack: all that a process can address, so that the system refuses every thread that is to have it."""


def nothing_is_fetched_behind() -> bool:
    """Tell whether no page is being fetched in a thread of its own.

    To move the clock meanwhile takes time from such a fetch, as much as the machine is busy: it may be timed out, which
    counts against CC-iSales like any other failure.
    """
    return not any(thread.name.startswith("fetch-") for thread in threading.enumerate())


@contextmanager
def no_more_threads() -> Iterator[None]:
    """Have the system refuse each new thread of this process for as long as the context lasts."""
    before = threading.stack_size(MORE_THAN_THERE_IS)
    try:
        yield
    finally:
        threading.stack_size(before)
