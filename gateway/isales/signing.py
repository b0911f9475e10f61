"""The vendor's AK/SK signature `auth-v2`, pure: text in, text out. Secrets are wrapped in every variable.

Source: the vendor's own sample client for outbound campaigns; `tests/vendor/signature-vectors.json` holds its results.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from gateway.settings.model import Secret

SCHEME: Final = "auth-v2"

Params = tuple[tuple[str, str], ...]
"""Names and values of a query, decoded."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature with what it was made of. Holds no secret; shows neither signature nor access key in its `repr`."""

    prefix: str = field(repr=False)
    canonical_request: str
    signature: str = field(repr=False)

    @property
    def authorization(self) -> str:
        """The value of the `Authorization` header."""
        return f"{self.prefix}/{self.signature}"


def percent_encode(text: str) -> str:
    """Return `text` as UTF-8 with all but the unreserved characters (RFC 3986 section 2.3) as `%XX`, upper case."""
    return quote(text, safe="")


def canonical_query(params: Iterable[tuple[str, str]]) -> str:
    """Return decoded `params` encoded, sorted and joined; it is also the query that goes over the wire."""
    return "&".join(sorted(f"{percent_encode(name)}={percent_encode(value)}" for name, value in params))


def timestamp(at: datetime, precision: str = "seconds") -> str:
    """Return the aware time `at` in UTC, such as `2026-01-02T03:04:05Z`; with `milliseconds`, `...05.678Z`."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def signed_header_names(signed_headers: Mapping[str, str]) -> str:
    """Return the names in lower case, sorted and joined by `;`."""
    return ";".join(sorted(name.lower() for name in signed_headers))


def canonical_request(
    method: str, path: str, params: Iterable[tuple[str, str]], signed_headers: Mapping[str, str], body: str = ""
) -> str:
    """Return what is signed: six lines, of which the one for the query is left out where there is none.

    `path` is taken as it is sent, `params` and `body` decoded. The last line, of the body, is empty for a GET.
    """
    query = canonical_query(params)
    headers = sorted(
        f"{percent_encode(name.lower())}:{percent_encode(value)}" for name, value in signed_headers.items()
    )
    lines = [method.upper(), path, *([query] if query else []), signed_header_names(signed_headers), *headers]
    return "\n".join([*lines, percent_encode(body)])


def sign(access_key: str, secret_key: Secret, stamp: str, names: str, canonical: str) -> Signature:
    """Sign a canonical request with the header `names` of `signed_header_names` and the `stamp` of `timestamp`."""
    prefix = f"{SCHEME}/{access_key}/{stamp}/{names}"
    signing_key = Secret(_hmac_sha256(secret_key, prefix))
    return Signature(prefix, canonical, _hmac_sha256(signing_key, canonical))


def _hmac_sha256(key: Secret, message: str) -> str:
    # The vendor uses the first result as the next key in its 64 hexadecimal characters, not as 32 bytes.
    return hmac.new(key.reveal().encode(), message.encode(), hashlib.sha256).hexdigest()
