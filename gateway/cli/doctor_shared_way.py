"""The doctor on the way to the shared cache, below Redis: does each name resolve, which addresses take a connection."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote, urlsplit

from gateway.isales.doctor_network import Way, connect_each, look_up
from gateway.isales.doctor_step import State, Step
from gateway.name_lookup import Resolve, system_resolver
from gateway.settings.shared_url import SharedUrl

PORT: Final = 6379
"""Redis' own, where the URL has none."""

TO_REDIS: Final = Way("cache.shared_url", ", which the gateway waits", "Redis")

TO_WHAT_IS_TOLD: Final = Way(
    "what the nodes tell of themselves (cluster-announce-ip, replica-announce-ip, sentinel monitor)",
    TO_REDIS.limit,
    TO_REDIS.other_end,
)


def examine_way(url: SharedUrl, limit_s: float) -> Iterator[Step]:
    """Yield what `examine_hosts` does of the hosts of `url`. A socket of this machine has no such steps."""
    return examine_hosts(hosts_of(url), limit_s)


def examine_hosts(
    hosts: Sequence[tuple[str, int]], limit_s: float, way: Way = TO_REDIS, resolve: Resolve = system_resolver
) -> Iterator[Step]:
    """Yield a step DNS for each of `hosts` and a step TCP for each of their addresses, each within `limit_s`.

    What fails beside one that is good is a warning, for the gateway tries one after the other.
    """
    looked = [look_up(host, port, limit_s, resolve, way) for host, port in hosts]
    resolved = any(addresses for _, addresses in looked)
    for step, _ in looked:
        yield replace(step, state=State.WARNING) if resolved and step.state is State.FAILED else step
    yield from connect_each([address for _, found in looked for address in found], limit_s, way).values()


def hosts_of(url: SharedUrl) -> tuple[tuple[str, int], ...]:
    """Return hosts and ports of `url`, as redis-py takes them; none where it is the path of a socket."""
    parts = urlsplit(url.options.reveal())
    if parts.scheme == "unix":
        return ()
    return url.nodes or ((unquote(parts.hostname or "localhost"), parts.port or PORT),)
