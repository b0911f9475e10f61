"""Where pages are kept: in this process, and in a Redis that several share."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from flask import Flask
from flask_caching import Cache

from gateway.api.public import page_body
from gateway.api.representation import render
from gateway.factory.clocks import Clocks
from gateway.model import CampaignQuery, FetchPage
from gateway.pages.changes import Changes
from gateway.pages.decision import Policy
from gateway.pages.failures import RecentFailures
from gateway.pages.fetches import Fetches
from gateway.pages.freshness import FreshnessPolicy, Lifetimes
from gateway.pages.key import page_key
from gateway.pages.memory import ProcessCache
from gateway.pages.page_cache import PageCache
from gateway.pages.purge_marks import PurgeMarks
from gateway.pages.shared import NoSharedTier, SharedTier
from gateway.pages.tiers import Tiers
from gateway.pages.watch import Watch
from gateway.reload import Resources
from gateway.settings import Settings, SettingsError
from gateway.settings.time_zones import fingerprint
from gateway.shared_store.address import StoreAddress, namespace_of
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import Tracer

if TYPE_CHECKING:
    from gateway.shared_store.store import SharedStore

LEARNING_SHARE = 5
"""One part in so many of `cache.max_bytes` is for what the fast path has learned, the others are for pages."""
OF_A_REDIS = (
    "gateway.pages.redis_tier",
    "gateway.shared_store.signature_budget",
    "gateway.shared_store.slots",
    "gateway.shared_store.windows",
)
"""What the factory makes of a Redis beside the store."""
READY_SHARE = 40
"""And one in so many is for the answers that it keeps ready."""


def shared_store_of(
    app: Flask, settings: Settings, resources: Resources, metrics: Metrics, clocks: Clocks
) -> "SharedStore | None":
    """Pages, leases and slots in a Redis that several processes share, or nothing."""
    address = StoreAddress.of(settings.cache, settings.isales.base_url)

    def make() -> "SharedStore | None":
        if not address.url:
            return None
        # Only here: the client of Redis is a sixth of a start, for those who have none. What is made of it comes along:
        # where another release has taken the place of our files that may fail, and then has to do so before anything of
        # the app before is changed.
        from gateway.shared_store.store import shared_store  # noqa: PLC0415 -- see above

        for module in OF_A_REDIS:
            import_module(module)
        return shared_store(app, address, metrics.shared_fault, clocks.monotonic)

    try:
        return resources.take("shared store", address if address.url else None, make)
    except ValueError as fault:
        raise SettingsError([str(fault)]) from fault


def shared_tier_of(store: "SharedStore | None", resources: Resources) -> SharedTier:
    """Pages and leases in the shared store, which is closed with them."""

    def make() -> SharedTier:
        if store is None:
            return NoSharedTier()
        from gateway.pages.redis_tier import RedisTier  # noqa: PLC0415 -- as above

        return RedisTier(store)

    return resources.take("shared tier", store, make, lambda tier: tier.close())


def page_cache_of(
    app: Flask,
    fetch: FetchPage,
    shared: SharedTier,
    settings: Settings,
    resources: Resources,
    metrics: Metrics,
    tracer: Tracer,
    clocks: Clocks,
) -> tuple[PageCache, Changes]:
    """Query -> key -> page in this process, or in the shared tier, or fetched once and put into both.

    Beside it, what knows when pages change, and keeps those fresh that somebody waits for.
    """
    cache = settings.cache
    max_bytes = cache.max_bytes - cache.max_bytes // LEARNING_SHARE - cache.max_bytes // READY_SHARE
    in_process = {
        "CACHE_TYPE": "gateway.pages.memory.ProcessCache",
        "CACHE_MAX_BYTES": max_bytes,
        "CACHE_CLOCK": clocks.monotonic,
    }
    memory = resources.take("pages", None, lambda: cast(ProcessCache, Cache(app, config=in_process).cache))
    entries = memory.entries
    entries.resize(max_bytes)
    metrics.watch_memory(lambda: entries.held_bytes, lambda: len(entries), lambda: entries.evictions)
    stale = (cache.stale_while_revalidate_s, cache.stale_if_error_s)
    freshness = resources.take(
        "freshness",
        None,
        lambda: FreshnessPolicy(Lifetimes(cache.fresh_s, *stale), Lifetimes(cache.fresh_completed_s, *stale)),
    )
    freshness.usual.change(cache.fresh_s, *stale)
    freshness.completed.change(cache.fresh_completed_s, *stale)

    namespace = namespace_of(settings.isales.base_url)

    def key(query: CampaignQuery) -> str:
        zone = settings.tenants[query.vdn].time_zone
        return page_key(query, f"{settings.isales.base_url} {zone.key} {fingerprint(zone)}", namespace)

    tiers = Tiers(
        memory,
        resources.take("purge marks", None, PurgeMarks),
        shared,
        lambda page: render(page_body(page)),
        freshness,
        metrics,
        cache.refresh_ahead,
        clocks.monotonic,
        clocks.wall,
    )
    failures = RecentFailures(clock=clocks.monotonic)
    deadline_s = settings.isales.deadline_s
    fetches = Fetches(fetch, tiers, shared, failures, metrics, tracer, deadline_s=deadline_s, clock=clocks.monotonic)
    policy = Policy(cache.stale_if_slow_s, cache.min_refresh_s)
    pages = PageCache(fetches, tiers, shared, failures, key, policy, clocks.monotonic)
    if resources.continued:
        # The pages of the app before are at hand, and after it has let go nobody would hear that they were purged.
        pages.subscribe()
    watch = Watch(fetches, tiers, failures, cache.min_refresh_s, clocks.monotonic)
    changes = resources.take("changes", None, lambda: Changes(watch, clocks.monotonic), lambda changes: changes.close())
    changes.watch_by(watch)
    tiers.noticed = changes.notice
    return resources.own("page cache", pages, pages.close, pages.drain), changes
