"""The identity provider's keys as this process knows them: read rarely, kept while the provider is away.

Whoever names an unknown key makes us look for new ones, so that a rotation takes effect at once; and only once a
minute, so that made-up names do not make us flood the provider.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from joserfc.jwk import Key

from gateway.access.jwks import TokenKeys, parse_jwks
from gateway.errors import InternalError

PAUSE_S: Final = 60.0
FIRST_PAUSE_S: Final = 5.0
"""Least seconds between two readings, and between two while there has been no good one yet."""

log = structlog.get_logger("gateway.access")


class KeyCache:
    """Keys by `kid`, from `read`, which returns a JWK set or raises OSError or ValueError.

    They are read at first need and, `refresh_s` after that, anew behind the back of a request. `count` is told `ok` or
    `failed` for each reading; `source` is what the log calls the place.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        source: str,
        refresh_s: float,
        count: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._source = source
        self._refresh_s = refresh_s
        self._count = count
        self._clock = clock
        self._lock = threading.Lock()  # held by the one that reads
        self._keys: TokenKeys | None = None
        self._tried_at = float("-inf")
        self._fault = ""

    def find(self, key_id: str) -> Sequence[Key]:
        """Return the keys of this id, none if the provider has none. Raises InternalError when no keys are known."""
        if self._keys is None:
            self._refresh(FIRST_PAUSE_S)
        elif self._is_due(PAUSE_S if self._fault else self._refresh_s) and not self._lock.locked():
            threading.Thread(target=self._refresh, args=(PAUSE_S,), name="token-keys", daemon=True).start()
        found = self._known(key_id)
        if not found:
            self._refresh(PAUSE_S)
            found = self._known(key_id)
        return found

    def load(self) -> None:
        """Read the keys now. `ValueError`, with a sentence, if that fails."""
        self._refresh(0.0)
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
            )
        return self._keys.by_id.get(key_id, ())

    def _is_due(self, seconds: float) -> bool:
        return self._clock() - self._tried_at >= seconds

    def _refresh(self, pause_s: float) -> None:
        """Read the keys unless that was done within `pause_s`; who comes while they are read waits for the outcome."""
        with self._lock:
            if self._is_due(pause_s):
                self._try()

    def _try(self) -> None:
        try:
            keys = parse_jwks(self._read())
        except (OSError, ValueError) as fault:
            self._fault = f"the keys of the identity provider could not be read from {self._source}: {fault}"
            log.warning("token_keys_failed", fault=self._fault, keeping_old_ones=self._keys is not None)
            self._count("failed")
            return
        finally:
            # When it is over, not when it began: who waited for a slow failure must not begin the next one.
            self._tried_at = self._clock()
        self._fault = ""
        self._count("ok")
        if self._keys is None or keys.by_id.keys() != self._keys.by_id.keys():
            log.info("token_keys", source=self._source, key_ids=sorted(keys.by_id), left_out=list(keys.left_out))
        self._keys = keys
