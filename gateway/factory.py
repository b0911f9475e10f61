"""Where all parts meet: the only module that knows all others.

Read from top to bottom it is the way of the data, from the wire to the endpoint.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, cast

import structlog
from flask import Flask
from flask_caching import Cache

from gateway.access.bearer import BearerTokens
from gateway.access.callers import Callers
from gateway.access.claims import TokenPolicy
from gateway.access.clients import ClientDirectory
from gateway.access.key_cache import KeyCache
from gateway.access.key_source import file_reader, url_reader
from gateway.access.last_use import LastUses
from gateway.access.limits import RequestLimits
from gateway.api.cache import cache_blueprint
from gateway.api.campaigns import campaigns_blueprint
from gateway.api.cors import cors_headers, with_cors
from gateway.api.docs import documentation_blueprint
from gateway.api.followers import Followers
from gateway.api.health import health_blueprint
from gateway.api.hit_path import HitPath
from gateway.api.lifecycle import register_lifecycle
from gateway.api.methods import register_options
from gateway.api.openapi import openapi_document
from gateway.api.problems import problems_blueprint, register_problems
from gateway.api.proxies import behind_proxies
from gateway.api.public import page_body
from gateway.api.representation import render
from gateway.api.turns import Turns, in_turn
from gateway.cli import Gateway, add_commands, forget_env_file, refuse_to_serve
from gateway.isales.breaker import Breakers, refuse_while_open, with_breaker
from gateway.isales.call_duration import CallDuration
from gateway.isales.certificate_expiry import CertificateExpiry
from gateway.isales.circuit import CircuitPolicy
from gateway.isales.drift import DriftLog
from gateway.isales.fetch import fetch_page
from gateway.isales.known_credentials import KnownCredentials
from gateway.isales.retry import Retries, with_retries
from gateway.isales.retry_budget import RetryBudget
from gateway.isales.retry_policy import RetryPolicy
from gateway.isales.second_signature import with_credentials
from gateway.isales.send import sign_and_send
from gateway.isales.shared_slots import NO_SHARED_SLOTS, SharedSlots
from gateway.isales.slots import Slots, with_slots
from gateway.isales.traced import traced
from gateway.isales.transport import Transport
from gateway.isales.way import ALL, Way
from gateway.model import CampaignQuery, FetchPage, Priority
from gateway.pages.freshness import FreshnessPolicy, Lifetimes
from gateway.pages.key import page_key
from gateway.pages.memory import ProcessCache
from gateway.pages.page_cache import PageCache
from gateway.pages.redis_tier import RedisTier
from gateway.pages.shared import NoSharedTier, SharedTier
from gateway.pages.tiers import Tiers
from gateway.reload import SETTINGS_STATE, Parts
from gateway.settings import Settings, SettingsError, load_settings
from gateway.shared_store.slots import RedisSlots
from gateway.shared_store.store import SharedStore, shared_store
from gateway.shared_store.windows import RedisWindows
from gateway.telemetry.log import configure_logging
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.settings_state import SettingsState
from gateway.telemetry.tracing import NoTracer, Tracer
from gateway.telemetry.upstream_health import UpstreamHealth, watched

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = structlog.get_logger("gateway")

LEARNING_SHARE = 5
"""One part in so many of `cache.max_bytes` is for what the hit path has learned, the others are for pages."""

REFRESH_WORKERS = 4

METRICS = "metrics"
TRACER = "tracer"
"""The parts that count and that trace; a server puts its own there before the app is made."""

JWKS_URL_REFRESH_S = 3600.0
JWKS_FILE_REFRESH_S = 60.0
"""How old the identity provider's keys get before they are read anew."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The two clocks: `wall` for signatures (aware), `monotonic` for ages and deadlines (seconds).

    `sleep` waits for so many seconds of `monotonic`.
    """

    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def create_app(settings: Settings | None = None, clocks: Clocks = Clocks(), parts: Parts | None = None) -> Flask:
    """Return the gateway as a WSGI application. Without `settings` they are read from files and environment.

    `parts` are of this app alone, or bring what it takes over from the app before it, and are closed with it. Raises
    SettingsError with every fault of the settings.
    """
    settings = load_settings(os.environ) if settings is None else settings
    parts = Parts() if parts is None else parts
    configure_logging(settings.log.level, settings.log.format)
    for warning in settings.warnings:
        log.warning("settings", warning=warning)

    app = Flask("gateway", static_folder=None)
    metrics = parts.take(METRICS, None, Metrics)
    tracer: Tracer = parts.take(TRACER, None, NoTracer)
    store = _shared_store(app, settings, parts, metrics, clocks)
    transport = _transport(settings, parts, metrics, clocks)
    turns = parts.take("turns", None, Turns)
    token_keys = _token_keys(settings, turns, parts, metrics, clocks)
    # Whatever keeps an app from being made has by now. From here on, parts that the app before still uses are changed.
    state = parts.take(SETTINGS_STATE, None, SettingsState)
    metrics.watch_settings(lambda: float(not state.faults), lambda: state.loaded_at)
    health = parts.take(
        "health", frozenset(settings.tenants), lambda: UpstreamHealth(tuple(settings.tenants), clocks.monotonic)
    )
    breakers = _breakers(settings, parts, metrics, clocks)
    upstream = _upstream(settings, transport, store, breakers, tracer, parts, metrics, clocks)
    fetch = watched(upstream, health, metrics, clocks.monotonic)
    shared = _shared_tier(store, parts)
    pages = _page_cache(app, fetch, shared, settings, parts, metrics, tracer, clocks)
    metrics.watch_shared_cache(shared.state)
    metrics.watch_turns(lambda: turns.waiting)
    limits = _limits(settings, store, parts, metrics, clocks)
    uses = parts.take("last uses", None, LastUses)
    metrics.watch_clients(uses.report)
    callers = Callers(
        ClientDirectory(settings.clients, settings.tenants, uses),
        _bearer_tokens(settings, token_keys, uses, metrics, clocks),
    )

    register_lifecycle(app, metrics, tracer, log_hits=settings.log.hits)
    register_problems(app)
    register_options(app)
    app.register_blueprint(
        campaigns_blueprint(
            callers,
            settings.tenants,
            pages.key,
            turns.outside(limits.take),
            turns.outside(pages.fresh),
            turns.outside(pages.serve),
            settings.isales.deadline_s,
            clocks.monotonic,
        )
    )
    app.register_blueprint(cache_blueprint(callers, settings.tenants, pages.purge, pages.explain))
    key_state = token_keys.state if token_keys else lambda: "off"
    app.register_blueprint(
        health_blueprint(state.report, health.report, breakers.report, shared.state, key_state, metrics.exposition)
    )
    app.register_blueprint(documentation_blueprint(openapi_document()))
    app.register_blueprint(problems_blueprint())
    add_commands(app, Gateway(settings, pages.serve, pages.purge, shared.state, parts.close))
    app.wsgi_app = _middleware(app, turns, callers, pages, settings, metrics, tracer, clocks)  # type: ignore[assignment, method-assign]  # -- Flask's way
    return app


def create_commands_app() -> Flask:
    """Return the app for the `flask` command; with faulty settings, one that has the commands and cannot serve.

    That way `flask config check` can say what is wrong, and `flask keys new` works before there are any settings.
    """
    forget_env_file(os.environ)
    try:
        return create_app()
    except SettingsError as fault:
        refuse_to_serve(fault)
        app = Flask("gateway", static_folder=None)
        add_commands(app, fault)
        return app


def _shared_store(app: Flask, settings: Settings, parts: Parts, metrics: Metrics, clocks: Clocks) -> SharedStore | None:
    """Pages, leases and slots in a Redis that several processes share, or nothing."""
    url = settings.cache.shared_url

    def make() -> SharedStore | None:
        return shared_store(app, url, metrics.shared_fault, clocks.monotonic) if url else None

    try:
        return parts.take("shared store", url, make)
    except ValueError as fault:
        raise SettingsError([str(fault)]) from fault


def _shared_tier(store: SharedStore | None, parts: Parts) -> SharedTier:
    """Pages and leases in the shared store, which is closed with them."""

    def make() -> SharedTier:
        return NoSharedTier() if store is None else RedisTier(store)

    return parts.take("shared tier", store, make, lambda tier: tier.close())


def _transport(settings: Settings, parts: Parts, metrics: Metrics, clocks: Clocks) -> Transport:
    """Make connections to CC-iSales, new ones for each app: what is in the files for TLS may have changed."""
    try:
        transport = Transport(settings.isales, CertificateExpiry(metrics, clocks.wall).seen)
    except ValueError as fault:
        raise SettingsError([str(fault)]) from fault
    return parts.own("transport", transport, transport.close)


def _breakers(settings: Settings, parts: Parts, metrics: Metrics, clocks: Clocks) -> Breakers:
    """Have what is known of the way of a VDN last until it is another way, or has another policy."""

    def make_way(vdn: int | None, policy: CircuitPolicy) -> Way:
        tenant = None if vdn is None else settings.tenants[vdn]
        return parts.take(f"way {vdn}", (settings.isales.base_url, policy, tenant), lambda: Way(vdn, policy))

    lock = parts.take("lock of the ways", None, threading.Lock)
    breakers = Breakers(settings.isales, settings.tenants, metrics, clocks.monotonic, clocks.wall, make_way, lock)
    metrics.watch_only({ALL, *map(str, settings.tenants)})
    return breakers


def _upstream(
    settings: Settings,
    transport: Transport,
    store: SharedStore | None,
    breakers: Breakers,
    tracer: Tracer,
    parts: Parts,
    metrics: Metrics,
    clocks: Clocks,
) -> FetchPage:
    """Query -> vendor request -> retry -> slot -> breaker -> credentials -> sign -> wire -> vendor schema -> page."""
    isales = settings.isales
    known = parts.take("credentials", isales.base_url, lambda: KnownCredentials(metrics, clocks.monotonic))
    durations = parts.take(
        "durations", (isales.base_url, isales.deadline_s), lambda: CallDuration(isales.deadline_s, clocks.monotonic)
    )
    retry_budget = parts.take(
        "retry budget",
        (isales.base_url, isales.retry_budget),
        lambda: RetryBudget(isales.retry_budget, clocks.monotonic),
    )
    retry_policy = RetryPolicy(isales.max_attempts)
    retries = Retries(retry_policy, retry_budget, metrics, clocks.monotonic, clocks.sleep, durations.estimate_s)
    send = sign_and_send(transport, clocks.wall, retry_budget.spend)
    send = traced(send, tracer, clocks.monotonic)
    send = with_credentials(send, known, durations.estimate_s)
    send = with_breaker(send, breakers)
    send = with_slots(send, _slots(settings, durations, store, parts, metrics))
    send = refuse_while_open(send, breakers)
    send = with_retries(send, retries)
    return fetch_page(send, settings.tenants, parts.take("drift", None, lambda: DriftLog(metrics)))


def _slots(
    settings: Settings, durations: CallDuration, store: SharedStore | None, parts: Parts, metrics: Metrics
) -> Slots:
    """Return the call budget, of all processes that share a Redis or of this one alone. It holds over a reload."""
    isales = settings.isales

    def make_shared() -> SharedSlots:
        return NO_SHARED_SLOTS if store is None else RedisSlots(store, isales.base_url, isales.concurrency)

    shared = parts.take("shared slots", (store, isales.base_url, isales.concurrency), make_shared)
    slots = parts.take("slots", isales.base_url, lambda: Slots(isales.concurrency, durations, shared, metrics))
    slots.adapt(isales.concurrency, durations, shared)
    waiting = {priority.name.lower(): partial(slots.waiting_at, priority) for priority in Priority}
    metrics.watch_slots(lambda: slots.in_use, waiting, isales.concurrency, shared=store is not None)
    return slots


def _limits(
    settings: Settings, store: SharedStore | None, parts: Parts, metrics: Metrics, clocks: Clocks
) -> RequestLimits:
    """Return what counts the requests of clients, in all processes that share a Redis or in this one alone."""

    def make() -> RequestLimits:
        shared = None if store is None else RedisWindows(store, settings.isales.base_url)
        return RequestLimits(shared, metrics, clocks.monotonic)

    return parts.take("limits", (store, settings.isales.base_url), make)


def _token_keys(settings: Settings, turns: Turns, parts: Parts, metrics: Metrics, clocks: Clocks) -> KeyCache | None:
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


def _bearer_tokens(
    settings: Settings, keys: KeyCache | None, uses: LastUses, metrics: Metrics, clocks: Clocks
) -> BearerTokens | None:
    """Token -> signature -> claims -> grant."""
    if keys is None:
        return None
    jwt = settings.jwt
    policy = TokenPolicy(jwt.issuer, jwt.audience, jwt.vdns_claim, jwt.scopes_claim, frozenset(settings.tenants))
    return BearerTokens(policy, keys.find, metrics.token_check, clocks.wall, clocks.monotonic, uses)


def _page_cache(
    app: Flask,
    fetch: FetchPage,
    shared: SharedTier,
    settings: Settings,
    parts: Parts,
    metrics: Metrics,
    tracer: Tracer,
    clocks: Clocks,
) -> PageCache:
    """Query -> key -> page in this process, or in the shared tier, or fetched once and put into both."""
    cache = settings.cache
    max_bytes = cache.max_bytes - cache.max_bytes // LEARNING_SHARE
    in_process = {
        "CACHE_TYPE": "gateway.pages.memory.ProcessCache",
        "CACHE_MAX_BYTES": max_bytes,
        "CACHE_CLOCK": clocks.monotonic,
    }
    memory = parts.take("pages", None, lambda: cast(ProcessCache, Cache(app, config=in_process).cache))
    entries = memory.entries
    entries.resize(max_bytes)
    metrics.watch_memory(lambda: entries.held_bytes, lambda: len(entries), lambda: entries.evictions)
    stale = (cache.stale_while_revalidate_s, cache.stale_if_error_s)
    freshness = parts.take(
        "freshness",
        None,
        lambda: FreshnessPolicy(Lifetimes(cache.fresh_s, *stale), Lifetimes(cache.fresh_completed_s, *stale)),
    )
    freshness.usual.change(cache.fresh_s, *stale)
    freshness.completed.change(cache.fresh_completed_s, *stale)

    def key(query: CampaignQuery) -> str:
        zone = settings.tenants[query.vdn].time_zone.key
        return page_key(query, f"{settings.isales.base_url} {zone}")

    pages = PageCache(
        fetch,
        Tiers(memory, shared, lambda page: render(page_body(page)), metrics, clocks.monotonic),
        shared,
        key,
        freshness,
        metrics,
        tracer,
        refresh_workers=min(settings.isales.concurrency, REFRESH_WORKERS),
        refresh_deadline_s=settings.isales.deadline_s,
        clock=clocks.monotonic,
    )
    return parts.own("page cache", pages, pages.close, pages.drain)


def _middleware(
    app: Flask,
    turns: Turns,
    callers: Callers,
    pages: PageCache,
    settings: Settings,
    metrics: Metrics,
    tracer: Tracer,
    clocks: Clocks,
) -> "WSGIApplication":
    """Put in front of Flask: the hit path, pages of other origins, addresses behind proxies, followers, and turns."""
    wsgi: WSGIApplication = in_turn(app.wsgi_app, turns, clocks.monotonic)
    wsgi = Followers(wsgi, pages.join, metrics, tracer, settings.isales.deadline_s, clocks.monotonic)
    wsgi = behind_proxies(wsgi, settings.http.trusted_proxies)
    by_origin = cors_headers(settings.http.cors_origins)
    if by_origin:
        wsgi = with_cors(wsgi, by_origin)
    if settings.log.hits:
        # A hit with a log line takes the ordinary way, which writes it.
        return wsgi
    learning_bytes = settings.cache.max_bytes // LEARNING_SHARE
    return HitPath(wsgi, callers, pages.peek, pages.peek_fresh, metrics, learning_bytes, by_origin)
