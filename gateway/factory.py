"""Where all parts meet: the only module that knows all others.

Read from top to bottom it is the way of the data, from the wire to the endpoint.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from flask import Flask
from flask_caching import Cache
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway.access.clients import ClientDirectory
from gateway.api.campaigns import campaigns_blueprint
from gateway.api.docs import documentation_blueprint
from gateway.api.health import health_blueprint
from gateway.api.lifecycle import register_lifecycle
from gateway.api.openapi import openapi_document
from gateway.api.problems import problems_blueprint, register_problems
from gateway.cli import Gateway, add_commands
from gateway.isales.drift import DriftLog
from gateway.isales.fetch import fetch_page
from gateway.isales.send import sign_and_send
from gateway.isales.slots import Slots, with_slots
from gateway.isales.transport import Transport
from gateway.model import CampaignQuery, FetchPage, ServePage
from gateway.pages.freshness import FreshnessPolicy
from gateway.pages.key import page_key
from gateway.pages.page_cache import PageCache
from gateway.pages.store import PageStore
from gateway.settings import Settings, SettingsError, load_settings
from gateway.telemetry.log import configure_logging
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.upstream_health import UpstreamHealth, watched

log = structlog.get_logger("gateway")


@dataclass(frozen=True, slots=True)
class Clocks:
    """The two clocks: `wall` for signatures (aware), `monotonic` for ages and deadlines (seconds)."""

    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic


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
    fetch = watched(_upstream(settings, metrics, clocks), health, metrics, clocks.monotonic)
    serve = _cached(fetch, app, settings, metrics, clocks)
    clients = ClientDirectory(settings.clients, settings.tenants)

    register_lifecycle(app, metrics, log_hits=settings.log.hits)
    register_problems(app)
    app.register_blueprint(
        campaigns_blueprint(clients, settings.tenants, serve, settings.isales.deadline_s, clocks.monotonic)
    )
    app.register_blueprint(health_blueprint(health.report, metrics.exposition))
    app.register_blueprint(documentation_blueprint(openapi_document()))
    app.register_blueprint(problems_blueprint())
    add_commands(app, Gateway(settings, serve))
    # Addresses of callers are for the log only; neither host nor scheme nor prefix is ever taken from a header.
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # -- the way that Flask documents for WSGI middleware
        app.wsgi_app, x_for=settings.http.trusted_proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0
    )
    return app


def create_commands_app() -> Flask:
    """Return the app for the `flask` command; with faulty settings, one that has the commands and cannot serve.

    That way `flask config check` can say what is wrong, and `flask keys new` works before there are any settings.
    """
    try:
        return create_app()
    except SettingsError as fault:
        if sys.argv[1:2] == ["run"]:
            sys.exit(str(fault))
        app = Flask("gateway", static_folder=None)
        add_commands(app)
        return app


def _upstream(settings: Settings, metrics: Metrics, clocks: Clocks) -> FetchPage:
    """Query -> vendor request -> slot -> sign -> wire -> vendor schema -> page."""
    try:
        transport = Transport(settings.isales)
    except ValueError as fault:
        raise SettingsError([str(fault)]) from fault
    send = sign_and_send(transport, clocks.wall)
    send = with_slots(send, Slots(settings.isales.concurrency))
    return fetch_page(send, settings.tenants, DriftLog(metrics))


def _cached(fetch: FetchPage, app: Flask, settings: Settings, metrics: Metrics, clocks: Clocks) -> ServePage:
    """Query -> key -> page in the store, or fetch once and store."""
    in_process = {"CACHE_TYPE": "gateway.pages.memory.ProcessCache", "CACHE_MAX_BYTES": settings.cache.max_bytes}
    store = PageStore(Cache(app, config=in_process), metrics)
    freshness = FreshnessPolicy(settings.cache.fresh_s, settings.cache.fresh_completed_s)

    def key(query: CampaignQuery) -> str:
        zone = settings.tenants[query.vdn].time_zone.key
        return page_key(query, f"{settings.isales.base_url} {zone}")

    return PageCache(fetch, store, key, freshness, metrics, clocks.monotonic).serve
