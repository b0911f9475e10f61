"""Signed tokens: what is checked of a JWS (RFC 7515) before a word of it is believed. Best practices: RFC 8725.

Nothing that a token says of itself chooses how it is checked, but two names: `kid` picks one of the provider's keys and
`alg` one of the algorithms below, and the key's own kind must fit. Keys and addresses of keys in the token (`jwk`,
`jku`, `x5u`, `x5c`) are never looked at.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWS_ALGORITHMS, JWSAlgModel
from joserfc.jwk import Key
from joserfc.jws import CompactSignature, JWSRegistry, extract_compact, validate_compact
from joserfc.util import urlsafe_b64decode

from gateway.access.jwks import ALGORITHMS, TokenKeys
from gateway.strict_json import strict_json

MAX_TOKEN_BYTES: Final = 8192
TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt", "application/jwt"})
"""`at+jwt` is what access tokens should say (RFC 9068, section 2.1); `JWT` is what many providers still write.

Others write none at all, which means the same (RFC 7519, section 5.1).
"""


class FindKeys(Protocol):
    """Returns the provider's keys, after having looked for one of this `kid`; `None` is that of a token without.

    `anew` says that those of last time did not fit.
    """

    def __call__(self, key_id: str | None, /, *, anew: bool = False) -> TokenKeys:
        """Return the keys; raises InternalError when there are none at all."""


_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class RefusedToken(Exception):
    """A token that is not good. `reason` is one of a few words, for metrics; the text is a sentence for the caller.

    The sentence repeats nothing of the token.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


_KNOWN: Final = {algorithm.name: algorithm for algorithm in JWS_ALGORITHMS if algorithm.name in ALGORITHMS}


class _Registry(JWSRegistry):
    """Knows the algorithms above and no other, so that `none` and HMAC do not even exist."""

    # The whole is bounded already; the library's own bound on headers is below what providers send.
    max_header_length = max_payload_length = max_signature_length = MAX_TOKEN_BYTES

    def get_alg(self, name: str) -> JWSAlgModel:
        """Return the algorithm of this name. Unlike the library's it does not warn of `EdDSA`, an old name only."""
        try:
            return _KNOWN[name]
        except KeyError:
            raise UnsupportedAlgorithmError from None


_REGISTRY: Final = _Registry(strict_check_header=False)


@dataclass(frozen=True, slots=True)
class ReadToken:
    """What a token says of itself, none of which is to be believed before `check_signature`."""

    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    signed: CompactSignature = field(repr=False)

    @property
    def key_id(self) -> str | None:
        """The name of the key that signed it, `None` where it has none."""
        return self.header.get("kid")


def read_token(token: str) -> ReadToken:
    """Return what is in `token`, a JWS in compact form. Raises RefusedToken for all that is no such thing."""
    if len(token) > MAX_TOKEN_BYTES:
        raise RefusedToken("too-large", f"The token is longer than {MAX_TOKEN_BYTES} bytes.")
    signed = _read(token)
    # Not the library's reading of it, which takes the last of a name that comes twice, and UTF-16.
    header = _object(urlsafe_b64decode(signed.segments["header"]), "header")
    return ReadToken(header, _object(signed.payload, "content"), signed)


def check_header(header: Mapping[str, Any]) -> None:
    """Raise RefusedToken unless a token with this header may be checked at all, and may be an access token."""
    algorithm, kind, key_id = header.get("alg"), header.get("typ", "JWT"), header.get("kid", "")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        listed = ", ".join(sorted(ALGORITHMS))
        raise RefusedToken("bad-algorithm", f"The algorithm of the token is not taken here. Those that are: {listed}.")
    if "crit" in header or "b64" in header:
        raise RefusedToken("bad-header", "The header of the token has critical extensions, none of which is known.")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise RefusedToken("bad-type", "The type (typ) of the token is neither at+jwt nor JWT.")
    if "kid" in header and not (isinstance(key_id, str) and key_id):
        raise RefusedToken("unknown-key", "The name (kid) of the key that signed the token is not a text.")


def check_signature(token: ReadToken, find_keys: FindKeys) -> None:
    """Raise RefusedToken unless one of the provider's keys has signed `token`, and what `find_keys` raises."""
    found = find_keys(token.key_id)
    keys = found.named(token.key_id)
    if not keys:
        raise RefusedToken("unknown-key", found.why_not(token.key_id))
    if any(_is_signed(token.signed, key) for key in keys):
        return
    if token.key_id is None or None in found.by_id:
        # No name tells that it was another key, which the provider may have by now.
        keys = find_keys(token.key_id, anew=True).named(token.key_id)
        if any(_is_signed(token.signed, key) for key in keys):
            return
    raise RefusedToken("bad-signature", "The signature of the token does not fit its content and its key.")


def _read(token: str) -> CompactSignature:
    try:
        if _COMPACT.fullmatch(token):
            return extract_compact(token.encode(), registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, RecursionError):
        pass
    raise RefusedToken("malformed", "The token is not a JWT of three parts in base64url.")


def _is_signed(signed: CompactSignature, key: Key) -> bool:
    try:
        return validate_compact(signed, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError):
        # The key is of another kind, curve or use than the algorithm wants.
        return False


def _object(part: bytes, name: str) -> dict[str, Any]:
    """Return what a part of the token says. No name may come twice in it (RFC 7515, section 4; RFC 7519, section 4)."""
    try:
        read = strict_json(part)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise RefusedToken("malformed", f"The {name} of the token is not a JSON object in which no name comes twice.")
    return read
