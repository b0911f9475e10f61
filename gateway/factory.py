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
from werkzeug.middleware.proxy_fix import ProxyFix

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
from gateway.api.docs import documentation_blueprint
from gateway.api.followers import Followers
from gateway.api.health import health_blueprint
from gateway.api.hit_path import HitPath
from gateway.api.lifecycle import register_lifecycle
from gateway.api.methods import register_options
from gateway.api.openapi import openapi_document
from gateway.api.problems import problems_blueprint, register_problems
from gateway.api.public import page_body
from gateway.api.representation import render
from gateway.api.turns import Turns, in_turn
from gateway.cli import Gateway, add_commands, forget_env_file, refuse_to_serve
from gateway.isales.breaker import Breakers, refuse_while_open, with_breaker
from gateway.isales.call_duration import CallDuration
from gateway.isales.drift import DriftLog
from gateway.isales.fetch import fetch_page
from gateway.isales.known_credentials import KnownCredentials
from gateway.isales.retry import Retries, with_retries
from gateway.isales.retry_budget import RetryBudget
from gateway.isales.retry_policy import RetryPolicy
from gateway.isales.second_signature import with_credentials
from gateway.isales.send import sign_and_send
from gateway.isales.shared_slots import NO_SHARED_SLOTS
from gateway.isales.slots import Slots, with_slots
from gateway.isales.transport import Transport
from gateway.model import CampaignQuery, FetchPage, Priority
from gateway.pages.freshness import FreshnessPolicy, Lifetimes
from gateway.pages.key import page_key
from gateway.pages.memory import ProcessCache
from gateway.pages.page_cache import PageCache
from gateway.pages.redis_tier import RedisTier
from gateway.pages.shared import NoSharedTier, SharedTier
from gateway.pages.tiers import Tiers
from gateway.settings import Settings, SettingsError, load_settings
from gateway.shared_store.slots import RedisSlots
from gateway.shared_store.store import SharedStore, shared_store
from gateway.shared_store.windows import RedisWindows
from gateway.telemetry.log import configure_logging
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.upstream_health import UpstreamHealth, watched

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = structlog.get_logger("gateway")

LEARNING_SHARE = 5
"""One part in so many of `cache.max_bytes` is for what the hit path has learned, the others are for pages."""

REFRESH_WORKERS = 4

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


def create_app(settings: Settings | None = None, clocks: Clocks = Clocks()) -> Flask:
    """Return the gateway as a WSGI application. Without `settings` they are read from files and environment.

    Raises SettingsError with every fault of the settings.
    """
    settings = load_settings(os.environ) if settings is None else settings
    configure_logging(settings.log.level, settings.log.format)
    for warning in settings.warnings:
        log.warning("settings", warning=warning)

    app = Flask("gateway", static_folder=None)
    metrics = Metrics()
    health = UpstreamHealth(tuple(settings.tenants), clocks.monotonic)
    store = _shared_store(app, settings, metrics, clocks)
    breakers = Breakers(settings.isales, settings.tenants, metrics, clocks.monotonic, clocks.wall)
    fetch = watched(_upstream(settings, store, breakers, metrics, clocks), health, metrics, clocks.monotonic)
    shared: SharedTier = NoSharedTier() if store is None else RedisTier(store)
    pages = _page_cache(app, fetch, shared, settings, metrics, clocks)
    turns = Turns()
    metrics.watch_turns(lambda: turns.waiting)
    limits = _limits(settings, store, metrics, clocks)
    token_keys = _token_keys(settings, turns, metrics, clocks)
    uses = LastUses()
    metrics.watch_clients(uses.report)
    callers = Callers(
        ClientDirectory(settings.clients, settings.tenants, uses),
        _bearer_tokens(settings, token_keys, uses, metrics, clocks),
    )

    register_lifecycle(app, metrics, log_hits=settings.log.hits)
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
        health_blueprint(health.report, breakers.report, shared.state, key_state, metrics.exposition)
    )
    app.register_blueprint(documentation_blueprint(openapi_document()))
    app.register_blueprint(problems_blueprint())
    add_commands(app, Gateway(settings, pages.serve, pages.purge, shared.state, shared.close))
    app.wsgi_app = _middleware(app, turns, callers, pages, settings, metrics, clocks)  # type: ignore[assignment, method-assign]  # -- Flask's way
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


def _shared_store(app: Flask, settings: Settings, metrics: Metrics, clocks: Clocks) -> SharedStore | None:
    """Pages, leases and slots in a Redis that several processes share, or nothing."""
    if not settings.cache.shared_url:
        return None
    try:
        return shared_store(app, settings.cache.shared_url, metrics.shared_fault, clocks.monotonic)
    except ValueError as fault:
        raise SettingsError([str(fault)]) from fault


