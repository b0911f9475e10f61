"""The doctor on the shared cache: can it be reached, is it what the URL says, may all be done there, and is it fit.

Names and addresses are looked at by `doctor_shared_way`, all else here.
Each step asks as the gateway does, over connections made in the same way. Nothing is left behind: what is written has a
name of its own and is removed.
"""

import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import redis

from gateway.cli.doctor_shared_fitness import clock, eviction, latency, memory
from gateway.cli.doctor_shared_hints import hint_for
from gateway.cli.doctor_shared_step import Name
from gateway.cli.doctor_shared_way import TO_WHAT_IS_TOLD, examine_hosts, examine_way
from gateway.isales.doctor_step import Fact, State, Step
from gateway.settings.shared_url import Kind, SharedUrl, read_shared_url
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import RedisBackend
from gateway.shared_store.client import Client
from gateway.shared_store.clients import client_of, commands_of_connections
from gateway.shared_store.faults import TROUBLE, Fault, fault_of
from gateway.shared_store.rights import COMMANDS, OF_A_CLUSTER, set_user
from gateway.trust.certificate import read_all, soonest
from gateway.trust.presented import verified

LEAST_VERSION: Final = (6, 0)
FEW_DAYS: Final = 30
_DAY_S: Final = 86400


_ARGUMENTS: Final = {
    "eval": "return1 1 {0}",
    "evalsha": f"{'0' * 40} 1 {{0}}",
    "set": "{0} x PX 1000",
    "scan": "0",
    "time": "",
    **dict.fromkeys(("get", "pttl", "exists", "decr", "type", "zcard", "hgetall", "del", "unlink"), "{0}"),
    "blpop": "{0} 0.01",
    "brpoplpush": "{0} {0} 0.01",
    "pexpire": "{0} 1000",
    "expire": "{0} 1",
    **dict.fromkeys(("rpush", "lpush", "hget", "hdel", "zrem", "zscore"), "{0} x"),
    "zadd": "{0} 1 x",
    "zrange": "{0} 0 -1",
    "zremrangebyscore": "{0} 0 0",
    "hset": "{0} x 1",
    "hincrby": "{0} x 1",
    "lindex": "{0} 0",
    "ltrim": "{0} 0 0",
    "publish": "{0} x",
}
"""What to send with each command to learn whether it is allowed; that of news of others is another step."""

_NEEDED: Final = (Name.CONNECT, Name.RIGHTS, Name.CHANNEL)
"""The steps in which a right that is missing is what is wrong, and not only what keeps the doctor from seeing."""


def examine_shared(address: StoreAddress, now: Callable[[], datetime]) -> Iterator[Step]:
    """Yield each step as soon as it was taken; where there is no connection, the others are left out.

    `now` returns the aware time. Nothing that the other end does makes it raise. `address` is one that can be used.
    """
    url = read_shared_url(address.url.reveal())
    way = State.SKIPPED
    for step in examine_way(url, address.timeout_s):
        way = step.state
        yield step
    if way is State.FAILED:
        return
    client = client_of(address)
    try:
        connect = _step(Name.CONNECT, address, lambda: _connect(client, address))
        yield connect
        if connect.state is State.FAILED:
            yield from examine_hosts(_told(client, url, address), address.timeout_s, TO_WHAT_IS_TOLD)
            return
        steps: list[tuple[Name, Callable[[], Step]]] = [
            (Name.TLS, lambda: _tls(client, now())) if url.tls else (Name.TLS, _no_tls),
            (Name.ROLE, lambda: _role(client, address)),
            (Name.VERSION, lambda: _version(client)),
            (Name.RIGHTS, lambda: _rights(client, address)),
            (Name.CHANNEL, lambda: _channel(client, address)),
            (Name.EVICTION, lambda: eviction(client)),
            (Name.MEMORY, lambda: memory(client)),
            (Name.LATENCY, lambda: latency(client, address)),
            (Name.CLOCK, lambda: clock(client, now)),
        ]
        for name, take in steps:
            step = _step(name, address, take)
            yield step
            if name is Name.ROLE and step.state is State.FAILED:
                # All else would be about something that is not to be used.
                return
    finally:
        client.close()


def _step(name: Name, address: StoreAddress, take: Callable[[], Step]) -> Step:
    began = time.monotonic()
    try:
        return take()
    except TROUBLE as error:
        fault = _fault(error, address)
        seen = _words(fault)
        # What a user may not ask about is no fault of what is asked about.
        state = State.SKIPPED if fault.one_operation and name not in _NEEDED else State.FAILED
        hint = hint_for(fault, name, address) if state is State.FAILED else ""
        return Step(name, state, seen, time.monotonic() - began, hint, {"fault": fault.kind, "said": fault.said})


def _fault(error: Exception, address: StoreAddress) -> Fault:
    return fault_of(error, [address.sentinel_password.reveal()])


def _words(fault: Fault) -> str:
    return f"{fault.kind}: {fault.said}" if fault.said else fault.kind


def _connect(client: Client, address: StoreAddress) -> Step:
    began = time.monotonic()
    try:
        client.connect()
        nodes: Sequence[Any] = client.primaries()
        for node in nodes:
            # What a connection begins with (AUTH, SELECT) is no PING, to which any answer will do.
            node.connection_pool.release(node.connection_pool.get_connection())
            with suppress(redis.exceptions.ResponseError):
                node.execute_command("PING")
    except TROUBLE:
        with suppress(*TROUBLE):
            instead = _role(client, address)
            if instead.state is State.FAILED:
                return replace(instead, name=Name.CONNECT)
        raise
    count = "a cluster of " + str(len(nodes)) + " masters" if client.is_cluster else "one Redis"
    seen = f"{count} answers, and takes user and password"
    return Step(Name.CONNECT, State.GOOD, seen, time.monotonic() - began, facts={"masters": len(nodes)})


