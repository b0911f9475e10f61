"""The kinds of values that settings have, each with its limits and the words for what is outside them."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, fields, validate

from gateway.settings.model import Secret
from gateway.settings.shared_url import read_shared_url
from gateway.settings.time_zones import time_zone

REDACTED = "********"
SHORTEST_SHOWN = 12
"""Of an access key that is shorter nothing is shown: four characters would be too much of it."""
CLIENT_NAME = validate.Regexp(r"[A-Za-z0-9._-]{1,64}\Z", error="must be 1 to 64 letters, digits, `.`, `_` or `-`")
TENANT_NAME = validate.And(
    validate.Length(max=64, error="must be 64 characters at most"),
    validate.Predicate("isprintable", error="must hold no line ends and no control characters"),
)
TOKEN = validate.Regexp(r"[!-.0-~]+\Z", error="must be printable ASCII without blanks and `/`")
KEY_PREFIX = validate.Regexp(
    r"[!-)+->@-Z^-z|~]{1,64}\Z",
    error="must be 1 to 64 printable ASCII characters, without blanks, brackets, braces, backslashes, `*` and `?`",
)
HOST = validate.Regexp(
    r"(([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?)?\Z",
    error="must be a host, with its port where CC-iSales wants it, such as isales.example.com:28443",
)
"""What a `Host` may be (RFC 9110, section 7.2): above all no URL, which would be signed, sent and refused."""

DEFAULT_PORTS = {"http": "80", "https": "443"}
MAX_PORT = 65535
_NAME = r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?"
_ORIGIN = re.compile(
    rf"(?P<scheme>https?)://({_NAME}(\.{_NAME})*|\[[0-9a-f:.]*:[0-9a-f:.]*\])(:(?P<port>[1-9][0-9]{{0,4}}))?"
)


def required_text(value: Any) -> str:
    """Return `value`, or raise ValidationError when it is not a text."""
    if not isinstance(value, str):
        raise ValidationError("must be a text in quotes")
    return value


class Number(fields.Float):
    """A number as TOML writes it: a text that looks like one is none, as of whole numbers."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> float:
        if isinstance(value, str):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class TrueOrFalse(fields.Boolean):
    """A boolean as TOML writes it: neither 1 nor "yes", nor whatever else may count as true elsewhere."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class SecretText(fields.Field[Secret]):
    """A text that is wrapped as soon as it is read and comes out redacted."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Secret:
        return Secret(required_text(value))

    def _serialize(self, value: Secret | None, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return REDACTED if value else ""


class AccessKey(fields.String):
    """A name by which CC-iSales knows a tenant, no secret in itself; its beginning comes out, to tell two apart."""

    def _serialize(self, value: str | None, attr: str | None, obj: Any, **kwargs: Any) -> str:
        shown = value[:4] if value and len(value) >= SHORTEST_SHOWN else ""
        return f"{shown}{REDACTED}" if value else ""


class KeyHash(fields.Field[str]):
    """Lower-case hex of SHA-256, or empty; only its beginning comes out, enough to tell keys apart."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not re.fullmatch(r"(?:[0-9a-f]{64})?", required_text(value)):
            raise ValidationError("must be 64 lower-case hex digits; `flask keys new` makes them")
        return str(value)

    def _serialize(self, value: str | None, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return f"{value[:8]}{REDACTED}" if value else ""


class TimeZone(fields.Field[ZoneInfo]):
    """The name of a zone of the IANA database."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> ZoneInfo:
        try:
            return time_zone(required_text(value))
        except LookupError as fault:
            message = "must be the name of an IANA time zone, such as UTC or Africa/Cairo"
            raise ValidationError("; ".join(filter(None, (message, str(fault))))) from fault

    def _serialize(self, value: ZoneInfo | None, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return "" if value is None else value.key


class Vdns(fields.Field[frozenset[int] | None]):
    """A list of VDNs, or `["*"]` for all, which is read as `None`."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> frozenset[int] | None:
        if value == ["*"]:
            return None
        if not isinstance(value, list) or not all(type(vdn) is int and 1 <= vdn <= 9999 for vdn in value):  # noqa: PLR2004 -- the limits of a VDN, named in the message
            raise ValidationError('must be a list of VDNs (1 to 9999), or ["*"] for all')
        return frozenset(value)

    def _serialize(
        self, value: frozenset[int] | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> list[int] | list[str]:
        return ["*"] if value is None else sorted(value)


class Claims(fields.Field[tuple[str, ...]]):
    """The name of a claim, a dotted path to one within others, or a list of these; comes out as it is shortest."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> tuple[str, ...]:
        names = value if isinstance(value, list) else [value]
        if not all(isinstance(name, str) for name in names):
            raise ValidationError("must be the name of a claim in quotes, a path with dots, or a list of these")
        if not names or not all(names):
            raise ValidationError("must not be empty")
        return tuple(dict.fromkeys(names))

    def _serialize(
        self, value: tuple[str, ...] | None, attr: str | None, obj: Any, **kwargs: Any
    ) -> str | list[str] | None:
        return value[0] if value and len(value) == 1 else list(value or ())


class OneOrMore(fields.List[Any]):
    """A table, or an array of such tables, read as a list; one comes out as a table."""

    inner: fields.Nested

    @property
    def schema(self) -> Schema:
        """That of one table."""
        return self.inner.schema

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            return super()._deserialize(value, attr, data, **kwargs)
        try:
            return [self.inner.deserialize(value, attr, data, **kwargs)]
        except ValidationError as fault:
            raise ValidationError(fault.messages, valid_data=[fault.valid_data]) from fault

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        listed = super()._serialize(value, attr, obj, **kwargs)
        return listed[0] if listed and len(listed) == 1 else listed


def seconds(default: float, meaning: str, *, inclusive: bool = True, most: float) -> Number:
    """Return a field for a duration in seconds."""
    limits = validate.Range(min=0.0, max=most, min_inclusive=inclusive)
    return Number(load_default=default, validate=limits, metadata={"description": meaning})


def share(default: float, meaning: str, *, inclusive: bool = False) -> Number:
    """Return a field for a share."""
    limits = validate.Range(min=0.0, max=1.0, min_inclusive=inclusive)
    return Number(load_default=default, validate=limits, metadata={"description": meaning})


def count(default: int, meaning: str, *, least: int, most: int) -> fields.Integer:
    """Return a field for a whole number."""
    limits = validate.Range(min=least, max=most)
    return fields.Integer(strict=True, load_default=default, validate=limits, metadata={"description": meaning})


def text(default: str, meaning: str, check: Any = None) -> fields.String:
    """Return a field for a text."""
    return fields.String(load_default=default, validate=check, metadata={"description": meaning})


def one_of(*words: str) -> validate.OneOf:
    """Return the check of a text that has to be one of these words."""
    return validate.OneOf(words, error="must be one of: {choices}")


def check_base_url(url: str) -> None:
    """Raise ValidationError unless `url` is an absolute http or https URL with a host, and ends before `/rest`."""
    _check_url(url, "https://isales.example.com:28443")
    if "?" in url:
        raise ValidationError("must hold neither credentials nor a query nor a fragment")
    if re.search(r"/rest(/isales(/.*)?)?/*\Z", url):
        raise ValidationError("must end before `/rest`, which the gateway adds by itself")


def check_jwks_url(url: str) -> None:
    """Raise ValidationError unless `url` is an absolute http or https URL with a host; it may have a query."""
    _check_url(url, "https://id.example.com/jwks")


def _check_url(url: str, example: str) -> None:
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if (
        not sound
        or parts.scheme not in {"http", "https"}
        or not url.isascii()
        or re.search(r"[\s\x00-\x1f\x7f\\]", url)
    ):
        raise ValidationError(f"must be an absolute URL such as {example}")
    if parts.username is not None or "#" in url:
        raise ValidationError("must hold neither credentials nor a fragment")


def check_origin(origin: str) -> None:
    """Raise ValidationError unless `origin` is a web origin as a browser sends it (RFC 6454, section 6.2).

    Origins are compared as texts, so another spelling of the same one would never match.
    """
    if origin == "*":
        raise ValidationError("must name each origin; `*` would let the pages of everybody in")
    if origin == "null":
        raise ValidationError("must name each origin; `null` is that of every sandboxed page and every local file")
    if origin != origin.lower():
        raise ValidationError("must be in lower case, as browsers send it")
    parts = _ORIGIN.fullmatch(origin)
    if not parts or not 0 < int(parts["port"] or 1) <= MAX_PORT:
        raise ValidationError("must be an origin such as https://dashboard.example.com, without a path")
    if parts["port"] == DEFAULT_PORTS[parts["scheme"]]:
        raise ValidationError("must leave out the port that goes without saying, as browsers do")


def check_shared_url(url: str) -> None:
    """Raise ValidationError unless `url` is of a form of `shared_url`; options behind `?` are not looked at."""
    try:
        read_shared_url(url)
    except ValueError as fault:
        raise ValidationError(str(fault)) from None
