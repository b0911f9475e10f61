"""The doctors on the network below TLS: does the name resolve, and who takes a connection."""

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.isales.doctor_step import Fact, Name, State, Step
from gateway.isales.endpoint import DEFAULT_PORTS
from gateway.isales.text import escaped
from gateway.name_lookup import NameLookup, Resolve, system_resolver

NAME_CHARACTERS: Final = 253


@dataclass(frozen=True, slots=True)
class Way:
    """What the words call whose way it is: the setting that names the host, that of the time limit, who is there."""

    setting: str = "isales.base_url"
    limit: str = " (isales.connect_timeout_s)"
    other_end: str = "CC-iSales"


TO_ISALES: Final = Way()


@dataclass(frozen=True, slots=True)
class Address:
    """One address that a name resolves to, as `socket` takes it."""

    family: int
    sockaddr: tuple[Any, ...]

    def __str__(self) -> str:
        host, port = self.sockaddr[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def connect(self, limit_s: float) -> socket.socket:
        """Return a socket that is connected within `limit_s` and keeps that timeout. Raises `OSError`."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            sock.settimeout(limit_s)
            sock.connect(self.sockaddr)
        except BaseException:
            sock.close()
            raise
        return sock


def host_and_port(base_url: str) -> tuple[str, int]:
    """Return the host of a valid `base_url` as it is looked up, without brackets, and the port, given or implied."""
    parts = urlsplit(base_url)
    return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


def look_up(
    host: str, port: int, limit_s: float, resolve: Resolve = system_resolver, way: Way = TO_ISALES
) -> tuple[Step, tuple[Address, ...]]:
    """Return the step DNS and the addresses of `host` in the order in which the gateway tries them."""
    began = time.monotonic()
    found: list[Any] | Exception | None
    try:
        found = NameLookup(resolve).addresses(host, port, limit_s)
    except TimeoutError:
        found = None
    except Exception as error:  # noqa: BLE001 -- looked at below, and raised again where it is none of the resolver's
        found = error
    took = time.monotonic() - began
    name = escaped(host, NAME_CHARACTERS)
    if isinstance(found, list) and found:
        addresses = tuple(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))
        shown = tuple(str(address.sockaddr[0]) for address in addresses)
        facts: dict[str, Fact] = {"host": host, "addresses": shown}
        seen = f"{name} is {'an address, no name' if shown == (host,) else ', '.join(shown)}"
        return Step(Name.DNS, State.GOOD, seen, took, facts=facts), addresses
    seen, hint = _unresolved(name, found, limit_s, way)
    return Step(Name.DNS, State.FAILED, seen, took, hint, {"host": host, "addresses": ()}), ()


def _unresolved(name: str, found: list[Any] | Exception | None, limit_s: float, way: Way) -> tuple[str, str]:
    resolver = "Check that this machine's DNS servers (/etc/resolv.conf) can be reached and know the name."
    if found is None:
        return f"no answer about {name} within {limit_s:g} s{way.limit}", resolver
    if isinstance(found, socket.gaierror) and found.errno == socket.EAI_AGAIN:
        return f"no DNS server could tell about {name}", f"{resolver} Check the host in {way.setting}."
    if isinstance(found, list | socket.gaierror | UnicodeError):
        return f"{name} does not resolve", f"Check the host in {way.setting}. {resolver}"
    raise found


def connect_each(addresses: Sequence[Address], limit_s: float, way: Way = TO_ISALES) -> dict[Address, Step]:
    """Return a step TCP for each of `addresses`, one after the other, each within `limit_s`.

    The gateway tries them in turn: one that fails beside one that is good is a warning.
    """
    tried = {address: _connect(address, limit_s) for address in addresses}
    reachable = any(fault is None for fault, _ in tried.values())
    return {
        address: _tcp_step(address, fault, took, reachable, limit_s, way) for address, (fault, took) in tried.items()
    }


def _connect(address: Address, limit_s: float) -> tuple[OSError | None, float]:
    began = time.monotonic()
    try:
        address.connect(limit_s).close()
    except OSError as error:
        return error, time.monotonic() - began
    return None, time.monotonic() - began


def _tcp_step(
    address: Address,
    fault: OSError | None,
    took_s: float,
    reachable: bool,  # noqa: FBT001 -- private, one caller
    limit_s: float,
    way: Way,
) -> Step:
    facts: dict[str, Fact] = {"address": str(address.sockaddr[0]), "port": int(address.sockaddr[1])}
    if fault is None:
        return Step(Name.TCP, State.GOOD, f"{address} takes connections", took_s, facts=facts)
    if isinstance(fault, ConnectionRefusedError):
        seen = f"{address} refuses connections"
        hint = (
            f"Nothing listens there, or a firewall rejects: check the port in {way.setting} and that "
            f"{way.other_end} runs."
        )
    elif isinstance(fault, TimeoutError):
        seen = f"{address} does not answer within {limit_s:g} s{way.limit}"
        hint = "Most likely a firewall drops what we send: have this machine let through to that address and port."
    else:
        seen = f"{address} cannot be reached: {fault.strerror or type(fault).__name__}"
        hint = f"Check this machine's network, its routes, and the host in {way.setting}."
    if reachable:
        hint += " Another address is good, but trying this one first delays calls."
    return Step(Name.TCP, State.WARNING if reachable else State.FAILED, seen, took_s, hint, facts)
