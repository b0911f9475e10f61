"""Checks `auth-v2` signatures the way the vendor's platform does.

This is a second implementation, made from the vendor's interface description alone: it shares no code with the
gateway's signing, so that a mistake in one of the two shows as a refusal.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

SCHEME = "auth-v2"
ALLOWED_SKEW = timedelta(minutes=15)
"""A guess: none is published for this signature."""

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ENCODED = tuple(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256))
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z")


class SignatureError(Exception):
    """The signature does not stand; the text says which part of it and why."""


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it came off the wire.

    `path` and `query` are the two halves of the request target, still percent-encoded; `headers` maps lower-case
    names to values (text as WSGI has it, one character a byte).
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


def verify(
    request: ReceivedRequest, secret_keys: Mapping[str, str], now: datetime, window: timedelta = ALLOWED_SKEW
) -> str:
    """Return the access key that signed `request`.

    `secret_keys` maps access keys to secret keys; `now` is an aware time. Raises `SignatureError` when the
    `Authorization` header is malformed, names an unknown key, is more than `window` from `now`, does not sign
    `Host`, or does not fit the bytes received.
    """
    received = request.headers.get("authorization", "")
    parts = received.split("/")
    if len(parts) != 5 or parts[0] != SCHEME:  # noqa: PLR2004 -- the five parts that the message names
        raise SignatureError("Authorization must be auth-v2/<access key>/<timestamp>/<signed header names>/<signature>")
    _, access_key, timestamp, names, _ = parts
    if access_key not in secret_keys:
        raise SignatureError("the access key in Authorization is unknown")
    _check_timestamp(timestamp, now, window)
    _check_signed_names(names.split(";"), request.headers)
    _check_query_encoding(request.query)
    expected = authorization(request, access_key, secret_keys[access_key], timestamp, names.split(";"))
    if not hmac.compare_digest(expected.encode("latin-1"), received.encode("latin-1")):
        raise SignatureError("the signature does not fit the request as received")
    return access_key


def authorization(
    request: ReceivedRequest, access_key: str, secret_key: str, timestamp: str, signed_names: Iterable[str]
) -> str:
    """Return the `Authorization` value that is right for `request`, signed at `timestamp` (text as it is sent)."""
    names = ";".join(signed_names)
    prefix = f"{SCHEME}/{access_key}/{timestamp}/{names}"
    signing_key = _hmac_hex(secret_key, prefix)
    return f"{prefix}/{_hmac_hex(signing_key, _canonical_request(request, names))}"


def canonical_query(raw_query: str) -> str:
    """Return the parameters of `raw_query`, which is canonically encoded already, in canonical order."""
    return "&".join(sorted(raw_query.split("&")))


def _canonical_request(request: ReceivedRequest, names: str) -> str:
    lines = [request.method.upper(), request.path]
    if request.query:
        lines.append(canonical_query(request.query))
    lines.append(names)
    lines.extend(sorted(f"{_encode(name)}:{_encode(request.headers.get(name, ''))}" for name in names.split(";")))
    lines.append(_encode(request.body))
    return "\n".join(lines)


def _check_timestamp(text: str, now: datetime, window: timedelta) -> None:
    if not _TIMESTAMP.fullmatch(text):
        raise SignatureError(f"the timestamp {text!r} is not yyyy-MM-ddTHH:mm:ssZ, or the same with milliseconds")
    try:
        signed_at = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise SignatureError(f"the timestamp {text!r} is no time: {error}") from error
    if abs(now - signed_at) > window:
        minutes = window.total_seconds() / 60
        raise SignatureError(
            f"the timestamp {text} is more than {minutes:g} minutes from this server's {now:%Y-%m-%dT%H:%M:%SZ}"
        )


def _check_signed_names(names: list[str], headers: Mapping[str, str]) -> None:
    if names != sorted({name.lower() for name in names}):
        raise SignatureError("signed header names must be lower case, sorted and each given once")
    if "host" not in names:
        raise SignatureError("host must be among the signed headers")
    for name in names:
        if name not in headers:
            raise SignatureError(f"the signed header {name!r} was not sent")


def _check_query_encoding(raw_query: str) -> None:
    """Refuse a query that is not sent in the encoding that is signed, such as `+` where `%20` was signed.

    The vendor decodes and encodes again; two spellings of one value then make two different requests of what the
    caller believes to be one. Only the order of the parameters is free.
    """
    if not raw_query:
        return
    for parameter in raw_query.split("&"):
        halves = parameter.split("=")
        if len(halves) != 2 or any(_encode(_decode(half)) != half for half in halves):  # noqa: PLR2004 -- a name and a value
            raise SignatureError(
                f"the query parameter {parameter!r} is not sent as name=value in canonical percent-encoding"
            )


def _encode(value: str | bytes) -> str:
    raw = value.encode("latin-1") if isinstance(value, str) else value
    return "".join(_ENCODED[byte] for byte in raw)


def _decode(text: str) -> bytes:
    return _ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), text.encode("latin-1"))


def _hmac_hex(key: str, message: str) -> str:
    return hmac.new(key.encode(), message.encode("latin-1"), sha256).hexdigest()
