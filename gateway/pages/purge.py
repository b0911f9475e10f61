"""Purges over several processes: each hears of them, and what is purged for good is removed from Redis.

They hear by pub/sub. Since that forgets who does not listen, the latest purge also has a name in Redis, its epoch,
that each process compares with the latest one it heard of. How long ago it was is what is gone of its time to live, so
that one clock counts, Redis' own. A Redis that has lost it, as after a failover, is told it again.

Processes of the version before know hard purges only, take every message for one, and have pages of another format.
They and gateways of other upstreams listen on the same channel; an epoch's name says whose it is, and theirs does not.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from uuid import uuid4

from redis.exceptions import ResponseError

from gateway.errors import InternalError
from gateway.pages.key import prefix_of
from gateway.pages.shared import Subscriber
from gateway.shared_store.backend import RedisBackend
from gateway.shared_store.guard import TROUBLE, RedisGuard
from gateway.shared_store.operations import Operation

# Longer than any process keeps a page, which is eight days at most; one that missed a purge before that has nothing
# left to forget.
EPOCH_MS: Final = 9 * 24 * 3600 * 1000
HEARD_EPOCHS: Final = 64
"""More purges than there may be between one that the listener reads of and the latest."""
SCAN_COUNT: Final = 1000
RETRY_AFTER_S: Final = 5
CLOSE_S: Final = 1.0
"""Of purges that are so close together, processes may hear in different orders."""
_SOFT: Final = "soft"

_TELL = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local told = redis.pcall('PUBLISH', ARGV[3], ARGV[4] .. ' ' .. ARGV[1])
return type(told) == 'table' and told.err or ''
"""

_RESTORE = """
local known = redis.call('GET', KEYS[1])
if (known or '') == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
"""


class _Epoch(NamedTuple):
    name: str
    at: float


