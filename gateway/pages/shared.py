"""The shared tier of the page cache as the driver sees it: entries in bytes, leases, news. And the null tier."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, Protocol

from gateway.errors import GatewayError
from gateway.model import Deadline, OthersHear

OFF: Final = "off"
"""The state where there is no shared tier."""


class Subscriber(Protocol):
    """Hears what any process does to the pages that all share. It must be quick."""

    def purged(self, vdn: int | None, ago_s: float, *, hard: bool) -> object:
        """Hear that the pages of one VDN, or of all (`None`), that were fetched before `ago_s` seconds were purged.

        Their freshness is over; where it is `hard` they are to be forgotten. It may be told more than once of one
        purge, and of all VDNs when one was missed.
        """
        ...

    def doubted(self, key: str | None) -> object:
        """Hear that a newer page of `key` is about to be there for all; `None`: of any key, for news was missed."""
        ...


class Found(NamedTuple):
    """An entry, the seconds since it was stored, and the seconds that fetching it took."""

    entry: bytes
    age_s: float
    took_s: float


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
    leader or the pages were purged for good. `NOT_SHARED`: there is no shared store, or it is in trouble.
    """

    DONE = "done"
    OVERTAKEN = "overtaken"
    NOT_SHARED = "not shared"


class SharedTier(Protocol):
    """Entries and leases that several processes share. But for `purge`, trouble with the store is never an error."""

    def get(self, key: str) -> Found | None:
        """Return the entry under `key`, or `None` for none or trouble."""
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

    def announce(self, lease: Lease) -> None:
        """Tell all processes that a page is about to land, and return when they have heard, or soon in any case.

        Each of them looks here from then on before it shows the page that it has, so that no caller who has seen the
        new page somewhere is shown the old one elsewhere.
        """
        ...

    def land(self, lease: Lease, entry: bytes, keep_s: float, took_s: float, age_s: float = 0.0) -> Landing:
        """Store `entry` for `keep_s` seconds, give the lease up and wake its followers, if the lease is still ours.

        Of the time that it is kept `age_s` seconds are over. With `keep_s` of 0 nothing is stored, and the followers
        are woken all the same.
        """
        ...

    def fail(self, lease: Lease, error: GatewayError) -> None:
        """Give the lease up and leave `error` to its followers."""
        ...

    def delete(self, key: str) -> None:
        """Remove the entry under `key`."""
        ...

    def purge(self, vdn: int | None, *, hard: bool) -> int:
        """Tell every subscriber in every process that pages were purged; return how many there are here.

        A `hard` purge removes them here. Raises InternalError when that could not be done; then it is to be repeated.
        Its text says why and what to do, and shows no URL.
        """
        ...

    def hear_purges(self) -> bool:
        """Hear now of purges that were missed; return whether that can be known."""
        ...

    def others_hear(self) -> OthersHear:
        """Return how other processes hear of purges, as the latest has shown."""
        ...

    def subscribe(self, subscriber: Subscriber) -> None:
        """Tell `subscriber` all news: of purges in this process before `purge` returns, of others' soon after."""
        ...

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Tell `subscriber` nothing any more; one that never was told anything does not matter."""
        ...

    def state(self) -> str:
        """Return `off`, `ok` or `failing`."""
        ...

    def report(self) -> Mapping[str, object]:
        """Return the state as `status`, and what is wrong: `fault`, `said`, `operations` that fail by themselves."""
        ...

    def failing_operations(self) -> Collection[str]:
        """Return the operations that fail by themselves."""
        ...

    def close(self) -> None:
        """Let go of threads and connections."""
        ...


class NoSharedTier:
    """No shared tier: nothing is found, every lease is this process' own, and purges concern this process alone."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def get(self, key: str) -> Found | None:
        """Return nothing."""
        return None

    def try_lead(self, key: str) -> Lease | None:
        """Return a lease that is not shared."""
        return Lease(key)

    def follow(self, key: str, deadline: Deadline) -> None:
        """Return at once: there is nobody to wait for."""

    def announce(self, lease: Lease) -> None:
        """Tell nobody."""

    def land(self, lease: Lease, entry: bytes, keep_s: float, took_s: float, age_s: float = 0.0) -> Landing:
        """Store nothing."""
        return Landing.NOT_SHARED

    def fail(self, lease: Lease, error: GatewayError) -> None:
        """Tell nobody."""

    def delete(self, key: str) -> None:
        """Remove nothing."""

    def purge(self, vdn: int | None, *, hard: bool) -> int:
        """Tell this process' subscribers; nothing is stored here."""
        for subscriber in tuple(self._subscribers):
            subscriber.purged(vdn, 0.0, hard=hard)
        return 0

    def hear_purges(self) -> bool:
        """Return that there are none."""
        return True

    def others_hear(self) -> OthersHear:
        """Return `NEVER`."""
        return OthersHear.NEVER

    def subscribe(self, subscriber: Subscriber) -> None:
        """Have `subscriber` told by `purge`."""
        self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Have `subscriber` told nothing any more."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def state(self) -> str:
        """Return `off`."""
        return OFF

    def report(self) -> Mapping[str, object]:
        """Return `off` as `status`."""
        return {"status": OFF}

    def failing_operations(self) -> Collection[str]:
        """Return none."""
        return ()

    def close(self) -> None:
        """Let go of nothing."""
