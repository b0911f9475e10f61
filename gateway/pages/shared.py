"""The shared tier of the page cache as the driver sees it: entries in bytes, leases, purges. And the null tier."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.errors import GatewayError
from gateway.model import Deadline

Purged = Callable[[int | None], None]
"""Is told that the pages of one VDN, or of all (`None`), are to be forgotten."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Lease:
    """The right to fetch the page of `key`, for as long as this object lives or until it is given up.

    `shared` says whether other processes know of it. Without a shared cache, or while it is in trouble, they do not,
    and then each process fetches for itself.
    """

    key: str
    token: str = ""
    shared: bool = False


class Landing(Enum):
    """What became of a landing.

    `DONE`: the page is there for all. `OVERTAKEN`: the lease was not ours any more, because it was lost to another
    leader or the pages were purged meanwhile. `NOT_SHARED`: there is no shared store, or it is in trouble.
    """

    DONE = "done"
    OVERTAKEN = "overtaken"
    NOT_SHARED = "not shared"


class SharedTier(Protocol):
    """Entries and leases that several processes share. But for `purge`, trouble with the store is never an error."""

    def get(self, key: str) -> tuple[bytes, float] | None:
        """Return the entry under `key` and the seconds since it was stored, or `None` for none or trouble."""
        ...

    def try_lead(self, key: str) -> Lease | None:
        """Return a lease when this process may fetch the page of `key`, `None` when another one holds the lease.

        When the store is in trouble the lease is one that is not shared. Every lease is to be given up by `land` or
        `fail`; one that is merely dropped is lost to the others for a few seconds.
        """
        ...

    def follow(self, key: str, deadline: Deadline) -> None:
        """Wait until the leader of `key` has landed or is lost; then `get` and `try_lead` tell which.

        Raises the leader's failure (a leaf of `gateway.errors`), or UpstreamTimeout at the deadline.
        """
        ...

    def land(self, lease: Lease, entry: bytes, keep_s: float) -> Landing:
        """Store `entry` for `keep_s` seconds, give the lease up and wake its followers, if the lease is still ours.

        With `keep_s` of 0 nothing is stored, and the followers are woken all the same.
        """
        ...

    def fail(self, lease: Lease, error: GatewayError) -> None:
        """Give the lease up and leave `error` to its followers."""
        ...

    def delete(self, key: str) -> None:
        """Remove the entry under `key`."""
        ...

    def purge(self, vdn: int | None) -> int:
        """Remove the pages of one VDN, or of all; return how many went.

        Fetches that began before cannot land any more, and every subscriber in every process is told. Raises
        InternalError when that could not be done; then it is to be repeated. Its text says why and what to do, and
        shows no URL.
        """
        ...

    def subscribe(self, purged: Purged) -> None:
        """Have `purged` called whenever anybody purges: in this process before `purge` returns, in others soon after.

        It may be called more than once for one purge, and with `None` when one was missed. It runs in the thread of
        the purge or of the tier, and must be quick.
        """
        ...

    def unsubscribe(self, purged: Purged) -> None:
        """Have `purged` called no more; one that never was does not matter."""
        ...

    def state(self) -> str:
        """Return `off`, `ok` or `failing`."""
        ...

    def close(self) -> None:
        """Let go of threads and connections."""
        ...


class NoSharedTier:
    """No shared tier: nothing is found, every lease is this process' own, and purges concern this process alone."""

    def __init__(self) -> None:
        self._subscribers: list[Purged] = []

    def get(self, key: str) -> tuple[bytes, float] | None:
        """Return nothing."""
        return None

    def try_lead(self, key: str) -> Lease | None:
        """Return a lease that is not shared."""
        return Lease(key)

    def follow(self, key: str, deadline: Deadline) -> None:
        """Return at once: there is nobody to wait for."""

    def land(self, lease: Lease, entry: bytes, keep_s: float) -> Landing:
        """Store nothing."""
        return Landing.NOT_SHARED

    def fail(self, lease: Lease, error: GatewayError) -> None:
        """Tell nobody."""

    def delete(self, key: str) -> None:
        """Remove nothing."""

    def purge(self, vdn: int | None) -> int:
        """Tell this process' subscribers; nothing was stored, so nothing went."""
        for purged in tuple(self._subscribers):
            purged(vdn)
        return 0

    def subscribe(self, purged: Purged) -> None:
        """Have `purged` called by `purge`."""
        self._subscribers.append(purged)

    def unsubscribe(self, purged: Purged) -> None:
        """Have `purged` called no more."""
        if purged in self._subscribers:
            self._subscribers.remove(purged)

    def state(self) -> str:
        """Return `off`."""
        return "off"

    def close(self) -> None:
        """Let go of nothing."""