def _told(client: Client, url: SharedUrl, address: StoreAddress) -> Sequence[tuple[str, int]]:
    """Return where Sentinels, or the first node of a cluster, say that masters are; none where it is the URL."""
    with suppress(*TROUBLE):
        if url.kind is Kind.SENTINEL:
            return [client.connection_pool.master_address or client.connection_pool.get_master_address()]
        if url.kind is Kind.CLUSTER:
            with closing(client_of(replace(address, url=url.options))) as node:
                slots: Any = node.execute_command("CLUSTER", "SLOTS")
            return list(dict.fromkeys((str(master[0], "ascii"), int(master[1])) for _, _, master, *_ in slots))
    return []


def _no_tls() -> Step:
    return Step(Name.TLS, State.SKIPPED, "the way there is not encrypted (rediss:// is)")


def _tls(client: Client, now: datetime) -> Step:
    connection: Any = client.primaries()[0].connection_pool.get_connection()
    try:
        sock: ssl.SSLSocket = connection._sock  # noqa: SLF001 -- redis-py has no other way to its socket
        certificate: Any = sock.getpeercert()
        chain = read_all(verified(sock)) if certificate else ()
        protocol = sock.version()
    finally:
        client.primaries()[0].connection_pool.release(connection)
    if not chain:
        hint = "Leave ssl_cert_reqs out of cache.shared_url; production refuses it."
        return Step(Name.TLS, State.WARNING, f"{protocol}, and the certificate is not checked", hint=hint)
    first = soonest(chain)
    ends = first.ends_at
    days = int((ends - now).total_seconds() // _DAY_S)
    names = ", ".join(str(value) for _, value in certificate.get("subjectAltName", ()))
    seen = f"{protocol}, for {names or 'no name'}, trusted, ends in {days} days"
    facts: dict[str, Fact] = {"protocol": protocol, "names": names, "not_after": ends.isoformat(), "days_left": days}
    if days < FEW_DAYS:
        whose = "the server's certificate" if first is chain[0] else f"the certificate of {first.subject}, above it"
        return Step(Name.TLS, State.WARNING, seen, hint=f"Renew {whose}.", facts=facts)
    return Step(Name.TLS, State.GOOD, seen, facts=facts)


def _role(client: Client, address: StoreAddress) -> Step:
    backend = RedisBackend(address)
    try:
        instead = backend.instead()
    finally:
        backend.close()
    kind = read_shared_url(address.url.reveal()).kind
    if instead is not None:
        facts: dict[str, Fact] = {"kind": kind.value, "fault": instead.kind}
        # What to do is in these words.
        return Step(Name.ROLE, State.FAILED, instead.said, facts=facts)
    if client.is_cluster:
        seen = "a cluster whose masters take writes"
    else:
        seen = "the master that the Sentinels name" if kind is Kind.SENTINEL else "a master, and no node of a cluster"
    return Step(Name.ROLE, State.GOOD, seen, facts={"kind": kind.value})


def _version(client: Client) -> Step:
    info: Any = client.primaries()[0].info("server")
    version = str(info.get("valkey_version") or info.get("redis_version", "0"))
    engine = "Valkey" if "valkey_version" in info else "Redis"
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    facts: dict[str, Fact] = {"engine": engine, "version": version}
    if parts < LEAST_VERSION:
        return Step(Name.VERSION, State.FAILED, f"{engine} {version}", hint="6.0 or later is needed.", facts=facts)
    return Step(Name.VERSION, State.GOOD, f"{engine} {version}", facts=facts)


def _rights(client: Client, address: StoreAddress) -> Step:
    """Each command is sent once: Redis looks at rights after the number of arguments and before all else."""
    name = f"{address.prefix}doctor:{uuid4().hex}"
    missing: dict[str, str] = {}
    for node in client.primaries():
        for command in (*COMMANDS, *(OF_A_CLUSTER if client.is_cluster else ())):
            words = [command, *(word.format(name) for word in _ARGUMENTS.get(command, "").split())]
            if command in _ARGUMENTS and (kind := _refused(node, words)):
                missing[command] = kind
    with suppress(redis.RedisError):
        client.delete(name)
    acl = set_user(address.prefix, cluster=client.is_cluster, also=commands_of_connections(address))
    facts: dict[str, Fact] = {"missing": tuple(missing), "acl": acl}
    if missing:
        shown = ", ".join(f"{command} ({kind})" for command, kind in missing.items())
        hint = f"A user with the least rights: {acl}"
        return Step(Name.RIGHTS, State.FAILED, f"not allowed or not known: {shown}", hint=hint, facts=facts)
    return Step(Name.RIGHTS, State.GOOD, "all commands that the gateway needs are allowed", facts=facts)


def _refused(node: Any, words: list[str]) -> str | None:
    try:
        node.execute_command(*words)
    except redis.ResponseError as error:
        kind = fault_of(error).kind
        return kind if kind in {"auth", "command"} else None
    return None


def _channel(client: Client, address: StoreAddress) -> Step:
    channel = f"{address.prefix}doctor:{uuid4().hex}"
    node: Any = client.primaries()[0]
    began = time.monotonic()
    with node.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(channel)
        subscription.get_message(timeout=address.timeout_s)
        node.publish(channel, "x")
        message = None
        while message is None and time.monotonic() - began < 1:
            message = subscription.get_message(timeout=address.timeout_s)
    if message is None:
        hint = "A proxy may not know channels: purges are then heard of up to half a second late."
        return Step(Name.CHANNEL, State.WARNING, "what was published was not heard", hint=hint)
    return Step(Name.CHANNEL, State.GOOD, "what is published is heard", time.monotonic() - began)
