"""The shared tier in Redis: entries with their age, leases, purges. What each method promises is in `shared.py`."""

import struct

from gateway.errors import GatewayError
from gateway.model import Deadline
from gateway.pages.lease import Leases
from gateway.pages.purge import Purges
from gateway.pages.shared import Landing, Lease, Purged
from gateway.shared_store.store import SharedStore

# Before each entry: whose it is, and for how many milliseconds it was stored. What of these is over is its age, so
# that one clock counts, Redis' own.
_MAGIC = b"cgs1"
_HEADER = struct.Struct(">4sQ")


class RedisTier:
    """Entries and leases in the Redis of `store`."""

    def __init__(self, store: SharedStore) -> None:
        self._backend = store.backend
        self._guard = store.guard
        self._leases = Leases(self._backend, self._guard)
        self._purges = Purges(self._backend, self._guard)

    def get(self, key: str) -> tuple[bytes, float] | None:
        """Return the entry under `key` and its age in seconds, or `None`."""
        self._purges.listen()
        found = self._guard.run(lambda: self._backend.look(key), None)
        if found is None:
            return None
        value, left_ms = found
        if len(value) >= _HEADER.size:
            magic, keep_ms = _HEADER.unpack_from(value)
            if magic == _MAGIC and 0 <= left_ms <= keep_ms:
                return value[_HEADER.size :], (keep_ms - left_ms) / 1000
        self._guard.discard(key, self._backend.delete)
        return None

    def try_lead(self, key: str) -> Lease | None:
        """Return a lease of `key`, or `None` when another process holds it."""
        return self._leases.take(key)

    def follow(self, key: str, deadline: Deadline) -> None:
        """Wait for the leader of `key`."""
        self._leases.follow(key, deadline)

    def land(self, lease: Lease, entry: bytes, keep_s: float) -> Landing:
        """Store `entry` for `keep_s` seconds and give `lease` up, if it is still ours."""
        keep_ms = max(0, round(keep_s * 1000))
        return self._leases.land(lease, _HEADER.pack(_MAGIC, keep_ms) + entry, keep_ms)

    def fail(self, lease: Lease, error: GatewayError) -> None:
        """Give `lease` up and leave `error` to its followers."""
        self._leases.fail(lease, error)

    def delete(self, key: str) -> None:
        """Remove the entry under `key`."""
        self._guard.run(lambda: self._backend.delete(key), otherwise=False)

    def purge(self, vdn: int | None) -> int:
        """Remove the pages of `vdn`, or of all, everywhere."""
        return self._purges.purge(vdn)

    def subscribe(self, purged: Purged) -> None:
        """Have `purged` called with each purge of any process."""
        self._purges.subscribe(purged)

    def unsubscribe(self, purged: Purged) -> None:
        """Have `purged` called no more."""
        self._purges.unsubscribe(purged)

    def state(self) -> str:
        """Return `ok` or `failing`."""
        return "failing" if self._guard.failing else "ok"

    def close(self) -> None:
        """End the threads and close the connections."""
        self._purges.close()
        self._leases.close()
        self._backend.close()
