"""The table of all settings: names, types, defaults, limits and meanings.

Code, `config/README.md`, `config/default.toml` and `flask config check` all speak from this table; tests hold them
to it. A field with `metadata={"secret": True}` may also be given as `<name>_file`, a path whose content is the value.
"""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from gateway.settings.fields import (
    CLIENT_NAME,
    HOST,
    TOKEN,
    AccessKey,
    KeyHash,
    SecretText,
    TimeZone,
    Vdns,
    check_base_url,
    check_jwks_url,
    check_origin,
    check_shared_url,
    count,
    seconds,
    text,
)
from gateway.settings.model import Secret

SCOPES = ("campaigns:read", "cache:purge", "diagnostics:read")
VDN = validate.Range(min=1, max=9999)
NOT_EMPTY = validate.Length(min=1, error="must not be empty")


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
        metadata={"description": "Where CC-iSales answers, up to and not with `/rest`. Production refuses plain HTTP."},
    )
    ca_file = text(
        "", "PEM file of the authorities to trust; empty: the system's. Verification cannot be switched off."
    )
    client_cert_file = text("", "PEM file of our certificate, where CC-iSales wants mutual TLS.")
    client_key_file = text("", "PEM file of its private key; empty: it is in `client_cert_file`.")
    connect_timeout_s = seconds(2.0, "Longest wait for a TCP connection, seconds.", inclusive=False, most=60.0)
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
    max_attempts = count(2, "Attempts for one page, the first included; 1: no retries.", least=1, most=10)
    retry_budget = fields.Float(
        load_default=0.1,
        validate=validate.Range(min=0.0, max=1.0),
        metadata={"description": "Retries as a share of first attempts, or one, over the last minute; 0: none."},
    )
    breaker_failure_ratio = fields.Float(
        load_default=0.5,
        validate=validate.Range(min=0.0, max=1.0, min_inclusive=False),
        metadata={"description": "Share of failed calls from which on calls are stopped, of one VDN or of all."},
    )
    breaker_min_calls = count(10, "Calls within the window before the share counts.", least=1, most=100_000)
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

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        if data["client_key_file"] and not data["client_cert_file"]:
            raise ValidationError("is set, but `client_cert_file` is not; set both", "client_key_file")
        if data["breaker_open_max_s"] < data["breaker_open_s"]:
            raise ValidationError("must not be below `breaker_open_s`", "breaker_open_max_s")


class TenantTable(SettingsSchema):
    """One VDN. Repeat the table for more."""

    vdn = fields.Integer(
        strict=True, required=True, validate=VDN, metadata={"description": "The virtual call centre, 1 to 9999."}
    )
    access_key = AccessKey(
        required=True, validate=TOKEN, metadata={"description": "The AK that CC-iSales gave.", "secret": True}
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
        validate.OneOf(["seconds", "milliseconds"], error="must be one of: {choices}"),
    )
    time_zone = TimeZone(
        load_default=ZoneInfo("UTC"),
        metadata={"description": "The zone of this VDN's zone-less times, an IANA name such as `Asia/Shanghai`."},
    )
    cc_id = count(0, "The call centre to ask for where a VDN spans several; 0: not sent.", least=0, most=65_535)
    locale = text(
        "zh_CN",
        "Language of CC-iSales' descriptions: `zh_CN` or `en_US`.",
        validate.OneOf(["zh_CN", "en_US"], error="must be one of: {choices}"),
    )

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        if bool(data["previous_access_key"]) != bool(data["previous_secret_key"]):
            message = "`previous_access_key` and `previous_secret_key` go together; set both or none"
            raise ValidationError(message, "previous_access_key")


