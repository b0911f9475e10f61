"""The shared tier in Redis: entries with their age, leases, news. What each method promises is in `shared.py`."""

import struct
from collections.abc import Collection, Mapping

from gateway.errors import GatewayError
from gateway.model import Deadline, OthersHear
from gateway.pages.landings import Landings
from gateway.pages.lease import Leases
from gateway.pages.news import News
from gateway.pages.purge import Purges
from gateway.pages.shared import Found, Landing, Lease, Subscriber
from gateway.shared_store.operations import Operation
from gateway.shared_store.store import SharedStore

# Before each entry: whose it is, for how many milliseconds it was stored, and how many its fetch took. What of the
# first is over is its age, so that one clock counts, Redis' own.
_MAGIC = b"cgs2"
_HEADER = struct.Struct(">4sQQ")


class RedisTier:
    """Entries and leases in the Redis of `store`."""

    def __init__(self, store: SharedStore) -> None:
        self._backend = store.backend
        self._guard = store.guard
        self._leases = Leases(self._backend, self._guard)
        self._subscribers: list[Subscriber] = []
        self._purges = Purges(self._backend, self._guard, self._subscribers)
        self._landings = Landings(self._backend, self._guard, self._subscribers)
        channels = {self._purges.channel: self._purges.hear, self._landings.channel: self._landings.hear}
        self._news = News(self._backend, self._guard, channels, self._landings.missed, self._check)
        self._checked = False

    def get(self, key: str) -> Found | None:
        """Return the entry under `key`, or `None`."""
        if self._subscribers:
            self._news.listen()
        if not self._checked:
            # What was purged before this process began is still here.
            self.hear_purges()
        name = self._backend.prefix + key
        found = self._guard.run(Operation.LOOK, lambda: self._backend.look(key), None, key=name)
        if found is None:
            return None
        value, left_ms = found
        if len(value) >= _HEADER.size:
            magic, keep_ms, took_ms = _HEADER.unpack_from(value)
            if magic == _MAGIC and 0 <= left_ms <= keep_ms:
                return Found(value[_HEADER.size :], (keep_ms - left_ms) / 1000, took_ms / 1000)
        self._guard.discard(key, self._backend.delete)
        return None

    def try_lead(self, key: str) -> Lease | None:
        """Return a lease of `key`, or `None` when another process holds it."""
        return self._leases.take(key)

    def follow(self, key: str, deadline: Deadline) -> None:
        """Wait for the leader of `key`."""
        self._leases.follow(key, deadline)

    def announce(self, lease: Lease) -> None:
        """Tell all processes that the page of `lease` is about to land."""
        self._landings.announce(lease)

    def land(self, lease: Lease, entry: bytes, keep_s: float, took_s: float, age_s: float = 0.0) -> Landing:
        """Store `entry` for `keep_s` seconds, of which `age_s` are over, and give `lease` up, if it is still ours."""
        keep_ms, took_ms, left_ms = (max(0, round(seconds * 1000)) for seconds in (keep_s, took_s, keep_s - age_s))
        return self._leases.land(lease, _HEADER.pack(_MAGIC, keep_ms, took_ms) + entry, left_ms)

    def fail(self, lease: Lease, error: GatewayError) -> None:
        """Give `lease` up and leave `error` to its followers."""
        self._leases.fail(lease, error)

    def delete(self, key: str) -> None:
        """Remove the entry under `key`."""
        name = self._backend.prefix + key
        self._guard.run(Operation.STORE, lambda: self._backend.delete(key), otherwise=False, key=name)

    def purge(self, vdn: int | None, *, hard: bool) -> int:
        """Purge the pages of `vdn`, or of all, everywhere."""
        return self._purges.purge(vdn, hard=hard)

    def hear_purges(self) -> bool:
        """Hear now of purges that were missed; return whether Redis answered."""
        return self._guard.run(Operation.PURGE, self._check, otherwise=False, key=self._backend.tag)

    def others_hear(self) -> OthersHear:
        """Return how other processes hear of purges; they are no better off than this one."""
        unheard = self._purges.refused or Operation.LISTEN in self._guard.failing_operations()
        return OthersHear.SOON if unheard else OthersHear.AT_ONCE

    def subscribe(self, subscriber: Subscriber) -> None:
        """Tell `subscriber` all news."""
        self._subscribers.append(subscriber)
        self._news.listen()

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Tell `subscriber` nothing any more."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def state(self) -> str:
        """Return `ok` or `failing`."""
        return "failing" if self._guard.failing else "ok"

    def report(self) -> Mapping[str, object]:
        """Return the state, and what is wrong."""
        return {"status": self.state(), **self._guard.report()}

    def failing_operations(self) -> Collection[str]:
        """Return the operations that fail by themselves."""
        return self._guard.failing_operations()

    def close(self) -> None:
        """End the threads and close the connections."""
        self._news.close()
        self._leases.close()
        self._backend.close()

    def _check(self) -> bool:
        """Find out whether this is a Redis to use, and which purges were missed; raises what Redis does."""
        try:
            self._purges.check()
            self._checked = True
            return True
        finally:
            # After that, because a replica tells of purges too; and whatever came of it.
            self._guard.place(self._backend.instead)
