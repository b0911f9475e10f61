"""A system that gives no more threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MORE_THAN_THERE_IS = 1 << 47
"""Bytes of stack: all that a process can address, so that the system refuses every thread that is to have it."""


@contextmanager
def no_more_threads() -> Iterator[None]:
    """Have the system refuse each new thread of this process for as long as the context lasts."""
    before = threading.stack_size(MORE_THAN_THERE_IS)
    try:
        yield
    finally:
        threading.stack_size(before)
