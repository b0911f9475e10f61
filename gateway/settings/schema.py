"""The table of all settings: names, types, defaults, limits and meanings.

Code, `config/README.md`, `config/default.toml` and `flask config check` all speak from this table; tests hold them
to it. A field with `metadata={"secret": True}` may also be given as `<name>_file`, a path whose content is the value.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from marshmallow import RAISE, Schema, fields, validate

from gateway.settings.between import Fault, between
from gateway.settings.fields import (
    CLIENT_NAME,
    HOST,
    KEY_PREFIX,
    TENANT_NAME,
    TOKEN,
    AccessKey,
    Claims,
    KeyHash,
    OneOrMore,
    SecretText,
    TimeZone,
    TrueOrFalse,
    Vdns,
    check_base_url,
    check_jwks_url,
    check_origin,
    check_shared_url,
    count,
    one_of,
    seconds,
    share,
    text,
)
from gateway.settings.model import Secret
from gateway.settings.shared_url import Kind, read_shared_url
from gateway.settings.time_zones import time_zone

SCOPES = ("campaigns:read", "cache:purge", "diagnostics:read")
VDN = validate.Range(min=1, max=9999)
NOT_EMPTY = validate.Length(min=1, error="must not be empty")


def _vdns(meaning: str) -> Vdns:
    """Return a field for VDNs, by default for none."""
    return Vdns(load_default=frozenset[int](), metadata={"description": meaning})


def _scopes(meaning: str) -> fields.List[str]:
    """Return a field for scopes of the gateway's own."""
    return fields.List(
        fields.String(validate=one_of(*SCOPES)),
        load_default=lambda: ["campaigns:read"],
        metadata={"description": meaning},
    )


class SettingsSchema(Schema):
    """A section of the settings; an unknown name in it is a fault."""

    class Meta:
        """Nothing unknown goes unnoticed, and the order is that of the table."""

        unknown = RAISE


class Isales(SettingsSchema):
    """Where CC-iSales is, and how much may be asked of it."""

    base_url = fields.String(
        required=True,
        validate=check_base_url,
        metadata={
            "description": "Where CC-iSales answers, up to and not with `/rest`; its own ports are 28050 (SaaS) and "
            "28080 (on premises). Production refuses plain HTTP."
        },
    )
    ca_file = text("", "PEM file of the certificates to trust; empty: the system's authorities. See TLS below.")
    client_cert_file = text("", "PEM file of our certificate, where CC-iSales wants mutual TLS.")
    client_key_file = text("", "PEM file of its private key; empty: it is in `client_cert_file`.")
    connect_timeout_s = seconds(
        2.0,
        "Longest time for each of these: to look the name up, to connect to an address, the TLS handshake; seconds.",
        inclusive=False,
        most=60.0,
    )
    read_timeout_s = seconds(5.0, "Longest silence of a connection, seconds.", inclusive=False, most=300.0)
    deadline_s = seconds(
        8.0, "Longest time for one caller's request, queueing and all, seconds.", inclusive=False, most=300.0
    )
    max_response_bytes = count(4_194_304, "Largest answer taken, bytes after decoding.", least=1024, most=1_073_741_824)
    concurrency = count(
        10,
        "Calls to CC-iSales at once, per process, or over all with `cache.shared_url`. The vendor asks for at most 10.",
        least=1,
        most=1000,
    )
    processes = count(
        0,
        "Processes of all gateways together. While the shared call budget cannot be reached, each makes `concurrency` "
        "divided by this many calls at once; 0: not known, and each makes `concurrency`.",
        least=0,
        most=10_000,
    )
    max_attempts = count(2, "Attempts for one page, the first included; 1: no retries.", least=1, most=10)
    retry_budget = share(
        0.1, "Retries as a share of first attempts, or one, over the last minute; 0: none.", inclusive=True
    )
    breaker_failure_ratio = share(0.5, "Share of failed calls from which on calls are stopped, of one VDN or of all.")
    breaker_min_calls = count(
        10,
        "Calls within the window before the share counts. Three in a row without any answer stop calls too.",
        least=1,
        most=100_000,
    )
    breaker_window_s = seconds(30.0, "Window over which the share is taken, seconds.", inclusive=False, most=3600.0)
    breaker_open_s = seconds(
        5.0,
        "How long calls are stopped then before one is tried, seconds; doubles each time.",
        inclusive=False,
        most=3600.0,
    )
    breaker_open_max_s = seconds(60.0, "The most that it doubles up to, seconds.", inclusive=False, most=86_400.0)
    locked_pause_s = seconds(
        300.0,
        "How long no call is made after HTTP 403 or 418 (a lock, a firewall), seconds; doubles, up to an hour.",
        inclusive=False,
        most=86_400.0,
    )

    @between("client_key_file", "client_cert_file")
    def _key_with_its_certificate(self, key_file: str, cert_file: str) -> Iterator[Fault]:
        if key_file and not cert_file:
            yield "client_key_file", "is set, but `client_cert_file` is not; set both"

    @between("breaker_open_max_s", "breaker_open_s")
    def _most_above_least(self, most_s: float, least_s: float) -> Iterator[Fault]:
        if most_s < least_s:
            yield "breaker_open_max_s", "must not be below `breaker_open_s`"


