"""The settings as the rest of the gateway sees them: frozen, complete and valid.

`gateway.settings.schema` holds the table of names, limits and meanings that makes these from files and environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo


class Secret:
    """A text that never shows by accident: `repr`, `str` and formatting give `********`, only `reveal` the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text: Final = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __repr__(self) -> str:
        return "********" if self._text else "''"


@dataclass(frozen=True, slots=True)
class IsalesSettings:
    """How CC-iSales is reached and how much is asked of it; seconds, bytes, calls and shares."""

    base_url: str
    ca_file: str
    client_cert_file: str
    client_key_file: str
    connect_timeout_s: float
    read_timeout_s: float
    deadline_s: float
    max_response_bytes: int
    concurrency: int
    processes: int
    max_attempts: int
    retry_budget: float
    breaker_failure_ratio: float
    breaker_min_calls: int
    breaker_window_s: float
    breaker_open_s: float
    breaker_open_max_s: float
    locked_pause_s: float


@dataclass(frozen=True, slots=True)
class Tenant:
    """One VDN: the keys that sign for it and how its CC-iSales tells time. `cc_id` is 0 when it is not to be sent.

    `name` is what people call it, never empty.
    """

    vdn: int
    name: str
    access_key: str = field(repr=False)
    secret_key: Secret
    previous_access_key: str = field(repr=False)
    previous_secret_key: Secret
    host_header: str
    timestamp_precision: str
    time_zone: ZoneInfo
    cc_id: int
    locale: str


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """How long pages are good, in seconds, and how many bytes of them this process holds.

    `refresh_ahead` is a share of `fresh_s`.
    """

    shared_url: Secret
    shared_prefix: str
    shared_ca_file: str
    shared_cert_file: str
    shared_key_file: str
    sentinel_password: Secret
    fresh_s: float
    fresh_completed_s: float
    stale_while_revalidate_s: float
    stale_if_error_s: float
    stale_if_slow_s: float
    min_refresh_s: float
    refresh_ahead: float
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Client:
    """One caller: the hashes of its keys, and what it may do. `vdns` is `None` for all."""

    name: str
    key_sha256: str = field(repr=False)
    previous_key_sha256: str = field(repr=False)
    vdns: frozenset[int] | None
    scopes: frozenset[str]
    requests_per_minute: int


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """What tokens of one `subject`, or else of one `client`, may do, whatever their claims say. `vdns`: as `Client`."""

    subject: str
    client: str
    vdns: frozenset[int] | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class JwtSettings:
    """One identity provider: where its keys are, what its tokens must say, and where; off while `issuer` is empty.

    `vdns_claim` and `scopes_claim` are names or dotted paths of claims, at least one each.
    """

    issuer: str
    audience: str
    accepted_clients: tuple[str, ...]
    jwks_url: str
    jwks_file: str
    vdns_claim: tuple[str, ...]
    scopes_claim: tuple[str, ...]
    scope_prefix: str
    grants: tuple[TokenGrant, ...]


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What stands in front of the gateway."""

    trusted_proxies: int
    drain_s: float
    cors_origins: tuple[str, ...]
    longest_wait_s: int
    most_waiters: int


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """What whole results may take: seconds and rows. `spool_folder` is empty for the system's."""

    spool_folder: str
    keep_s: float
    longest_s: float
    most_rows: int


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged and in which form."""

    level: str
    format: str
    hits: bool


@dataclass(frozen=True, slots=True)
class TimeZoneData:
    """A release of the IANA time zone database, such as `2026f` or `unknown`, and the folder that it is in."""

    release: str
    folder: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one process, and the time zone data that they were read with.

    `warnings` are sentences about what is allowed but probably not meant. `jwt` are all providers as they are written;
    `issuers` those that are on.
    """

    environment: str
    isales: IsalesSettings
    tenants: Mapping[int, Tenant]
    cache: CacheSettings
    clients: tuple[Client, ...]
    jwt: tuple[JwtSettings, ...]
    http: HttpSettings
    export: ExportSettings
    log: LogSettings
    time_zones: TimeZoneData
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tenants", MappingProxyType(dict(self.tenants)))

    @property
    def issuers(self) -> tuple[JwtSettings, ...]:
        """The identity providers whose tokens are taken."""
        return tuple(jwt for jwt in self.jwt if jwt.issuer)
