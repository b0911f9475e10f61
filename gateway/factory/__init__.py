"""Where all parts meet: the only module that knows all others.

`create_app` read from top to bottom is the way of the data, from the wire to the endpoint; the modules beside this one
have a stretch of it each.
"""

import gc
import os
from typing import TYPE_CHECKING

import structlog
from flask import Flask

from gateway.access.callers import Callers
from gateway.access.clients import ClientDirectory
from gateway.access.last_use import LastUses
from gateway.api.answer import Answers
from gateway.api.cache import cache_blueprint
from gateway.api.campaigns import campaigns_blueprint
from gateway.api.console import console_blueprint
from gateway.api.cors import cors_headers, with_cors
from gateway.api.docs import documentation_blueprint
from gateway.api.export import export_blueprint
from gateway.api.fair_semaphore import FairSemaphore, in_order
from gateway.api.fast_path import FastPath
from gateway.api.health import health_blueprint
from gateway.api.lifecycle import register_lifecycle
from gateway.api.me import me_blueprint
from gateway.api.methods import register_options
from gateway.api.openapi import openapi_document
from gateway.api.problems import problems_blueprint, register_problems
from gateway.api.start import start_blueprint
from gateway.api.summary import summary_blueprint
from gateway.api.waiting import WaitForChange
from gateway.cli.app import Gateway
from gateway.cli.commands import add_commands
from gateway.cli.env_file import forget_env_file
from gateway.cli.faulty import refuse_to_serve
from gateway.factory.access import bearer_tokens_of, limits_of, state_of, token_keys_of
from gateway.factory.clocks import Clocks
from gateway.factory.exports import exports_of
from gateway.factory.pages import LEARNING_SHARE, READY_SHARE, page_cache_of, shared_store_of, shared_tier_of
from gateway.factory.upstream import breakers_of, transport_of, upstream_of
from gateway.pages.changes import Changes
from gateway.pages.page_cache import PageCache
from gateway.reload import SETTINGS_STATE, Resources
from gateway.results.counts import CountedPages
from gateway.server_threads import leave_room
from gateway.settings import Settings, SettingsError, load_settings
from gateway.telemetry.log import configure_logging
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.settings_state import SettingsState
from gateway.telemetry.tracing import NoTracer, Tracer
from gateway.telemetry.upstream_health import UpstreamHealth, watched

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = structlog.get_logger("gateway")

METRICS = "metrics"
TRACER = "tracer"
SERVER_THREADS = "server threads"
"""The parts that count and trace, and the server's threads; a server puts its own there before the app is made."""

__all__ = ["METRICS", "SERVER_THREADS", "TRACER", "Clocks", "create_app", "create_commands_app"]

REAL_CLOCKS = Clocks()


