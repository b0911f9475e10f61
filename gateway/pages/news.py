"""What processes that share a Redis tell each other: one thread listens, by pub/sub, on all channels.

Pub/sub forgets who does not listen. So whoever begins to listen, or does so again, is told by `caught_up` to find out
what it may have missed, and twice a second by `check`.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from redis.exceptions import ResponseError

from gateway.daemon_thread import start_daemon_thread
from gateway.shared_store.backend import RedisBackend
from gateway.shared_store.faults import TROUBLE, fault_of
from gateway.shared_store.guard import RedisGuard
from gateway.shared_store.operations import Operation

LISTEN_S = 0.5
NOTICE_S = 0.1
"""How long it takes at most until the thread sees that it is to end."""


class News:
    """Listens, and calls the function of a channel with each message on it. `check` may raise what Redis does."""

    def __init__(
        self,
        backend: RedisBackend,
        guard: RedisGuard,
        channels: Mapping[str, Callable[[str], None]],
        caught_up: Callable[[], None],
        check: Callable[[], object],
    ) -> None:
        self._backend = backend
        self._guard = guard
        self._channels = channels
        self._caught_up = caught_up
        self._check = check
        self._closed = threading.Event()
        self._confirmed = False
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
        pause_s = NOTICE_S
        while not self._closed.is_set():
            began = time.monotonic()
            try:
                self._listen()
            except TROUBLE as error:
                # Of a connection that was cut the check tells; of a Redis that refuses to be listened to nothing does.
                if fault_of(error).one_operation:
                    self._guard.failed(Operation.LISTEN, error)
                    self._checked()
                elif self._checked() and not self._confirmed:
                    # As proxies do that do not know what is asked of them.
                    self._guard.failed(Operation.LISTEN, ResponseError("connections that would listen are closed"))
            # One that has lasted is made again at once, for news may come meanwhile; others less and less often.
            if time.monotonic() - began >= LISTEN_S:
                pause_s = NOTICE_S
            else:
                self._closed.wait(pause_s)
                pause_s = min(2 * pause_s, LISTEN_S)

    def _listen(self) -> None:
        client, tag = self._backend.client, self._backend.tag
        node: Any = client.on_node_of(tag)  # redis-py has no types for pub/sub
        name, began = client.node_of(tag), time.monotonic()
        self._confirmed = False
        with node.pubsub() as subscription:
            subscription.subscribe(*self._channels)
            # Subscribed as soon as Redis has read this, and so before it reads what is asked after it.
            self._checked()
            checked = time.monotonic()
            while not self._closed.is_set():
                message = subscription.get_message(timeout=NOTICE_S)
                if time.monotonic() - checked >= LISTEN_S:
                    # Whether there is news or not: a master that was demoted goes on telling it for ten seconds, and
                    # where the connection is dead nobody says so.
                    self._checked()
                    checked = time.monotonic()
                if message is None:
                    pass
                elif message["type"] == "message":
                    channel, data = (message[part].decode("ascii", "replace") for part in ("channel", "data"))
                    self._channels[channel](data)
                elif message["type"] == "subscribe":
                    self._confirmed = True
                    self._guard.succeeded(Operation.LISTEN)
                    if message["data"] == len(self._channels):
                        # Not before: of a Redis that does not answer nothing newer could be had either.
                        self._caught_up()
                # To a node that was left, or that others do not tell from any more, it may be one for ever.
                if client.left_at > began or client.node_of(tag) != name:
                    return

    def _checked(self) -> bool:
        """Check, under the guard, so that trouble and its end are noticed in a process that has nothing else to do.

        Tell whether Redis has answered.
        """

        def check() -> bool:
            self._check()
            return True

        # Not under the guard: while it lets nobody ask a node, another one may take that one's place.
        with suppress(*TROUBLE):
            self._backend.follow()
        return self._guard.run(Operation.PURGE, check, otherwise=False, key=self._backend.tag)