class TenantTable(SettingsSchema):
    """One VDN. Repeat the table for more."""

    vdn = fields.Integer(
        strict=True, required=True, validate=VDN, metadata={"description": "The virtual call centre, 1 to 9999."}
    )
    name = text("", "What people call it, 64 characters at most; empty: `VDN` and its number.", TENANT_NAME)
    access_key = AccessKey(
        required=True,
        validate=TOKEN,
        metadata={
            "description": "The AK that CC-iSales gave, of interface family C2; those for tokens (C1) are refused.",
            "secret": True,
        },
    )
    secret_key = SecretText(
        required=True,
        validate=validate.Predicate("__bool__", error="must not be empty"),
        metadata={"description": "The SK that goes with it.", "secret": True},
    )
    previous_access_key = AccessKey(
        load_default="",
        validate=lambda key: TOKEN(key) if key else None,
        metadata={"description": "The AK before a rotation, tried when the current one is refused.", "secret": True},
    )
    previous_secret_key = SecretText(
        load_default=Secret(""), metadata={"description": "The SK that goes with it.", "secret": True}
    )
    host_header = text(
        "",
        "The `Host` to send and sign; empty: that of `isales.base_url`, without 443 or 80 where that is the scheme's"
        " own port.",
        HOST,
    )
    timestamp_precision = text(
        "seconds",
        "How the signature tells time: `seconds` or `milliseconds`.",
        one_of("seconds", "milliseconds"),
    )
    time_zone = TimeZone(
        load_default=lambda: time_zone("UTC"),
        metadata={
            "description": "The zone of this VDN's zone-less times, an IANA name such as `Africa/Cairo`; how to find"
            " out: below."
        },
    )
    cc_id = count(0, "The call centre to ask for where a VDN spans several; 0: not sent.", least=0, most=65_535)
    locale = text("zh_CN", "Language of CC-iSales' descriptions: `zh_CN` or `en_US`.", one_of("zh_CN", "en_US"))

    @between("previous_access_key", "previous_secret_key")
    def _pair_before(self, access_key: str, secret_key: Secret) -> Iterator[Fault]:
        if bool(access_key) != bool(secret_key):
            message = "`previous_access_key` and `previous_secret_key` go together; set both or none"
            yield "previous_access_key", message