class Purges:
    """Purges, and tells `subscribers` of them whoever purged. `clock` is monotonic."""

    def __init__(
        self,
        backend: RedisBackend,
        guard: RedisGuard,
        subscribers: list[Subscriber],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._guard = guard
        self._subscribers = subscribers
        self._clock = clock
        self.channel: Final = f"{backend.prefix}purged"
        self.epoch: Final = f"epoch:{backend.tag}"
        """The key of the latest purge, without the prefix."""
        self._ours = f"@{backend.namespace}"
        self._tell = backend.script(_TELL)
        self._restore = backend.script(_RESTORE)
        self._failed = False
        self.refused = False
        """Whether Redis would not pass on the message of the latest purge."""
        self._heard: deque[_Epoch] = deque(maxlen=HEARD_EPOCHS)
        self._hearing = threading.Lock()
        self._made_at = clock()

    def purge(self, vdn: int | None, *, hard: bool) -> int:
        """Purge the pages of `vdn`, or of all, and tell all processes; return how many there were in Redis.

        It is tried even where the guard would skip it: an operator who asks wants to know. Raises InternalError.
        """
        epoch = f"{uuid4().hex}{self._ours}" + ("" if hard else f" {_SOFT}")
        told = [epoch, EPOCH_MS, self.channel, "*" if vdn is None else vdn]
        try:
            # The word first, for who puts a page there that it has (`unshared`) hears of purges once it has the lease.
            # Then the leases: no fetch that began before can land after that, so no page comes behind the scan.
            refused = self._tell(keys=[self._backend.prefix + self.epoch], args=told)
            self._remove("lease:", vdn, own=hard)
            pages = self._remove("", vdn, own=hard)
        except TROUBLE as error:
            self._failed = True
            kind = self._guard.failed(Operation.PURGE, error).kind
            # Without the cause, which may show where Redis is.
            raise InternalError(
                f"The shared cache could not be purged ({kind}). Check cache.shared_url and that Redis runs and may be "
                "written to, then purge again: until then some processes still serve the old pages.",
                retry_after_s=RETRY_AFTER_S,
                foreseen=True,
            ) from None
        self._failed = False
        self._guard.succeeded(Operation.PURGE)
        self.refused = bool(refused)
        if refused:
            # Others find the epoch within half a second, so that it is done all the same.
            self._guard.failed(Operation.LISTEN, ResponseError(refused.decode("utf-8", "replace")), part="purge")
        else:
            self._guard.succeeded(Operation.LISTEN, part="purge")
        self._hear(vdn, 0.0, epoch, hard=hard)
        return pages

    def hear(self, message: str) -> None:
        """Read a message of `channel`."""
        which, _, epoch = message.partition(" ")
        if "@" in epoch and epoch.removesuffix(f" {_SOFT}")[-len(self._ours) :] != self._ours:
            return
        self._hear(int(which) if which.isdecimal() else None, 0.0, epoch, hard=not epoch.endswith(_SOFT))

    def check(self) -> None:
        """Compare the latest purge with the latest that was heard of; raises what Redis does.

        After one that failed, also find out whether the next one would.
        """
        self._compare()
        if self._failed:
            nothing = f"{self._backend.prefix}nothing:{self._backend.tag}"
            for node in self._backend.client.primaries():
                node.scan(0, match=nothing, count=1)
            self._backend.client.ask_node_of(nothing, lambda node: node.unlink(nothing))
            self._failed = False

    def _compare(self) -> None:
        found = self._backend.look(self.epoch)
        name, ago_s = "", 0.0
        if found is not None:
            name, ago_s = found[0].decode("ascii", "replace"), max(0.0, (EPOCH_MS - found[1]) / 1000)
        now, known = self._clock(), tuple(self._heard)
        latest = max(known, key=lambda epoch: epoch.at, default=None)
        if name and all(name != epoch.name for epoch in known):
            # Whose pages it was about is not known, nor how many more were missed, so it concerns all. Of one that was
            # before this process began it has no pages, and what was to be forgotten is not in Redis any more.
            self._hear(None, ago_s, name, hard=ago_s <= now - self._made_at and not name.endswith(_SOFT))
        elif latest is not None and (not name or latest.at - (now - ago_s) > CLOSE_S):
            left_ms = EPOCH_MS - round((now - latest.at) * 1000)
            if left_ms > 0:
                self._restore(keys=[self._backend.prefix + self.epoch], args=[name, latest.name, left_ms])

    def _remove(self, kind: str, vdn: int | None, *, own: bool) -> int:
        """Count what is kept of the pages of `vdn`, and remove it, or only what other versions keep if not `own`.

        Those of other upstreams, of this version, are left alone.
        """
        begin = self._backend.prefix + kind
        pattern = begin + ("page:*" if vdn is None else f"page:*:{vdn}:*")
        this_version, this_upstream = (begin + prefix_of(vdn)).encode(), f":{self._backend.namespace}:{{".encode()
        pages = 0
        for node in self._backend.client.primaries():
            scanned: Any = node  # redis-py takes keys for texts in its types
            cursor = -1
            while cursor != 0:
                cursor, found = scanned.scan(max(0, cursor), match=pattern, count=SCAN_COUNT)
                keys = [key for key in found if b"{" not in key or this_upstream in key]
                gone = [key for key in keys if own or not key.startswith(this_version)]
                if gone:
                    # By the client of all nodes: keys may move while they are looked for.
                    self._backend.client.unlink(*gone)
                pages += len(keys)
        return pages

    def _hear(self, vdn: int | None, ago_s: float, name: str, *, hard: bool) -> None:
        # Under the lock to the end: who purges goes on only when this process has heard, also where the listener was
        # the first to hear. Of an earlier epoch the listener may read late.
        with self._hearing:
            if any(name == heard.name for heard in self._heard):
                return
            self._heard.append(_Epoch(name, self._clock() - ago_s))
            for subscriber in tuple(self._subscribers):
                subscriber.purged(vdn, ago_s, hard=hard)
