"""When credentials were last good, so that operators see who still calls, and which key may go."""

import threading
import time
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

CURRENT: Final = "current"
PREVIOUS: Final = "previous"
TOKEN: Final = "token"  # noqa: S105 -- the name of a kind of credential
"""Kinds of credentials: a client's two API keys, and bearer tokens."""

MAX_TOKEN_NAMES: Final = 100
OTHER: Final = "other"
"""So many holders of tokens are told apart, those that came first; all others are one."""


class LastUse:
    """When a credential was last good: `at`, on the clock of `time.perf_counter`, `None` for never.

    Who lets a request in sets `at` to a time that it has at hand. Of several at once any may win: all mean now.
    """

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at: float | None = None


class Seen(NamedTuple):
    """When a client's credential was last good here, seconds since 1970; 0.0 for never."""

    client: str
    credential: str
    timestamp: float


class LastUses:
    """The last use of each credential, by client and kind. `clock` is that of `LastUse`."""

    def __init__(self, wall: Callable[[], float] = time.time, clock: Callable[[], float] = time.perf_counter) -> None:
        self._wall = wall
        self._clock = clock
        self._lock = threading.Lock()
        self._uses: dict[tuple[str, str], LastUse] = {}
        self._token_names = 0

    def of_key(self, client: str, credential: str) -> LastUse:
        """Return the one of a client's key, which is `CURRENT` or `PREVIOUS`."""
        with self._lock:
            return self._uses.setdefault((client, credential), LastUse())

    def keep_keys(self, keys: Collection[tuple[str, str]]) -> None:
        """Forget the ones of keys that are not among `keys`, clients with their kinds: nobody has them any more."""
        with self._lock:
            gone = [whose for whose in self._uses if whose[1] != TOKEN and whose not in keys]
            for whose in gone:
                del self._uses[whose]

    def of_token(self, client: str) -> LastUse:
        """Return the one of a holder of tokens, or the one of all others once there are too many of them."""
        with self._lock:
            known = self._uses.get((client, TOKEN))
            if known is not None:
                return known
            if self._token_names >= MAX_TOKEN_NAMES:
                return self._uses.setdefault((OTHER, TOKEN), LastUse())
            self._token_names += 1
            return self._uses.setdefault((client, TOKEN), LastUse())

    def report(self) -> list[Seen]:
        """Return what is known, sorted."""
        with self._lock:
            uses = sorted(self._uses.items())
        ahead = self._wall() - self._clock()
        return [Seen(*whose, 0.0 if use.at is None else use.at + ahead) for whose, use in uses]
