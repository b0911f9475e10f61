"""Tells all processes that a page is about to land, so that none goes on showing the one before.

A leader that has a page tells first and stores after: each process that hears it looks into Redis from then on before
it shows its own copy, and says that it has heard. When all have, the page is stored. Until then everybody shows the old
page, and from then on nobody does. A process that does not answer costs the others no more than `WAIT_S`.

In a cluster a message reaches all who listen, on whichever node, but Redis counts only those on its own. So all of them
listen on one node, and who hears answers there.
"""

from typing import Any, Final

from gateway.pages.shared import Lease, Subscriber
from gateway.shared_store.backend import WAIT_S, RedisBackend
from gateway.shared_store.guard import RedisGuard
from gateway.shared_store.operations import Operation

KEEP_MS: Final = 3000

# Who listens is counted by Redis in the same step, so that none of them can answer before.
_TELL = """
local listening = redis.call('PUBLISH', ARGV[1], ARGV[2])
if listening > 0 then redis.call('SET', KEYS[1], listening, 'PX', ARGV[3]) end
return listening
"""

_HEARD = """
if redis.call('EXISTS', KEYS[1]) == 0 then return end
if redis.call('DECR', KEYS[1]) == 0 then
  redis.call('RPUSH', KEYS[2], 'all')
  redis.call('PEXPIRE', KEYS[2], ARGV[1])
end
"""


class Landings:
    """Announces pages, and tells `subscribers` of those that are announced. Never raises for trouble with Redis."""

    def __init__(self, backend: RedisBackend, guard: RedisGuard, subscribers: list[Subscriber]) -> None:
        self._backend = backend
        self._guard = guard
        self._subscribers = subscribers
        self.channel: Final = f"{backend.prefix}landing:{backend.tag}"
        self._tell = backend.script(_TELL)
        self._heard = backend.script(_HEARD)

    def announce(self, lease: Lease) -> None:
        """Tell that the page of `lease` is about to land, and wait until all have heard, or for `WAIT_S`."""
        left, heard = self._keys(lease.token)
        message = f"{lease.token} {lease.key}"
        args: list[str | int] = [self.channel, message, KEEP_MS]
        told = self._guard.run(
            Operation.LISTEN, lambda: self._tell(keys=[left], args=args), 0, key=left, writing=True, part="tell"
        )
        if told:
            waiting: Any = self._backend.waiting  # redis-py has whole seconds only in its types
            self._guard.run(
                Operation.LISTEN,
                lambda: waiting.ask_node_of(heard, lambda node: node.blpop(heard, WAIT_S)),
                None,
                key=heard,
                writing=True,
                part="wait",
            )

    def hear(self, message: str) -> None:
        """Read a message of `channel`, and say that it was heard."""
        token, _, key = message.partition(" ")
        for subscriber in tuple(self._subscribers):
            subscriber.doubted(key)
        keys = self._keys(token)
        self._guard.run(
            Operation.LISTEN,
            lambda: self._heard(keys=keys, args=[KEEP_MS]),
            None,
            key=keys[0],
            writing=True,
            part="acknowledge",
        )

    def missed(self) -> None:
        """Tell that any page may have landed unheard."""
        for subscriber in tuple(self._subscribers):
            subscriber.doubted(None)

    def _keys(self, token: str) -> tuple[str, str]:
        name = f"{self._backend.prefix}heard:{self._backend.tag}:{token}"
        return f"{name}:left", name
