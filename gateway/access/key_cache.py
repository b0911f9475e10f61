"""The identity provider's keys as this process knows them: read rarely, kept while the provider is away.

Whoever names an unknown key makes us look for new ones, so that a rotation takes effect at once: once a minute for each
name, so that a caller with a wrong one is no burden, and never more often than every five seconds, so that made-up
names do not make us flood the provider, and hardly delay the next good one.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from gateway.access.jwks import TokenKeys, parse_jwks
from gateway.daemon_thread import start_daemon_thread
from gateway.errors import InternalError

PAUSE_S: Final = 60.0
LEAST_PAUSE_S: Final = 5.0
"""Least seconds between two readings for one name of a key or after a failure, and between any two."""

WAIT_S: Final = 3.0
"""Longest time that a request waits for keys, however long the provider, or the name service, takes."""

log = structlog.get_logger("gateway.access")


class KeyCache:
    """Keys by `kid`, from `read`, which returns a JWK set or raises OSError or ValueError.

    They are read at first need and, `refresh_s` after that, anew, each time by a thread of its own. Who needs the
    outcome waits for it with `wait`. `count` is told `ok` or `failed` for each reading; `source` is what the log calls
    the place.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        source: str,
        refresh_s: float,
        count: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._read = read
        self._source = source
        self._refresh_s = refresh_s
        self._count = count
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._under_way: threading.Event | None = None
        self._keys: TokenKeys | None = None
        self._tried_at = float("-inf")
        self._fault = ""
        self._looked_for: dict[str | None, float] = {}

    def find(self, key_id: str | None, /, *, anew: bool = False) -> TokenKeys:
        """Return the keys, after having looked for one of this name. Raises InternalError when no keys are known.

        `None` is that of a token that names no key. `anew` says that the ones that were returned do not fit.
        """
        if self._keys is None:
            self._wait_for(self._reading(LEAST_PAUSE_S))
        else:
            self._reading(PAUSE_S if self._fault else self._refresh_s)
        keys = self._known()
        if anew or not keys.named(key_id):
            self._wait_for(self._reading_for(key_id))
            keys = self._known()
        return keys

    def load(self) -> None:
        """Read the keys now. `ValueError`, with a sentence, if that fails."""
        self._try()
        if self._fault:
            raise ValueError(self._fault)

    def state(self) -> str:
        """Return `unknown` before the first reading, then `ok` or, when the last one failed, `failing`."""
        if self._fault:
            return "failing"
        return "unknown" if self._keys is None else "ok"

    def _known(self) -> TokenKeys:
        if self._keys is None:
            # Not `unauthenticated`: the token may be good, and its holder can do nothing. Not one of the `upstream`
            # problems either: those are about CC-iSales, and would send people on call to the wrong system.
            raise InternalError(
                "The keys of the identity provider cannot be had, so that no bearer token can be checked.",
                retry_after_s=int(LEAST_PAUSE_S),
                foreseen=True,
            )
        return self._keys

    def _wait_for(self, reading: threading.Event | None) -> None:
        if reading is not None:
            self._wait(reading, WAIT_S)

    def _reading_for(self, key_id: str | None) -> threading.Event | None:
        """Return the end of the reading that is under way, after beginning one unless this key was just looked for."""
        if self._under_way is None and self._clock() - self._looked_for.get(key_id, float("-inf")) < PAUSE_S:
            return None
        return self._reading(LEAST_PAUSE_S, partial(self._note, key_id))

    def _note(self, key_id: str | None) -> None:
        """Remember that a reading began for this key; one that was under way may have begun before it was there."""
        now = self._clock()
        latest = {name: at for name, at in self._looked_for.items() if now - at < PAUSE_S}
        self._looked_for = {**latest, key_id: now}

    def _reading(self, pause_s: float, began: Callable[[], None] = lambda: None) -> threading.Event | None:
        """Return the end of the reading that is under way, after beginning one if the last is `pause_s` ago.

        `began` is called if one was begun.
        """
        if self._under_way is None and self._clock() - self._tried_at < pause_s:
            return None
        with self._lock:
            if self._under_way is None and self._clock() - self._tried_at >= pause_s:
                reading = threading.Event()
                if start_daemon_thread(partial(self._run, reading), "token-keys"):
                    self._under_way = reading
                    began()
            return self._under_way

    def _run(self, reading: threading.Event) -> None:
        try:
            self._try()
        finally:
            with self._lock:
                self._under_way = None
            reading.set()

    def _try(self) -> None:
        try:
            keys = parse_jwks(self._read())
        except Exception as fault:  # noqa: BLE001 -- whatever the provider sends, the keys that are known stay good
            self._fault = f"the keys of the identity provider could not be read from {self._source}: {fault}"
            log.warning("token_keys_failed", fault=self._fault, keeping_old_ones=self._keys is not None)
            self._count("failed")
            return
        finally:
            # When it is over, not when it began: a slow failure must not be followed by the next one at once.
            self._tried_at = self._clock()
        self._fault = ""
        self._count("ok")
        if self._keys is None or keys.by_id.keys() != self._keys.by_id.keys():
            key_ids = sorted(key_id or "" for key_id in keys.by_id)
            log.info("token_keys", source=self._source, key_ids=key_ids, left_out=list(map(str, keys.left_out)))
        self._keys = keys
