"""The doctor on the shared cache: what goes first, memory, how fast it answers, its clock."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from gateway.cli.doctor_shared_step import Name
from gateway.isales.doctor_step import Fact, State, Step, duration
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.client import Client

CALLS: Final = 20
FULL_SHARE: Final = 0.9
CLOCK_S: Final = 1.0
_EVICTS_LEASES: Final = ("volatile-ttl", "volatile-random", "allkeys-random")


def eviction(client: Client) -> Step:
    """Return the step: what goes first when memory is short. Raises what redis-py raises."""
    policies = {str(node.info("memory").get("maxmemory_policy", "unknown")) for node in client.primaries()}
    shown = ", ".join(sorted(policies))
    facts: dict[str, Fact] = {"policies": tuple(sorted(policies))}
    if policies & set(_EVICTS_LEASES):
        hint = "Under pressure it takes leases, slots and limits first, for they end soonest: set allkeys-lru."
        return Step(Name.EVICTION, State.WARNING, shown, hint=hint, facts=facts)
    return Step(Name.EVICTION, State.GOOD, shown, facts=facts)


def memory(client: Client) -> Step:
    """Return the step: how much of it is used. Raises what redis-py raises."""
    shares: list[float] = []
    refuses = False
    for node in client.primaries():
        info: Any = node.info("memory")
        most = int(info.get("maxmemory", 0))
        # As Redis reckons it: what it keeps for replicas and for its own file does not count.
        used = int(info["used_memory"]) - int(info.get("mem_not_counted_for_evict", 0))
        shares.append(used / most if most else 0.0)
        refuses = refuses or (shares[-1] > 1 and info.get("maxmemory_policy") == "noeviction")
    facts: dict[str, Fact] = {"fullest": round(max(shares), 4)}
    if max(shares) > FULL_SHARE:
        hint = "Raise maxmemory: a full Redis takes no pages, leases and slots."
        state = State.FAILED if refuses else State.WARNING
        return Step(Name.MEMORY, state, f"{max(shares):.0%} of maxmemory is used", hint=hint, facts=facts)
    return Step(Name.MEMORY, State.GOOD, f"{max(shares):.0%} of maxmemory is used", facts=facts)


def latency(client: Client, address: StoreAddress) -> Step:
    """Return the step: how long one command takes. Raises what redis-py raises."""
    took: list[float] = []
    for number in range(CALLS):
        began = time.monotonic()
        client.get(f"{address.prefix}doctor:{number}")
        took.append(time.monotonic() - began)
    median, most = sorted(took)[len(took) // 2], max(took)
    facts: dict[str, Fact] = {"calls": CALLS, "median_s": round(median, 6), "max_s": round(most, 6)}
    seen = f"median {duration(median)}, max {duration(most)}; the gateway waits for {duration(address.timeout_s)}"
    if most > address.timeout_s / 2:
        return Step(Name.LATENCY, State.WARNING, seen, sum(took), "It is far away or busy: bring it closer.", facts)
    return Step(Name.LATENCY, State.GOOD, seen, sum(took), facts=facts)


def clock(client: Client, now: Callable[[], datetime]) -> Step:
    """Return the step: how its clock differs from `now`, this machine's. Raises what redis-py raises."""
    seconds, microseconds = client.primaries()[0].time()
    ahead_s = seconds + microseconds / 1_000_000 - now().timestamp()
    facts: dict[str, Fact] = {"ahead_s": round(ahead_s, 3)}
    seen = f"{abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} this machine"
    if abs(ahead_s) > CLOCK_S:
        hint = "The gateway tells time by Redis alone, so that it does no harm; but one of the two clocks is wrong."
        return Step(Name.CLOCK, State.WARNING, seen, hint=hint, facts=facts)
    return Step(Name.CLOCK, State.GOOD, seen, facts=facts)