def _upstream(
    settings: Settings, store: SharedStore | None, breakers: Breakers, metrics: Metrics, clocks: Clocks
) -> FetchPage:
    """Query -> vendor request -> retry -> slot -> breaker -> credentials -> sign -> wire -> vendor schema -> page."""
    try:
        transport = Transport(settings.isales)
    except ValueError as fault:
        raise SettingsError([str(fault)]) from fault
    send = sign_and_send(transport, clocks.wall)
    durations = CallDuration(settings.isales.deadline_s, clocks.monotonic)
    send = with_credentials(send, KnownCredentials(metrics, clocks.monotonic), durations.estimate_s)
    send = with_breaker(send, breakers)
    send = with_slots(send, _slots(settings, durations, store, metrics))
    send = refuse_while_open(send, breakers)
    retry_policy = RetryPolicy(settings.isales.max_attempts)
    retry_budget = RetryBudget(settings.isales.retry_budget, clocks.monotonic)
    retries = Retries(retry_policy, retry_budget, metrics, clocks.monotonic, clocks.sleep, durations.estimate_s)
    send = with_retries(send, retries)
    return fetch_page(send, settings.tenants, DriftLog(metrics))


def _slots(settings: Settings, durations: CallDuration, store: SharedStore | None, metrics: Metrics) -> Slots:
    """Return the call budget, of all processes that share a Redis or of this one alone."""
    isales = settings.isales
    shared = NO_SHARED_SLOTS if store is None else RedisSlots(store, isales.base_url, isales.concurrency)
    slots = Slots(isales.concurrency, durations, shared, metrics)
    waiting = {priority.name.lower(): partial(slots.waiting_at, priority) for priority in Priority}
    metrics.watch_slots(lambda: slots.in_use, waiting)
    return slots


def _limits(settings: Settings, store: SharedStore | None, metrics: Metrics, clocks: Clocks) -> RequestLimits:
    """Return what counts the requests of clients, in all processes that share a Redis or in this one alone."""
    shared = None if store is None else RedisWindows(store, settings.isales.base_url)
    return RequestLimits(shared, metrics, clocks.monotonic)


def _token_keys(settings: Settings, turns: Turns, metrics: Metrics, clocks: Clocks) -> KeyCache | None:
    """Keys that bearer tokens are signed with, or `None` where there are no tokens. A file must be good at once."""
    jwt = settings.jwt
    if not jwt.issuer:
        return None
    source = jwt.jwks_url or jwt.jwks_file
    read, refresh_s = (
        (url_reader(source), JWKS_URL_REFRESH_S) if jwt.jwks_url else (file_reader(source), JWKS_FILE_REFRESH_S)
    )
    wait = turns.outside(threading.Event.wait)
    keys = KeyCache(read, source, refresh_s, metrics.token_key_read, clocks.monotonic, wait)
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
    app: Flask, fetch: FetchPage, shared: SharedTier, settings: Settings, metrics: Metrics, clocks: Clocks
) -> PageCache:
    """Query -> key -> page in this process, or in the shared tier, or fetched once and put into both."""
    cache = settings.cache
    in_process = {
        "CACHE_TYPE": "gateway.pages.memory.ProcessCache",
        "CACHE_MAX_BYTES": cache.max_bytes - cache.max_bytes // LEARNING_SHARE,
        "CACHE_CLOCK": clocks.monotonic,
    }
    memory = cast(ProcessCache, Cache(app, config=in_process).cache)
    entries = memory.entries
    metrics.watch_memory(lambda: entries.held_bytes, lambda: len(entries), lambda: entries.evictions)
    stale = (cache.stale_while_revalidate_s, cache.stale_if_error_s)
    freshness = FreshnessPolicy(Lifetimes(cache.fresh_s, *stale), Lifetimes(cache.fresh_completed_s, *stale))

    def key(query: CampaignQuery) -> str:
        zone = settings.tenants[query.vdn].time_zone.key
        return page_key(query, f"{settings.isales.base_url} {zone}")

    return PageCache(
        fetch,
        Tiers(memory, shared, lambda page: render(page_body(page)), metrics, clocks.monotonic),
        shared,
        key,
        freshness,
        metrics,
        refresh_workers=min(settings.isales.concurrency, REFRESH_WORKERS),
        refresh_deadline_s=settings.isales.deadline_s,
        clock=clocks.monotonic,
    )


def _middleware(
    app: Flask,
    turns: Turns,
    callers: Callers,
    pages: PageCache,
    settings: Settings,
    metrics: Metrics,
    clocks: Clocks,
) -> "WSGIApplication":
    """Put in front of Flask: the hit path, the addresses of callers behind proxies, who follows another, and turns."""
    wsgi: WSGIApplication = in_turn(app.wsgi_app, turns, clocks.monotonic)
    wsgi = Followers(wsgi, pages.join, metrics, settings.isales.deadline_s, clocks.monotonic)
    # Addresses are for the log only; neither host nor scheme nor prefix is ever taken from a header.
    wsgi = ProxyFix(wsgi, x_for=settings.http.trusted_proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0)
    if settings.log.hits:
        # A hit with a log line takes the ordinary way, which writes it.
        return wsgi
    return HitPath(wsgi, callers, pages.peek, pages.peek_fresh, metrics, settings.cache.max_bytes // LEARNING_SHARE)
