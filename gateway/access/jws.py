"""Signed tokens: what is checked of a JWS (RFC 7515) before a word of it is believed. Best practices: RFC 8725.

Nothing that a token says of itself chooses how it is checked, but two names: `kid` picks one of the provider's keys and
`alg` one of the algorithms below, and the key's own kind must fit. Keys and addresses of keys in the token (`jwk`,
`jku`, `x5u`, `x5c`) are never looked at.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWS_ALGORITHMS, JWSAlgModel
from joserfc.jwk import Key
from joserfc.jws import CompactSignature, JWSRegistry, extract_compact, validate_compact
from joserfc.util import urlsafe_b64decode

from gateway.strict_json import strict_json

MAX_TOKEN_BYTES: Final = 8192
ALGORITHMS: Final = frozenset(
    {
        *("RS256", "RS384", "RS512"),
        *("PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512"),
        *("EdDSA", "Ed25519", "Ed448"),
    }
)
"""Signatures with a private key only: with a shared secret, whoever can check tokens could make them."""

TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})
"""`at+jwt` is what access tokens should say (RFC 9068, section 2.1); `JWT` is what many providers still write."""

FindKeys = Callable[[str], Sequence[Key]]
"""Returns the provider's keys of a `kid`, none if it has no such key."""

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


def verified_claims(token: str, find_keys: FindKeys) -> dict[str, Any]:
    """Return the claims of `token`, a JWS in compact form, if one of the provider's keys has signed it.

    Says nothing about whether the claims are good. Raises RefusedToken, and what `find_keys` raises.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise RefusedToken("too-large", f"The token is longer than {MAX_TOKEN_BYTES} bytes.")
    signed = _read(token)
    # Not the library's reading of it, which takes the last of a name that comes twice, and UTF-16.
    header = _object(urlsafe_b64decode(signed.segments["header"]), "header")
    _check_header(header)
    keys = find_keys(header["kid"])
    if not keys:
        raise RefusedToken(
            "unknown-key", "The token names a key (kid) that the identity provider is not known to have."
        )
    if not any(_is_signed(signed, key) for key in keys):
        raise RefusedToken("bad-signature", "The signature of the token does not fit its content and its key.")
    return _object(signed.payload, "content")


def _read(token: str) -> CompactSignature:
    try:
        if _COMPACT.fullmatch(token):
            return extract_compact(token.encode(), registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, RecursionError):
        pass
    raise RefusedToken("malformed", "The token is not a JWT of three parts in base64url.")


def _check_header(header: dict[str, Any]) -> None:
    algorithm, kind, key_id = header.get("alg"), header.get("typ"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        listed = ", ".join(sorted(ALGORITHMS))
        raise RefusedToken("bad-algorithm", f"The algorithm of the token is not taken here. Those that are: {listed}.")
    if "crit" in header or "b64" in header:
        raise RefusedToken("bad-header", "The header of the token has critical extensions, none of which is known.")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise RefusedToken("bad-type", "The type (typ) of the token is neither at+jwt nor JWT.")
    if not isinstance(key_id, str) or not key_id:
        raise RefusedToken("unknown-key", "The token does not name the key (kid) that signed it.")


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
