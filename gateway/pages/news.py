"""What processes that share a Redis tell each other: one thread listens, by pub/sub, on all channels.

Pub/sub forgets who does not listen. So whoever begins to listen, or does so again, is told by `caught_up` to find out
what it may have missed, and twice a second by `check`.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from gateway.daemon_thread import start_daemon_thread
from gateway.shared_store.backend import RedisBackend
from gateway.shared_store.guard import TROUBLE, RedisGuard

LISTEN_S = 0.5


class News:
    """Listens, and calls the function of a channel with each message on it. `check` may raise what Redis does."""

    def __init__(
        self,
        backend: RedisBackend,
        guard: RedisGuard,
        channels: Mapping[str, Callable[[str], None]],
        caught_up: Callable[[], None],
        check: Callable[[], None],
    ) -> None:
        self._backend = backend
        self._guard = guard
        self._channels = channels
        self._caught_up = caught_up
        self._check = check
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def listen(self) -> None:
        """See to it that the thread runs; a fork ends it in the child."""
        if (self._thread is not None and self._thread.is_alive()) or self._closed.is_set():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = start_daemon_thread(self._run, "news-listener")

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(LISTEN_S * 4)

    def _run(self) -> None:
        while not self._closed.is_set():
            began = time.monotonic()
            try:
                self._listen()
            except TROUBLE:
                # Under the guard, so that trouble and its end are noticed in a process that has nothing else to do.
                self._guard.run(self._check, None)
                # A connection that was cut is made again at once, for news may come meanwhile.
                self._closed.wait(max(0.0, began + LISTEN_S - time.monotonic()))

    def _listen(self) -> None:
        client: Any = self._backend.client  # redis-py has no types for pub/sub
        with client.pubsub(ignore_subscribe_messages=True) as subscription:
            subscription.subscribe(*self._channels)
            # Subscribed as soon as Redis has read this, and so before it reads what is asked after it.
            self._guard.run(self._check, None)
            self._caught_up()
            while not self._closed.is_set():
                message = subscription.get_message(timeout=LISTEN_S)
                if message is None:
                    # Also where the connection is dead and nobody has said so.
                    self._guard.run(self._check, None)
                else:
                    channel, data = (message[name].decode("ascii", "replace") for name in ("channel", "data"))
                    self._channels[channel](data)
