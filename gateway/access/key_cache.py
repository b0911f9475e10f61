"""The identity provider's keys as this process knows them: read rarely, kept while the provider is away.

Whoever names an unknown key makes us look for new ones, so that a rotation takes effect at once; and only once a
minute, so that made-up names do not make us flood the provider.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import structlog
from joserfc.jwk import Key

from gateway.access.jwks import TokenKeys, parse_jwks
from gateway.daemon_thread import start_daemon_thread
from gateway.errors import InternalError

PAUSE_S: Final = 60.0
FIRST_PAUSE_S: Final = 5.0
"""Least seconds between two readings, and between two while there has been no good one yet."""

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

    def find(self, key_id: str) -> Sequence[Key]:
        """Return the keys of this id, none if the provider has none. Raises InternalError when no keys are known."""
        if self._keys is None:
            self._read_and_wait(FIRST_PAUSE_S)
        else:
            self._reading(PAUSE_S if self._fault else self._refresh_s)
        found = self._known(key_id)
        if not found:
            self._read_and_wait(PAUSE_S)
            found = self._known(key_id)
        return found

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

    def _known(self, key_id: str) -> Sequence[Key]:
        if self._keys is None:
            # Not `unauthenticated`: the token may be good, and its holder can do nothing. Not one of the `upstream`
            # problems either: those are about CC-iSales, and would send people on call to the wrong system.
            raise InternalError(
                "The keys of the identity provider cannot be had, so that no bearer token can be checked.",
                retry_after_s=int(FIRST_PAUSE_S),
                foreseen=True,
            )
        return self._keys.by_id.get(key_id, ())

    def _read_and_wait(self, pause_s: float) -> None:
        reading = self._reading(pause_s)
        if reading is not None:
            self._wait(reading, WAIT_S)

    def _reading(self, pause_s: float) -> threading.Event | None:
        """Return the end of the reading that is under way, after beginning one if the last is `pause_s` ago."""
        if self._under_way is None and self._clock() - self._tried_at < pause_s:
            return None
        with self._lock:
            if self._under_way is None and self._clock() - self._tried_at >= pause_s:
                reading = threading.Event()
                if start_daemon_thread(partial(self._run, reading), "token-keys"):
                    self._under_way = reading
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
            log.info("token_keys", source=self._source, key_ids=sorted(keys.by_id), left_out=list(keys.left_out))
        self._keys = keys