def create_app(
    settings: Settings | None = None, clocks: Clocks = REAL_CLOCKS, resources: Resources | None = None
) -> Flask:
    """Return the gateway as a WSGI application. Without `settings` they are read from files and environment.

    `resources` are this app's alone, or bring what it takes over from the app before it, and are closed with it. Raises
    SettingsError with every fault of the settings.
    """
    settings = load_settings(os.environ) if settings is None else settings
    resources = Resources() if resources is None else resources
    configure_logging(settings.log.level, settings.log.format)
    for warning in settings.warnings:
        log.warning("settings", warning=warning)

    app = Flask("gateway", static_folder=None)
    metrics = resources.take(METRICS, None, Metrics)
    tracer: Tracer = resources.take(TRACER, None, NoTracer)
    store = shared_store_of(app, settings, resources, metrics, clocks)
    transport = transport_of(settings, resources, metrics, clocks)
    semaphore = resources.take("semaphore", None, FairSemaphore)
    token_keys = token_keys_of(settings, semaphore, resources, metrics, clocks)
    # Whatever keeps an app from being made has by now. From here on, parts that the app before still uses are changed.
    state = resources.take(SETTINGS_STATE, None, SettingsState)
    metrics.watch_settings(lambda: float(not state.faults), lambda: state.loaded_at)
    health = resources.take(
        "health", frozenset(settings.tenants), lambda: UpstreamHealth(tuple(settings.tenants), clocks.monotonic)
    )
    breakers = breakers_of(settings, resources, metrics, clocks)
    upstream = upstream_of(settings, transport, store, breakers, tracer, resources, metrics, clocks)
    fetch = watched(upstream, health, metrics, clocks.monotonic)
    shared = shared_tier_of(store, resources)
    pages, changes = page_cache_of(app, fetch, shared, settings, resources, metrics, tracer, clocks)
    metrics.watch_shared_cache(shared.state, shared.failing_operations)
    metrics.watch_waiting(lambda: semaphore.waiting)
    limits = limits_of(settings, store, resources, metrics, clocks)
    uses = resources.take("last uses", None, LastUses)
    metrics.watch_clients(uses.report)
    callers = Callers(
        ClientDirectory(settings.clients, settings.tenants, uses),
        bearer_tokens_of(settings, token_keys, uses, metrics, clocks),
    )

    answers = Answers(metrics, log_hits=settings.log.hits)
    register_lifecycle(app, metrics, tracer)
    register_problems(app)
    register_options(app)
    app.register_blueprint(
        campaigns_blueprint(
            callers,
            settings.tenants,
            pages.key,
            semaphore.outside(limits.take),
            semaphore.outside(pages.fresh),
            semaphore.outside(pages.serve),
            answers,
            settings.isales.deadline_s,
            clocks.monotonic,
        )
    )
    app.register_blueprint(me_blueprint(callers, settings.tenants))
    counted = CountedPages(pages.fresh, pages.serve)
    app.register_blueprint(
        summary_blueprint(
            callers,
            settings.tenants,
            semaphore.outside(limits.take),
            semaphore.outside(counted.at_hand),
            semaphore.outside(counted.gather),
            settings.isales.deadline_s,
            clocks.monotonic,
        )
    )
    exports = exports_of(fetch, pages, settings, clocks)
    app.register_blueprint(export_blueprint(callers, settings.tenants, limits.take, exports, clocks.monotonic))
    app.register_blueprint(cache_blueprint(callers, settings.tenants, pages.purge, pages.others_hear, pages.explain))
    app.register_blueprint(
        health_blueprint(
            state.report,
            health.report,
            breakers.report,
            shared.report,
            lambda: state_of(token_keys),
            settings.time_zones.release,
            metrics.exposition,
        )
    )
    app.register_blueprint(documentation_blueprint(openapi_document))
    app.register_blueprint(problems_blueprint())
    app.register_blueprint(console_blueprint())
    app.register_blueprint(start_blueprint())
    add_commands(app, Gateway(settings, pages.serve, pages.purge, shared.state, exports, resources.close))
    fast = _middleware(app, semaphore, callers, pages, answers, settings, tracer, clocks)
    app.wsgi_app = _with_waits(fast, changes, settings, resources, metrics, clocks)  # type: ignore[assignment, method-assign]  # -- Flask's way
    return app


def create_commands_app() -> Flask:
    """Return the app for the `flask` command; with faulty settings, one that has the commands and cannot serve.

    That way `flask config check` can say what is wrong, and `flask keys new` works before there are any settings.
    """
    forget_env_file(os.environ)
    # What is there now stays to the end; to look through it for garbage, then too, is a fifth of what a command takes.
    gc.freeze()
    try:
        return create_app()
    except SettingsError as fault:
        refuse_to_serve(fault)
        app = Flask("gateway", static_folder=None)
        add_commands(app, fault)
        return app


def _with_waits(
    fast: FastPath,
    changes: Changes,
    settings: Settings,
    resources: Resources,
    metrics: Metrics,
    clocks: Clocks,
) -> "WSGIApplication":
    """Put in front of all: pages of other origins, and who waits for a change."""
    waiting = resources.take("waiting", None, lambda: WaitForChange(changes, metrics.wait_ended, clocks.monotonic))
    resources.own("waiters", waiting, lambda: None, waiting.drain)
    metrics.watch_waiters(lambda: waiting.waiting, lambda: waiting.most)
    most_waiters = _most_waiters(settings, resources.take(SERVER_THREADS, None, lambda: None))
    waiting.serve_by(fast, settings.http.longest_wait_s, most_waiters)
    by_origin = cors_headers(settings.http.cors_origins)
    return with_cors(waiting, by_origin) if by_origin else waiting


def _middleware(
    app: Flask,
    semaphore: FairSemaphore,
    callers: Callers,
    pages: PageCache,
    answers: Answers,
    settings: Settings,
    tracer: Tracer,
    clocks: Clocks,
) -> FastPath:
    """Put in front of Flask: the fast path with addresses behind proxies, and turns."""
    return FastPath(
        in_order(app.wsgi_app, semaphore, clocks.monotonic),
        callers,
        pages,
        answers,
        tracer,
        max_bytes=settings.cache.max_bytes // LEARNING_SHARE,
        most_ready_bytes=settings.cache.max_bytes // READY_SHARE,
        hops=settings.http.trusted_proxies,
        deadline_s=settings.isales.deadline_s,
        clock=clocks.monotonic,
    )


def _most_waiters(settings: Settings, threads: int | None) -> int:
    most = leave_room(settings.http.most_waiters, threads)
    if most < settings.http.most_waiters:
        log.warning(
            "waiters_bounded",
            most=most,
            most_waiters=settings.http.most_waiters,
            threads=threads,
            remedy="set GRANIAN_BLOCKING_THREADS and GRANIAN_BACKPRESSURE to twice `http.most_waiters` or more",
        )
    return most
