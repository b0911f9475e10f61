"""The way to CC-iSales, from a query to its page."""

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.factory.clocks import Clocks
from gateway.isales.breaker import Breakers, refuse_while_open, with_breaker
from gateway.isales.call_duration import CallDuration
from gateway.isales.certificate_expiry import CertificateExpiry
from gateway.isales.circuit import CircuitPolicy
from gateway.isales.drift import DriftLog
from gateway.isales.fetch import fetch_page
from gateway.isales.hostile_queries import HostileQueries, refuse_hostile
from gateway.isales.key_trials import KeyTrials
from gateway.isales.known_credentials import KnownCredentials
from gateway.isales.retry import Retries, with_retries
from gateway.isales.retry_budget import RetryBudget
from gateway.isales.retry_policy import RetryPolicy
from gateway.isales.second_signature import in_turn, in_turn_after_wait, with_credentials
from gateway.isales.send import sign_and_send
from gateway.isales.shared_slots import NO_SHARED_SLOTS, SharedSlots
from gateway.isales.signature_budget import (
    LONGEST_PAUSE_S,
    MOST_BEFORE_ASKING,
    NO_SHARED_BUDGET,
    WINDOW_S,
    SignatureBudget,
)
from gateway.isales.slots import Slots, with_slots
from gateway.isales.traced import traced
from gateway.isales.transport import Transport
from gateway.isales.way import ALL, Way
from gateway.model import FetchPage, Priority
from gateway.reload import Resources
from gateway.settings import Settings, SettingsError
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tracing import Tracer

if TYPE_CHECKING:
    from gateway.shared_store.store import SharedStore


def transport_of(settings: Settings, resources: Resources, metrics: Metrics, clocks: Clocks) -> Transport:
    """Make connections to CC-iSales, new ones for each app: what is in the files for TLS may have changed."""
    try:
        transport = Transport(settings.isales, CertificateExpiry(metrics, clocks.wall).seen)
    except ValueError as fault:
        raise SettingsError([str(fault)]) from fault
    return resources.own("transport", transport, transport.close)


def breakers_of(settings: Settings, resources: Resources, metrics: Metrics, clocks: Clocks) -> Breakers:
    """Have what is known of the way of a VDN last until it is another way, or has another policy.

    Where it failed for a certificate, it is another one as soon as that is mended.
    """
    isales = settings.isales
    files = [file for file in (isales.ca_file, isales.client_cert_file, isales.client_key_file) if file]
    there = (isales.base_url, *((file, Path(file).stat().st_mtime_ns) for file in files))

    def make_way(vdn: int | None, policy: CircuitPolicy) -> Way:
        tenant = None if vdn is None else settings.tenants[vdn]
        return resources.take(f"way {vdn}", (there, policy, tenant), lambda: Way(vdn, policy))

    lock = resources.take("lock of the ways", None, threading.Lock)
    breakers = Breakers(isales, settings.tenants, metrics, clocks.monotonic, clocks.wall, make_way, lock)
    metrics.watch_only({ALL, *map(str, settings.tenants)})
    metrics.begin(settings.tenants)
    return breakers


def upstream_of(
    settings: Settings,
    transport: Transport,
    store: "SharedStore | None",
    breakers: Breakers,
    tracer: Tracer,
    resources: Resources,
    metrics: Metrics,
    clocks: Clocks,
) -> FetchPage:
    """Return what fetches a page of CC-iSales: the steps in `gateway/README.md`, stacked from the last to the first."""
    isales = settings.isales
    trials = resources.take("credentials", isales.base_url, lambda: _key_trials(metrics, clocks))
    trials.shared = resources.take("shared signatures", (store, isales.base_url), lambda: _shared_budget(store))
    trials.keep(settings.tenants.values())
    durations = resources.take(
        "durations", (isales.base_url, isales.deadline_s), lambda: CallDuration(isales.deadline_s, clocks.monotonic)
    )
    retry_budget = resources.take(
        "retry budget",
        (isales.base_url, isales.retry_budget),
        lambda: RetryBudget(isales.retry_budget, clocks.monotonic),
    )
    retry_policy = RetryPolicy(isales.max_attempts)
    retries = Retries(retry_policy, retry_budget, metrics, clocks.monotonic, clocks.sleep, durations.estimate_s)
    hostile = resources.take(
        "hostile queries",
        (isales.base_url, isales.locked_pause_s),
        lambda: HostileQueries(isales.locked_pause_s, clocks.monotonic),
    )
    send = sign_and_send(transport, clocks.wall, retry_budget.spend)
    send = traced(send, tracer, transport.endpoint, clocks.monotonic)
    send = with_credentials(send, trials, durations.estimate_s)
    send = with_breaker(send, breakers)
    send = in_turn_after_wait(send, trials)
    send = with_slots(send, _slots(settings, durations, store, resources, metrics))
    send = in_turn(send, trials)
    send = refuse_while_open(send, breakers)
    send = refuse_hostile(send, hostile)
    send = with_retries(send, retries)
    return fetch_page(send, settings.tenants, resources.take("drift", None, lambda: DriftLog(metrics)))


def _key_trials(metrics: Metrics, clocks: Clocks) -> KeyTrials:
    known = KnownCredentials(metrics, clocks.monotonic)
    return KeyTrials(known, NO_SHARED_BUDGET, metrics, clocks.monotonic)


def _shared_budget(store: "SharedStore | None") -> SignatureBudget:
    if store is None:
        return NO_SHARED_BUDGET
    from gateway.shared_store.signature_budget import RedisSignatureBudget  # noqa: PLC0415 -- only where there is a Redis

    return RedisSignatureBudget(store, WINDOW_S, MOST_BEFORE_ASKING, LONGEST_PAUSE_S)


def _slots(
    settings: Settings, durations: CallDuration, store: "SharedStore | None", resources: Resources, metrics: Metrics
) -> Slots:
    """Return the call budget, of all processes that share a Redis or of this one alone. It holds over a reload."""
    isales = settings.isales

    def make_shared() -> SharedSlots:
        if store is None:
            return NO_SHARED_SLOTS
        from gateway.shared_store.slots import RedisSlots  # noqa: PLC0415 -- as above

        return RedisSlots(store, isales.concurrency, isales.processes)

    shared = resources.take("shared slots", (store, isales.concurrency, isales.processes), make_shared)
    slots = resources.take("slots", isales.base_url, lambda: Slots(isales.concurrency, durations, shared, metrics))
    slots.adapt(isales.concurrency, durations, shared)
    waiting = {priority.name.lower(): partial(slots.waiting_at, priority) for priority in Priority}
    metrics.watch_slots(lambda: slots.in_use, waiting, isales.concurrency, shared=store is not None)
    return slots