class Cache(SettingsSchema):
    """How long pages are good, and where they are kept."""

    shared_url = SecretText(
        load_default=Secret(""),
        validate=lambda url: check_shared_url(url.reveal()) if url else None,
        metadata={
            "description": "Redis or Valkey that several processes share: `redis://`, `rediss://` (TLS), `unix://`, "
            "`redis+sentinel://` or `redis+cluster://`; empty: none. How they are written: below.",
            "secret": True,
        },
    )
    shared_prefix = text(
        "campaign-gateway:", "How every key and channel in it begins; an ACL can be made of it.", KEY_PREFIX
    )
    shared_ca_file = text("", "PEM file of the authorities to trust for it; empty: the system's.")
    shared_cert_file = text("", "PEM file of our certificate, where it wants mutual TLS.")
    shared_key_file = text("", "PEM file of its private key; empty: it is in `shared_cert_file`.")
    sentinel_password = SecretText(
        load_default=Secret(""),
        metadata={
            "description": "Password of the Sentinels; empty: none. That of Redis is in `shared_url`.",
            "secret": True,
        },
    )
    fresh_s = seconds(15.0, "How long a page is fresh, seconds.", most=86_400.0)
    fresh_completed_s = seconds(
        300.0,
        "The same for `status=completed`, and for a page whose campaigns are all completed and have ended.",
        most=86_400.0,
    )
    stale_while_revalidate_s = seconds(
        60.0,
        "How long a page that is no longer fresh is still answered at once, and refreshed meanwhile, seconds.",
        most=86_400.0,
    )
    stale_if_error_s = seconds(
        3600.0,
        "How long a page that is no longer fresh is answered while CC-iSales fails or is slow, seconds.",
        most=604_800.0,
    )
    stale_if_slow_s = seconds(
        0.5, "How long a caller waits for a newer page before it gets the stale one, seconds.", most=60.0
    )
    min_refresh_s = seconds(
        1.0, "Least time between two fetches of a page that callers ask for by `Cache-Control`, seconds.", most=3600.0
    )
    refresh_ahead = share(
        0.8, "Share of its freshness after which a page that is asked for is refreshed; 1: when stale."
    )
    max_bytes = count(67_108_864, "Pages held in this process, bytes.", least=0, most=1_099_511_627_776)

    @between("shared_key_file", "shared_cert_file")
    def _key_with_its_certificate(self, key_file: str, cert_file: str) -> Iterator[Fault]:
        if key_file and not cert_file:
            yield "shared_key_file", "is set, but `shared_cert_file` is not; set both"

    @between("shared_url", "shared_ca_file", "shared_cert_file")
    def _files_for_tls(self, url: Secret, ca_file: str, cert_file: str) -> Iterator[Fault]:
        if url and not read_shared_url(url.reveal()).tls:
            for name, file in (("shared_ca_file", ca_file), ("shared_cert_file", cert_file)):
                if file:
                    yield name, "is set, but `shared_url` is not of TLS; write `rediss` in it for `redis`"

    @between("shared_url", "sentinel_password")
    def _password_of_sentinels(self, url: Secret, password: Secret) -> Iterator[Fault]:
        if url and password and read_shared_url(url.reveal()).kind is not Kind.SENTINEL:
            yield "sentinel_password", "is set, but `shared_url` names no Sentinels; write it as redis+sentinel://"


class ClientTable(SettingsSchema):
    """One caller. Repeat the table for more."""

    name = fields.String(
        required=True,
        validate=CLIENT_NAME,
        metadata={"description": "Who it is: `client` in log lines, and named to a caller that is refused."},
    )
    key_sha256 = KeyHash(
        load_default="",
        metadata={
            "description": "Lower-case hex of SHA-256 of the API key; empty: nobody can use this client.",
            "secret": True,
        },
    )
    previous_key_sha256 = KeyHash(
        load_default="",
        metadata={"description": "The same of the key before, while callers change over.", "secret": True},
    )
    vdns = _vdns('The VDNs that it may read, such as `[1, 7]`, or `["*"]` for all.')
    scopes = _scopes("What it may do: `campaigns:read`, `cache:purge`, `diagnostics:read`.")
    requests_per_minute = count(
        0,
        "Limit on requests that no fresh page answers, per process, or over all with `cache.shared_url`; 0: none.",
        least=0,
        most=1_000_000,
    )


class TokenGrantTable(SettingsSchema):
    """What some tokens of one identity provider may do. Repeat the table for more."""

    subject = text("", "The `sub` of the tokens that it is about, exactly.")
    client = text(
        "", "Or, instead of `subject`, their client: the first of `client_id`, `azp`, `cid` and `appid`, exactly."
    )
    vdns = _vdns('The VDNs that they may read, such as `[1, 7]`, or `["*"]` for all.')
    scopes = _scopes("What they may do: `campaigns:read`, `cache:purge`, `diagnostics:read`.")

    @between("subject", "client")
    def _whose(self, subject: str, client: str) -> Iterator[Fault]:
        if bool(subject) == bool(client):
            yield "subject", "set either this or `client`, to whose tokens these are"


