"""Pages in Flask-Caching, which serves as a store of bytes and nothing more: get, set, delete."""

import math

import structlog
from flask_caching import Cache

from gateway.pages.codec import StoredPage, UnreadableEntry, decode, encode
from gateway.telemetry.metrics import Metrics

log = structlog.get_logger("gateway.pages")


class PageStore:
    """Keeps pages under their keys. What it finds there and cannot read is a miss: deleted, counted, logged."""

    def __init__(self, cache: Cache, metrics: Metrics) -> None:
        self._cache = cache
        self._metrics = metrics

    def get(self, key: str) -> StoredPage | None:
        """Return the page under `key`, or `None`."""
        entry = self._cache.get(key)
        if entry is None:
            return None
        try:
            return decode(key, entry)
        except UnreadableEntry as fault:
            self._cache.delete(key)
            self._metrics.unreadable_entry()
            log.warning("cache entry deleted", key=key, reason=str(fault))
            return None

    def put(self, key: str, stored: StoredPage, lifetime_s: float) -> None:
        """Keep `stored` under `key` for at least `lifetime_s` seconds; not at all when that is 0."""
        # Flask-Caching takes whole seconds, and some of its backends take 0 for "for ever".
        if lifetime_s > 0:
            self._cache.set(key, encode(key, stored), timeout=math.ceil(lifetime_s))
