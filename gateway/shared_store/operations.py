"""The kinds of operations on the shared Redis, and what is lost while one of them fails."""

from enum import StrEnum
from typing import Final


class Operation(StrEnum):
    """What is done for callers, whatever commands that takes."""

    LOOK = "look"
    LEASE = "lease"
    STORE = "store"
    SLOT = "slot"
    SIGNATURE = "signature"
    LIMIT = "limit"
    LISTEN = "listen"
    PURGE = "purge"


LOST: Final = {
    Operation.LOOK: "pages of other processes are not found, so each process fetches for itself",
    Operation.LEASE: "each process fetches for itself: up to one call a page for each process",
    Operation.STORE: "pages are not put there, so each process keeps its own",
    Operation.SLOT: "calls are counted per process: up to as many times isales.concurrency as there are processes, or "
    "isales.concurrency over all where isales.processes says how many there are",
    Operation.SIGNATURE: "refused signatures are counted per process: up to as many times the budget as there are",
    Operation.LIMIT: "requests are counted per process: up to as many times requests_per_minute as there are processes",
    Operation.LISTEN: "news of other processes is missed: a purge is heard of late, and a page may be older than one "
    "that was shown before",
    Operation.PURGE: "a purge reaches the process that was asked, and no other",
}
