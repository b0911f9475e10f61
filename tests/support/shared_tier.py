"""The shared tier as tests use it: tiers that count their faults, and processes that race for a lease.

As a program, `python -m tests.support.shared_tier URL KEY`, it waits for a line on standard input, then tries to
lead, says `lead` or `follow` on standard output, and holds what it has until standard input ends.
"""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask

from gateway.pages.redis_tier import RedisTier
from gateway.settings.model import Secret
from gateway.shared_store.store import shared_store


class Faults(Counter[str]):
    """Counts faults by kind; safe enough for assertions after the threads are done."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def __call__(self, kind: str) -> None:
        """Count one."""
        with self._lock:
            self[kind] += 1


@contextmanager
def shared_tier(
    url: Secret, faults: Callable[[str], None] | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[RedisTier]:
    """Have a tier, as one process has it, for as long as the context lasts."""
    tier = RedisTier(shared_store(Flask("test"), url, Faults() if faults is None else faults, clock))
    try:
        yield tier
    finally:
        tier.close()


def main(url: str, key: str) -> None:
    """Race for the lease of `key`."""
    with shared_tier(Secret(url)) as tier:
        tier.get(key)
        print("ready", flush=True)  # noqa: T201 -- standard output is what the test reads
        sys.stdin.readline()
        lease = tier.try_lead(key)
        print("follow" if lease is None else "lead", flush=True)  # noqa: T201 -- the same
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
