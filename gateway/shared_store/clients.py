"""redis-py's clients for the three kinds of address: one Redis, the master that Sentinels name, and a cluster.

All of them wait for a fifth of a second and try nothing twice. redis-py 8 has it otherwise in several places, and each
of them matters: `retry` of a connection, that of the Sentinels' connections, and that of the cluster's client, whose
ten attempts with pauses turn a fifth of a second into seconds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.exceptions import ClusterDownError
from redis.retry import Retry
from redis.sentinel import Sentinel

from gateway.settings.shared_url import Kind, SharedUrl, read_shared_url
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.client import Client
from gateway.shared_store.connections import AskedSentinel, FollowingPool, FollowingSentinelPool, by_sentinels, named
from gateway.shared_store.single_flight import SingleFlight

# Far more than a process has threads: connections are made as they are needed, and running out of them is an error.
MAX_CONNECTIONS: Final = 1024
_OF_REDIS_ALONE: Final = frozenset({"db", "username", "password", "client_name", "max_connections"})


class _BoundedSentinel(Sentinel):
    """Asks the Sentinels in a thread of its own: each that hangs takes a time limit, and who needs a master has one."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__([])  # type: ignore[no-untyped-call] # -- redis-py has no types here
        self._timeout_s = timeout_s
        self._flights: dict[str, SingleFlight[Any]] = {}

    def discover_master(self, service_name: str) -> Any:
        ask: Any = super().discover_master
        flight = self._flights.setdefault(service_name, SingleFlight(lambda: ask(service_name), "redis-sentinels"))
        return flight.result(self._timeout_s)


def client_of(address: StoreAddress, longer_s: float = 0.0) -> Client:
    """Return a client that waits for the address' time limit, and so much longer for answers. Nothing is connected yet.

    What the URL says of timeouts, retries and decoding does not count. Raises ValueError, without the URL in it, when
    it cannot be used.
    """
    client = _client_if_usable(address, longer_s)
    if isinstance(client, str):
        # Raised here, because cause and variables of where it failed show parts of the URL, and so of the password.
        raise ValueError(f"cache.shared_url is no URL of a Redis: {client}.")  # noqa: TRY004 -- what is wrong, in words
    return client


def commands_of_connections(address: StoreAddress) -> tuple[str, ...]:
    """Return the commands that connections send by themselves for what the URL of `address` says."""
    options: dict[str, Any] = parse_url(read_shared_url(address.url.reveal()).options.reveal())  # type: ignore[no-untyped-call] # -- redis-py has no types here
    asked = {"select": "db", "client|setname": "client_name", "ping": "health_check_interval"}
    return tuple(command for command, option in asked.items() if options.get(option))


def _client_if_usable(address: StoreAddress, longer_s: float) -> Client | str:
    try:
        url = read_shared_url(address.url.reveal())
    except ValueError as fault:
        return str(fault)
    try:
        options = _options(url, address, longer_s)
        pool = FollowingPool(**options)
        # An option that redis-py does not know shows only when a connection is made; this one is never connected.
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, redis.RedisError):
        return "behind `?` it has an option that redis-py does not know, or a value that it does not take"
    makers: dict[Kind, Callable[[], Any]] = {
        Kind.PLAIN: lambda: redis.Redis(connection_pool=pool),
        Kind.SENTINEL: lambda: _of_sentinels(url, options, address),
        Kind.CLUSTER: lambda: _of_cluster(url, options),
    }
    return Client(url, makers[url.kind], address.timeout_s)


def _options(url: SharedUrl, address: StoreAddress, longer_s: float) -> dict[str, Any]:
    options: dict[str, Any] = {
        **parse_url(url.options.reveal()),  # type: ignore[no-untyped-call] # -- redis-py has no types here
        "socket_timeout": address.timeout_s + longer_s,
        "socket_connect_timeout": address.timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "decode_responses": False,
        "max_connections": MAX_CONNECTIONS,
        # Each of these saves a round trip when a connection is made.
        "protocol": 2,
        "driver_info": None,
    }
    if url.tls:
        files = {"ssl_ca_certs": address.ca_file, "ssl_certfile": address.cert_file, "ssl_keyfile": address.key_file}
        options.update({name: path for name, path in files.items() if path})
    options["connection_class"] = named(options.get("connection_class"))
    return options


def _of_sentinels(url: SharedUrl, options: Mapping[str, Any], address: StoreAddress) -> "redis.Redis":
    to_sentinels = {name: value for name, value in options.items() if name not in _OF_REDIS_ALONE}
    password = address.sentinel_password.reveal() or None
    manager = _BoundedSentinel(address.timeout_s)
    # Its own would look names up for as long as the system does.
    manager.sentinels = [
        AskedSentinel(
            connection_pool=FollowingPool(**{**to_sentinels, "host": host, "port": port, "password": password})
        )
        for host, port in url.nodes
    ]
    to_master = {name: value for name, value in options.items() if name not in {"host", "port"}}
    to_master["connection_class"] = by_sentinels(options["connection_class"])
    pool = FollowingSentinelPool(url.service, manager, **to_master)  # type: ignore[no-untyped-call] # -- the same
    return redis.Redis(connection_pool=pool)


def _of_cluster(url: SharedUrl, options: Mapping[str, Any]) -> "redis.RedisCluster":
    (host, port), *others = url.nodes
    first = f"redis://[{host}]:{port}" if ":" in host else f"redis://{host}:{port}"
    to_nodes = {name: value for name, value in options.items() if name not in {"host", "port", "db", "retry"}}
    try:
        return RedisCluster(
            url=first,
            startup_nodes=[ClusterNode(*node) for node in others],  # type: ignore[no-untyped-call] # -- the same
            retry=options["retry"],
            # A node that is lost without a replica takes its own keys away, no others.
            require_full_coverage=False,
            connection_pool_class=FollowingPool,
            **to_nodes,
        )
    except IndexError as error:
        # redis-py looks for the first of the nodes that have slots.
        raise ClusterDownError("no node of the cluster has slots yet") from error
