"""The forms of `cache.shared_url`: one Redis, one that Sentinels know, or a cluster.

`redis://`, `rediss://`, `valkey://`, `valkeys://` and `unix://` are those of redis-py and valkey-py. Those of several
nodes are Celery's and limits' where these agree: `redis+sentinel://host:26379,host:26379/name/0` and
`redis+cluster://host:6379,host:6379`, with `rediss` for TLS. What stands behind `?` is for redis-py.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from gateway.settings.model import Secret


class Kind(Enum):
    """What a URL points to."""

    PLAIN = "plain"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class SharedUrl:
    """A URL taken apart. `nodes` are the Sentinels, or nodes of the cluster, to ask first; none where it is plain.

    `options` is a URL as redis-py reads it, of the first node: user, password, database, TLS, what is behind `?`.
    `service` is what the Sentinels call the master.
    """

    kind: Kind
    options: Secret
    nodes: tuple[tuple[str, int], ...] = ()
    service: str = ""

    @property
    def tls(self) -> bool:
        """Whether the way there is encrypted."""
        return self.options.reveal().startswith("rediss:")

    @property
    def socket(self) -> bool:
        """Whether it is a socket of this machine."""
        return self.options.reveal().startswith("unix:")


_SCHEMES: Final = {
    "redis": (Kind.PLAIN, "redis"),
    "rediss": (Kind.PLAIN, "rediss"),
    "valkey": (Kind.PLAIN, "redis"),
    "valkeys": (Kind.PLAIN, "rediss"),
    "unix": (Kind.PLAIN, "unix"),
    "redis+sentinel": (Kind.SENTINEL, "redis"),
    "rediss+sentinel": (Kind.SENTINEL, "rediss"),
    "redis+cluster": (Kind.CLUSTER, "redis"),
    "rediss+cluster": (Kind.CLUSTER, "rediss"),
}
_PORTS: Final = {Kind.SENTINEL: 26379, Kind.CLUSTER: 6379}
_MAX_PORT: Final = 65535
_NODE: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_DATABASE: Final = r"[0-9]{1,5}"
_CHECKS: Final = {"ssl_cert_reqs": {"required"}, "ssl_check_hostname": {"true", "t", "yes", "y", "1"}}

PLAIN_FORMS: Final = (
    "redis://host:port/0, rediss://host:port/0 or unix:///path/to/socket, "
    "with a percent-encoded password if any (redis://:password@host:port/0)"
)
SENTINEL_FORM: Final = "redis+sentinel://user:password@host:26379,host:26379/mymaster/0 (rediss+sentinel:// with TLS)"
CLUSTER_FORM: Final = "redis+cluster://user:password@host:6379,host:6379 (rediss+cluster:// with TLS)"

# Other libraries' schemes, and the right spelling: lettuce, Spring, kombu, ioredis, limits, Dynomite's drivers.
_NEAR_MISSES: Final = (
    (re.compile(r".*sentinel"), f"Sentinels are written {SENTINEL_FORM}"),
    (re.compile(r".*cluster"), f"a cluster is written {CLUSTER_FORM}"),
    (re.compile(r"redis[+-](ssl|tls)|redis-s|valkey[+-](ssl|tls)|(ssl|tls)"), "TLS is written rediss://host:port/0"),
    (
        re.compile(r"(redis|valkey)s?[+-](unix|socket|sock)|(unix|socket)s?[+-]?.*|file"),
        "a socket is written unix:///path",
    ),
)


def read_shared_url(url: str) -> SharedUrl:
    """Return `url` taken apart. Raises ValueError, which says how it is written and shows nothing of `url`.

    What is behind `?` is not looked at; redis-py says what it thinks of that when the connections are made.
    """
    scheme, between, rest = url.partition("://")
    kind, plain = _SCHEMES.get(scheme.lower(), (None, ""))
    if kind is None or not between:
        raise ValueError(_unknown(scheme.lower() if between else url.partition(":")[0].lower()))
    if kind is Kind.PLAIN:
        return _plain(plain, rest)
    return _several(kind, plain, rest)


def unverified(url: str) -> str | None:
    """Return the name of the option of `url` that switches a check of certificates off, or `None`."""
    for name, value in parse_qsl(url.partition("?")[2]):
        if name in _CHECKS and value.lower() not in _CHECKS[name]:
            return name
    return None


def _plain(scheme: str, rest: str) -> SharedUrl:
    if "," in rest.rpartition("@")[2].partition("/")[0]:
        raise ValueError(f"names several hosts; Sentinels are written {SENTINEL_FORM}, a cluster {CLUSTER_FORM}")
    url = f"{scheme}://{rest}"
    try:
        parts = urlsplit(url)
        # Behind two slashes redis-py takes the first folder of a socket's path for a host, and passes it over.
        sound = parts.port != 0 and not parts.fragment and not (scheme == "unix" and parts.hostname)
    except ValueError:
        sound = False
    # redis-py itself takes a database that is no number for the database 0.
    path = r".+" if sound and scheme == "unix" else rf"(?:/(?:{_DATABASE})?)?"
    if not sound or not re.fullmatch(path, parts.path):
        raise ValueError(f"must be {PLAIN_FORMS}")
    return SharedUrl(Kind.PLAIN, Secret(url))


def _several(kind: Kind, scheme: str, rest: str) -> SharedUrl:
    form = SENTINEL_FORM if kind is Kind.SENTINEL else CLUSTER_FORM
    if "#" in rest:
        raise ValueError(f"must hold no `#`; the name of the master is in the path: {form}")
    authority, query_mark, query = rest.partition("?")
    # The last one, because a password may hold any of these characters where somebody forgot to encode it.
    login, at, places = authority.rpartition("@")
    hosts, _, path = places.partition("/")
    nodes = tuple(_node(place, _PORTS[kind], form) for place in hosts.split(","))
    service, _, database = path.partition("/") if kind is Kind.SENTINEL else ("", "", path)
    if kind is Kind.SENTINEL and (not service or re.fullmatch(_DATABASE, service)):
        raise ValueError(f"names no master; behind the Sentinels stands what they call it: {form}")
    if kind is Kind.CLUSTER and database not in {"", "0"}:
        raise ValueError(f"names a database, and a cluster has only one, 0: {form}")
    if database and not re.fullmatch(_DATABASE, database):
        raise ValueError(f"must be {form}")
    if re.search(r"[/@,]", login):
        raise ValueError(f"must have `/`, `@` and `,` percent-encoded in user and password: {form}")
    host, port = nodes[0]
    shown = f"[{host}]" if ":" in host else host
    options = f"{scheme}://{login}{at}{shown}:{port}/{database or 0}{query_mark}{query}"
    return SharedUrl(kind, Secret(options), nodes, unquote(service))


def _node(place: str, port: int, form: str) -> tuple[str, int]:
    parts = _NODE.fullmatch(place)
    if not parts or not 0 < int(parts["port"] or port) <= _MAX_PORT:
        raise ValueError(f"must be {form}")
    return parts["host"].strip("[]"), int(parts["port"] or port)


def _unknown(scheme: str) -> str:
    for pattern, right in _NEAR_MISSES:
        if pattern.fullmatch(scheme):
            return f"must begin otherwise: {right}"
    return f"must be {PLAIN_FORMS}; {SENTINEL_FORM}; or {CLUSTER_FORM}"