class Cache(SettingsSchema):
    """How long pages are good, and where they are kept."""

    shared_url = SecretText(
        load_default=Secret(""),
        validate=lambda url: check_shared_url(url.reveal()) if url else None,
        metadata={
            "description": "Redis that several processes share, `redis://`, `rediss://` or `unix://`; empty: none.",
            "secret": True,
        },
    )
    fresh_s = seconds(15.0, "How long a page is fresh, seconds.", most=86_400.0)
    fresh_completed_s = seconds(300.0, "The same for pages asked for with `status=completed`.", most=86_400.0)
    stale_while_revalidate_s = seconds(60.0, "How long after that it is still answered at once.", most=86_400.0)
    stale_if_error_s = seconds(3600.0, "How long after that it is answered while CC-iSales fails.", most=604_800.0)
    max_bytes = count(67_108_864, "Pages held in this process, bytes.", least=0, most=1_099_511_627_776)


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
    vdns = Vdns(
        load_default=frozenset[int](),
        metadata={"description": 'The VDNs that it may read, such as `[1, 7]`, or `["*"]` for all.'},
    )
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES, error="must be one of: {choices}")),
        load_default=lambda: ["campaigns:read"],
        metadata={"description": "What it may do: `campaigns:read`, `cache:purge`, `diagnostics:read`."},
    )
    requests_per_minute = count(
        0,
        "Limit on requests that no fresh page answers, per process, or over all with `cache.shared_url`; 0: none.",
        least=0,
        most=1_000_000,
    )


class Jwt(SettingsSchema):
    """Bearer tokens; off while `issuer` is empty."""

    issuer = text("", "The `iss` that tokens must carry, exactly.")
    audience = text("", "The `aud` that tokens must carry: a name of the gateway's own, not an OpenID client's.")
    jwks_url = text(
        "",
        "Where the issuer's keys are, a JWK set. Production refuses plain HTTP.",
        lambda url: check_jwks_url(url) if url else None,
    )
    jwks_file = text("", "The same as a file, looked at anew once a minute.")
    vdns_claim = text("vdns", 'The claim that lists VDNs: an array of numbers or digits, or `"*"` for all.', NOT_EMPTY)
    scopes_claim = text("scope", "The claim that lists scopes: an array, or a text with blanks.", NOT_EMPTY)

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        if not data["issuer"]:
            return
        faults = {}
        if not data["audience"]:
            faults["audience"] = ["must be set where `issuer` is: tokens for others must not be good here"]
        if bool(data["jwks_url"]) == bool(data["jwks_file"]):
            faults["jwks_url"] = ["where `issuer` is set, set either this or `jwks_file`"]
        if faults:
            raise ValidationError(faults)


class Http(SettingsSchema):
    """What stands in front of the gateway."""

    trusted_proxies = count(1, "Hops in front of us whose `X-Forwarded-*` headers count.", least=0, most=10)
    drain_s = seconds(
        1.0, "How long a process that was told to end (SIGTERM) still takes requests, seconds; 15 at most.", most=15.0
    )
    cors_origins = fields.List(
        fields.String(validate=check_origin),
        load_default=list[str],
        metadata={"description": "Origins whose pages may call from a browser, such as `https://app.example.com`."},
    )


class Log(SettingsSchema):
    """What is logged, and how."""

    level = text(
        "info",
        "`debug`, `info`, `warning` or `error`.",
        validate.OneOf(["debug", "info", "warning", "error"], error="must be one of: {choices}"),
    )
    format = text(
        "json",
        "`json`, one object a line, or `console`, for people.",
        validate.OneOf(["json", "console"], error="must be one of: {choices}"),
    )
    hits = fields.Boolean(load_default=False, metadata={"description": "Whether fresh hits are logged too."})


class SettingsTable(SettingsSchema):
    """All sections."""

    isales = fields.Nested(Isales, required=True)
    tenants = fields.List(fields.Nested(TenantTable), required=True)
    cache = fields.Nested(Cache, required=True)
    clients = fields.List(fields.Nested(ClientTable), required=True)
    jwt = fields.Nested(Jwt, required=True)
    http = fields.Nested(Http, required=True)
    log = fields.Nested(Log, required=True)

    tables: ClassVar[tuple[str, ...]] = ("isales", "cache", "jwt", "http", "log")
    arrays: ClassVar[tuple[str, ...]] = ("tenants", "clients")