class Jwt(SettingsSchema):
    """Bearer tokens of one identity provider; off while `issuer` is empty. Repeat the table for more."""

    issuer = text("", "The `iss` that tokens must carry, exactly.")
    audience = text("", "The `aud` that tokens must carry: a name of the gateway's own, not an OpenID client's.")
    accepted_clients = fields.List(
        fields.String(validate=NOT_EMPTY),
        load_default=list[str],
        metadata={
            "description": "If there are any, only tokens of these clients (`client_id`, `azp`, `cid` or `appid`) are "
            "taken, also where such a token has no `aud`."
        },
    )
    jwks_url = text(
        "",
        "Where the issuer's keys are, a JWK set. Production refuses plain HTTP.",
        lambda url: check_jwks_url(url) if url else None,
    )
    jwks_file = text("", "The same as a file, looked at anew once a minute.")
    vdns_claim = Claims(
        load_default=("vdns",),
        metadata={
            "description": 'The claim that lists VDNs: numbers or digits, or `"*"` for all. Or a list of claims.'
        },
    )
    scopes_claim = Claims(
        load_default=("scope",),
        metadata={"description": "The claim that lists scopes: an array, or a text with blanks. Or a list of claims."},
    )
    scope_prefix = text("", "How each scope that counts begins, such as `isales/`; it is cut off.")
    grants = fields.List(
        fields.Nested(TokenGrantTable),
        load_default=list[dict[str, object]],
        metadata={
            "description": "Rights of a subject or a client in place of those by claims, as tables `[[jwt.grants]]`."
        },
    )

    @between("issuer", "audience", "accepted_clients")
    def _meant_for_us(self, issuer: str, audience: str, accepted_clients: list[str]) -> Iterator[Fault]:
        if issuer and not audience and not accepted_clients:
            yield "audience", "must be set where `issuer` is (or `accepted_clients`, for tokens without `aud`)"

    @between("issuer", "jwks_url", "jwks_file")
    def _one_place_of_keys(self, issuer: str, url: str, file: str) -> Iterator[Fault]:
        if issuer and bool(url) == bool(file):
            yield "jwks_url", "where `issuer` is set, set either this or `jwks_file`"


class Http(SettingsSchema):
    """What stands in front of the gateway."""

    trusted_proxies = count(
        1, "Proxies in front of the gateway that each add an address to `X-Forwarded-For`.", least=0, most=10
    )
    drain_s = seconds(
        1.0, "How long a process that was told to end (SIGTERM) still takes requests, seconds; 15 at most.", most=15.0
    )
    cors_origins = fields.List(
        fields.String(validate=check_origin),
        load_default=list[str],
        metadata={"description": "Origins whose pages may call from a browser, such as `https://app.example.com`."},
    )
    longest_wait_s = count(
        10,
        "Longest `Prefer: wait`, whole seconds; below what fronts wait for an answer.",
        least=1,
        most=60,
    )
    most_waiters = count(
        1000,
        "Callers that may wait for a change at once, per process; each holds a thread. 0: none.",
        least=0,
        most=10_000,
    )


class Export(SettingsSchema):
    """Files with all campaigns that a query asks for (`/campaigns/export`)."""

    spool_folder = text("", "Folder for what does not fit into memory; empty: the system's for temporary files.")
    keep_s = seconds(
        60.0, "How long a result is kept for callers who ask for it again, seconds; 0: not at all.", most=3600.0
    )
    longest_s = seconds(
        300.0,
        "Longest time for one export, seconds; the read timeout of a proxy in front has to be longer.",
        inclusive=False,
        most=3600.0,
    )
    most_rows = count(1_000_000, "Most campaigns in one export. A sheet has 1,048,576 rows.", least=1, most=1_048_575)


class Log(SettingsSchema):
    """What is logged, and how."""

    level = text("info", "`debug`, `info`, `warning` or `error`.", one_of("debug", "info", "warning", "error"))
    format = text("json", "`json`, one object a line, or `console`, for people.", one_of("json", "console"))
    hits = TrueOrFalse(
        load_default=False,
        metadata={"description": "Whether requests that a page at hand answers at once are logged too."},
    )


class SettingsTable(SettingsSchema):
    """All sections."""

    isales = fields.Nested(Isales, required=True)
    tenants = fields.List(fields.Nested(TenantTable), required=True)
    cache = fields.Nested(Cache, required=True)
    clients = fields.List(fields.Nested(ClientTable), required=True)
    jwt = OneOrMore(fields.Nested(Jwt), required=True)
    http = fields.Nested(Http, required=True)
    export = fields.Nested(Export, required=True)
    log = fields.Nested(Log, required=True)

    tables: ClassVar[tuple[str, ...]] = ("isales", "cache", "jwt", "http", "export", "log")
    arrays: ClassVar[tuple[str, ...]] = ("tenants", "clients")


SETTINGS: Final = SettingsTable()
"""The one that all read by: to make one, with all that is in it, takes longer than to load by it."""
