"""Purges over several processes: what is shared is removed, and each process hears that it has to forget.

They hear by pub/sub. Since that forgets who does not listen, the latest purge also has a name in Redis, its epoch,
that each process compares with the latest one it heard of.
"""

import threading
from collections import deque
from typing import Any
from uuid import uuid4

from gateway.daemon_thread import start_daemon_thread
from gateway.errors import InternalError
from gateway.pages.shared import Purged
from gateway.shared_store.backend import KEY_PREFIX, RedisBackend
from gateway.shared_store.guard import TROUBLE, RedisGuard

CHANNEL = KEY_PREFIX + "purged"
EPOCH = KEY_PREFIX + "epoch"
# Longer than any process keeps a page, which is eight days at most; one that missed a purge before that has nothing
# left to forget.
EPOCH_MS = 9 * 24 * 3600 * 1000
HEARD_EPOCHS = 64
"""More purges than there may be between one that the listener reads of and the latest."""
LISTEN_S = 0.5
SCAN_COUNT = 1000
RETRY_AFTER_S = 5

_TELL = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4] .. ' ' .. ARGV[1])
"""


class Purges:
    """Purges, and calls subscribers when anybody does."""

    def __init__(self, backend: RedisBackend, guard: RedisGuard) -> None:
        self._backend = backend
        self._guard = guard
        self._tell = backend.script(_TELL)
        self._subscribers: list[Purged] = []
        self._heard: deque[str] = deque(maxlen=HEARD_EPOCHS)
        self._hearing = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def purge(self, vdn: int | None) -> int:
        """Remove the pages of `vdn`, or of all, and tell all processes; return how many pages went.

        It is tried even where the guard would skip it: an operator who asks wants to know. Raises InternalError.
        """
        pages = "page:*" if vdn is None else f"page:*:{vdn}:*"
        epoch = uuid4().hex
        try:
            # Leases first: after that no fetch that began before the purge can land, so no page comes behind the scan.
            self._remove(f"lease:{pages}")
            gone = self._remove(pages)
            self._tell(keys=[EPOCH], args=[epoch, EPOCH_MS, CHANNEL, "*" if vdn is None else vdn])
        except TROUBLE as error:
            kind = self._guard.count(error)
            # Without the cause, which may show where Redis is.
            raise InternalError(
                f"The shared cache could not be purged ({kind}). Check cache.shared_url and that Redis runs and may be "
                "written to, then purge again: until then some processes still serve the old pages.",
                retry_after_s=RETRY_AFTER_S,
                foreseen=True,
            ) from None
        self._hear(vdn, epoch)
        return gone

    def subscribe(self, purged: Purged) -> None:
        """Have `purged` called with each purge of any process."""
        self._subscribers.append(purged)
        self.listen()

    def unsubscribe(self, purged: Purged) -> None:
        """Have `purged` called no more."""
        if purged in self._subscribers:
            self._subscribers.remove(purged)

    def listen(self) -> None:
        """See to it that the listening thread runs where there are subscribers; a fork ends it in the child."""
        if not self._subscribers or (self._thread is not None and self._thread.is_alive()) or self._closed.is_set():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = start_daemon_thread(self._run, "purge-listener")

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(LISTEN_S * 4)

    def _remove(self, pattern: str) -> int:
        client, cursor, gone = self._backend.client, 0, 0
        while True:
            cursor, keys = client.scan(cursor, match=KEY_PREFIX + pattern, count=SCAN_COUNT)
            gone += client.unlink(*keys) if keys else 0
            if cursor == 0:
                return gone

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._listen()
            except TROUBLE:
                # Under the guard, so that trouble and its end are noticed in a process that has nothing else to do.
                self._guard.run(self._catch_up, None)
                self._closed.wait(LISTEN_S)

    def _listen(self) -> None:
        client: Any = self._backend.client  # redis-py has no types for pub/sub
        with client.pubsub(ignore_subscribe_messages=True) as subscription:
            subscription.subscribe(CHANNEL)
            self._catch_up()
            while not self._closed.is_set():
                message = subscription.get_message(timeout=LISTEN_S)
                if message is None:
                    # Also where the connection is dead and nobody has said so.
                    self._guard.run(self._catch_up, None)
                else:
                    self._read(message["data"])

    def _catch_up(self) -> None:
        epoch = self._backend.client.get(EPOCH)
        if isinstance(epoch, bytes):
            self._hear(None, epoch.decode("ascii", "replace"))

    def _read(self, data: bytes) -> None:
        which, _, epoch = data.decode("ascii", "replace").partition(" ")
        self._hear(int(which) if which.isdecimal() else None, epoch)

    def _hear(self, vdn: int | None, epoch: str) -> None:
        # Under the lock to the end: who purges goes on only when this process has forgotten, also where the listener
        # was the first to hear. Of an earlier epoch the listener may read late.
        with self._hearing:
            if epoch in self._heard:
                return
            self._heard.append(epoch)
            for purged in tuple(self._subscribers):
                purged(vdn)
