"""Who may ask, and how often."""

import threading

from gateway.access.bearer import BearerTokens
from gateway.access.claims import TokenPolicy
from gateway.access.key_cache import KeyCache
from gateway.access.key_source import file_reader, url_reader
from gateway.access.last_use import LastUses
from gateway.access.limits import RequestLimits
from gateway.api.turns import Turns
from gateway.factory.clocks import Clocks
from gateway.reload import Parts
from gateway.settings import Settings, SettingsError
from gateway.shared_store.store import SharedStore
from gateway.shared_store.windows import RedisWindows
from gateway.telemetry.metrics import Metrics

JWKS_URL_REFRESH_S = 3600.0
JWKS_FILE_REFRESH_S = 60.0
"""How old the identity provider's keys get before they are read anew."""


def limits_of(
    settings: Settings, store: SharedStore | None, parts: Parts, metrics: Metrics, clocks: Clocks
) -> RequestLimits:
    """Return what counts the requests of clients, in all processes that share a Redis or in this one alone."""

    def make() -> RequestLimits:
        shared = None if store is None else RedisWindows(store, settings.isales.base_url)
        return RequestLimits(shared, metrics, clocks.monotonic)

    return parts.take("limits", (store, settings.isales.base_url), make)


def token_keys_of(settings: Settings, turns: Turns, parts: Parts, metrics: Metrics, clocks: Clocks) -> KeyCache | None:
    """Keys that bearer tokens are signed with, or `None` where there are no tokens. A file must be good at once."""
    jwt = settings.jwt
    if not jwt.issuer:
        return None

    def make() -> KeyCache:
        source = jwt.jwks_url or jwt.jwks_file
        read, refresh_s = (
            (url_reader(source), JWKS_URL_REFRESH_S) if jwt.jwks_url else (file_reader(source), JWKS_FILE_REFRESH_S)
        )
        wait = turns.outside(threading.Event.wait)
        return KeyCache(read, source, refresh_s, metrics.token_key_read, clocks.monotonic, wait)

    keys = parts.take("token keys", (jwt.jwks_url, jwt.jwks_file), make)
    if jwt.jwks_url:
        return keys
    try:
        keys.load()
    except ValueError as fault:
        raise SettingsError([f"jwt.jwks_file: {fault}"]) from fault
    return keys


def bearer_tokens_of(
    settings: Settings, keys: KeyCache | None, uses: LastUses, metrics: Metrics, clocks: Clocks
) -> BearerTokens | None:
    """Token -> signature -> claims -> grant."""
    if keys is None:
        return None
    jwt = settings.jwt
    policy = TokenPolicy(jwt.issuer, jwt.audience, jwt.vdns_claim, jwt.scopes_claim, frozenset(settings.tenants))
    return BearerTokens(policy, keys.find, metrics.token_check, clocks.wall, clocks.monotonic, uses)
