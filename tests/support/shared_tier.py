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
from typing import NamedTuple

from flask import Flask

from gateway.pages.redis_tier import RedisTier
from gateway.settings.model import Secret
from gateway.shared_store.address import KEY_PREFIX, StoreAddress, namespace_of
from gateway.shared_store.store import SharedStore, shared_store
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

NAMESPACE = namespace_of("")
LANDING_CHANNEL = f"{KEY_PREFIX}landing:{{{NAMESPACE}}}"
PURGE_CHANNEL = f"{KEY_PREFIX}purged"
EPOCH = f"epoch:{{{NAMESPACE}}}"
"""What the tiers of tests call things, those of no upstream."""
PATIENCE_S = 5.0
"""So that a busy machine is not taken for trouble with Redis."""


class Faults(Counter[str]):
    """Counts faults by kind; safe enough for assertions after the threads are done."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, kind: str, operation: str = "") -> None:
        """Count one."""
        with self._lock:
            self[kind] += 1
            self.operations[operation] += 1


class Heard(NamedTuple):
    """What a subscriber is told of a purge."""

    vdn: int | None
    ago_s: float
    hard: bool


class Hearing:
    """Hears what any process does to the pages, and keeps it."""

    def __init__(self) -> None:
        self.purges: list[Heard] = []
        self.doubts: list[str | None] = []

    def purged(self, vdn: int | None, ago_s: float, *, hard: bool) -> None:
        """Take note of a purge."""
        self.purges.append(Heard(vdn, ago_s, hard))

    def doubted(self, key: str | None) -> None:
        """Take note of a page that is about to be there."""
        self.doubts.append(key)


@contextmanager
def shared_tier(
    url: Secret | StoreAddress,
    faults: Callable[[str, str], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    make: Callable[[SharedStore], RedisTier] = RedisTier,
) -> Iterator[RedisTier]:
    """Have a tier, as one process has it, for as long as the context lasts; with a plain `url` it has patience."""
    address = StoreAddress(url, timeout_s=PATIENCE_S) if isinstance(url, Secret) else url
    tier = make(shared_store(Flask("test"), address, Faults() if faults is None else faults, clock))
    try:
        yield tier
    finally:
        tier.close()


def wait_until_heard(server: RedisServer, processes: int) -> None:
    """Return when so many processes hear the news of each other."""
    with server.client() as client:
        wait_until(lambda: client.pubsub_numsub(LANDING_CHANNEL)[0][1] == processes)


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
