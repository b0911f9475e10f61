"""The way to CC-iSales, examined step by step, each as far as the one before it was good.

It makes one call at a time, for calls are a budget: four for a VDN where all is good, one where something is wrong.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Final

from gateway.errors import UpstreamForbidden, UpstreamRefusedCredentials
from gateway.isales.doctor_answer import answer_steps, hint_for
from gateway.isales.doctor_ask import Questioner
from gateway.isales.doctor_network import connect_each, host_and_port, look_up
from gateway.isales.doctor_step import Fact, Name, State, Step, duration, skipped
from gateway.isales.doctor_tls import shake_hands
from gateway.settings.model import IsalesSettings, Tenant

LATENCY_CALLS: Final = 3
MOST_REFUSALS: Final = 3
"""Wrong signatures can lock the address that they come from, for gateways too."""

TEXT_CHARACTERS: Final = 200
FOR_EACH_VDN: Final = (Name.HTTP, Name.CLOCK, Name.SIGNATURE, Name.QUERY, Name.LATENCY)


def examine(settings: IsalesSettings, tenants: Iterable[Tenant], now: Callable[[], datetime]) -> Iterator[Step]:
    """Yield each step as soon as it was taken: the way to CC-iSales once, then what each of `tenants` gets there.

    `now` returns the aware time. Nothing that the other end does makes it raise. Every wait for it is within
    `isales.connect_timeout_s` or `isales.read_timeout_s`, and a whole call within the sum of the two.
    """
    blocked_by: Name | None = None
    for step in _way(settings, now):
        yield step
        if step.state is State.FAILED:
            blocked_by = Name(step.name)
    if blocked_by:
        for tenant in tenants:
            for name in FOR_EACH_VDN:
                yield skipped(name, blocked_by, tenant.vdn)
        return
    with closing(Questioner(settings, now)) as questioner:
        yield from _answers(questioner, tenants, settings.read_timeout_s)


def _answers(questioner: Questioner, tenants: Iterable[Tenant], read_timeout_s: float) -> Iterator[Step]:
    """Yield what each of `tenants` gets, until going on could lock this machine's address, or keep it locked."""
    accepted_hosts: set[str] = set()
    stop, refusals = "", 0
    for tenant in tenants:
        if stop:
            for name in FOR_EACH_VDN:
                yield Step(name, State.SKIPPED, f"not examined, because {stop}", vdn=tenant.vdn)
            continue
        exchange = questioner.ask(tenant)
        yield from answer_steps(exchange, accepted_hosts)
        if exchange.understood:
            accepted_hosts.add(exchange.host_header)
        refusals += isinstance(exchange.error, UpstreamRefusedCredentials)
        if refusals == MOST_REFUSALS:
            stop = f"{MOST_REFUSALS} signatures were refused, and more can lock this machine's address; use --vdn"
        if isinstance(exchange.error, UpstreamForbidden):
            stop = f"VDN {tenant.vdn} was not let through, and more calls may prolong a lock"
        if blocked_by := exchange.blocked_by:
            yield skipped(Name.LATENCY, blocked_by, tenant.vdn)
        else:
            yield replace(_latency(questioner, tenant, read_timeout_s), vdn=tenant.vdn)


def _way(settings: IsalesSettings, now: Callable[[], datetime]) -> Iterator[Step]:
    """Yield DNS, TCP (one for each address) and TLS, to the first address that takes connections."""
    host, port = host_and_port(settings.base_url)
    dns, addresses = look_up(host, port, settings.connect_timeout_s)
    yield dns
    if not addresses:
        yield skipped(Name.TCP, Name.DNS)
        yield skipped(Name.TLS, Name.DNS)
        return
    tried = connect_each(addresses, settings.connect_timeout_s)
    yield from tried.values()
    reachable = next((address for address, step in tried.items() if step.state is State.GOOD), None)
    if reachable is None:
        yield skipped(Name.TLS, Name.TCP)
    elif settings.base_url.startswith("https:"):
        yield shake_hands(reachable, host, settings, now())
    else:
        yield Step(Name.TLS, State.SKIPPED, "plain HTTP, nothing is encrypted (production refuses it)")


def _latency(questioner: Questioner, tenant: Tenant, read_timeout_s: float) -> Step:
    """Return the step LATENCY: the query that was good a few times more, over the connection that is kept.

    Another one could fail for what is wrong with a row of it, which says nothing of how reliably CC-iSales answers.
    """
    took: list[float] = []
    for number in range(1, LATENCY_CALLS + 1):
        exchange = questioner.ask(tenant)
        took.append(exchange.took_s)
        if error := exchange.error:
            seen = exchange.shown(f"call {number} of {LATENCY_CALLS} failed: {error.detail}", TEXT_CHARACTERS)
            hint = f"CC-iSales answers now and then only. {hint_for(error)}"
            unknown = dict.fromkeys(("min_s", "median_s", "max_s"))
            facts: dict[str, Fact] = {"calls": number, **unknown, "problem": error.name}
            return Step(Name.LATENCY, State.FAILED, seen, sum(took), hint, facts)
    least, median, most = min(took), statistics.median(took), max(took)
    times: dict[str, Fact] = {"min_s": round(least, 6), "median_s": round(median, 6), "max_s": round(most, 6)}
    facts = {"calls": LATENCY_CALLS, **times, "problem": None}
    seen = f"min {duration(least)}, median {duration(median)}, max {duration(most)}"
    if most > read_timeout_s / 2:
        hint = f"Calls time out after {read_timeout_s:g} s (isales.read_timeout_s): find out why CC-iSales is slow."
        return Step(Name.LATENCY, State.WARNING, seen, sum(took), hint, facts)
    return Step(Name.LATENCY, State.GOOD, seen, sum(took), facts=facts)
