"""Who may ask, and how often."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.access.bearer import BearerTokens, TrustedIssuer
from gateway.access.claims import TokenPolicy
from gateway.access.key_cache import KeyCache
from gateway.access.key_source import reader_of
from gateway.access.last_use import LastUses
from gateway.access.limits import RequestLimits
from gateway.api.fair_semaphore import FairSemaphore
from gateway.factory.clocks import Clocks
from gateway.reload import Resources
from gateway.settings import Settings, SettingsError
from gateway.settings.model import JwtSettings
from gateway.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from gateway.shared_store.store import SharedStore

JWKS_URL_REFRESH_S = 3600.0
JWKS_FILE_REFRESH_S = 60.0
"""How old the identity provider's keys get before they are read anew."""


def limits_of(
    settings: Settings, store: "SharedStore | None", resources: Resources, metrics: Metrics, clocks: Clocks
) -> RequestLimits:
    """Return what counts the requests of clients, in all processes that share a Redis or in this one alone."""

    def make() -> RequestLimits:
        if store is None:
            return RequestLimits(None, metrics, clocks.monotonic)
        from gateway.shared_store.windows import RedisWindows  # noqa: PLC0415 -- only where there is a Redis

        return RequestLimits(RedisWindows(store), metrics, clocks.monotonic)

    return resources.take("limits", (store, settings.isales.base_url), make)


def token_keys_of(
    settings: Settings, semaphore: FairSemaphore, resources: Resources, metrics: Metrics, clocks: Clocks
) -> Mapping[str, KeyCache]:
    """Keys of bearer tokens by issuer; none where there are no tokens. Those in files must be good at once."""
    return {jwt.issuer: _keys_of(jwt, semaphore, resources, metrics, clocks) for jwt in settings.issuers}


def _keys_of(
    jwt: JwtSettings, semaphore: FairSemaphore, resources: Resources, metrics: Metrics, clocks: Clocks
) -> KeyCache:
    def make() -> KeyCache:
        wait = semaphore.outside(threading.Event.wait)
        refresh_s = JWKS_URL_REFRESH_S if jwt.jwks_url else JWKS_FILE_REFRESH_S
        source = jwt.jwks_url or jwt.jwks_file
        count = metrics.token_key_reads_of(jwt.issuer)
        return KeyCache(reader_of(jwt), source, refresh_s, count, clocks.monotonic, wait)

    keys = resources.take(f"token keys of {jwt.issuer}", (jwt.jwks_url, jwt.jwks_file), make)
    if jwt.jwks_url:
        return keys
    try:
        keys.load()
    except ValueError as fault:
        raise SettingsError([f"jwt.jwks_file: {fault}"]) from fault
    return keys


def state_of(keys: Mapping[str, KeyCache]) -> str:
    """Return the worst state of any issuer's keys; `off` where there are no tokens."""
    states = {cache.state() for cache in keys.values()}
    return next((state for state in ("failing", "unknown", "ok") if state in states), "off")


def bearer_tokens_of(
    settings: Settings, keys: Mapping[str, KeyCache], uses: LastUses, metrics: Metrics, clocks: Clocks
) -> BearerTokens | None:
    """Token -> issuer -> signature -> claims -> grant."""
    if not keys:
        return None
    issuers = [TrustedIssuer(TokenPolicy.of(jwt, settings.tenants), keys[jwt.issuer].find) for jwt in settings.issuers]
    return BearerTokens(issuers, metrics.token_check, clocks.wall, clocks.monotonic, uses, metrics.useless_token_claim)
