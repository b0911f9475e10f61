"""The identity provider's public keys: from a JWK set (RFC 7517) to the keys that tokens may be checked with.

What a key says of itself is held against it here, once: a key for encryption, a shared secret or a weak one is not
among them, whatever a token asks for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

from gateway.strict_json import strict_json

MAX_KEYS: Final = 100
RSA_BITS: Final = range(2048, 8193)
"""Below, RSA is broken (RFC 7518, section 3.3); above, checking one signature takes too long."""

CURVES: Final = ("P-256", "P-384", "P-521", "Ed25519", "Ed448")
"""Those of the algorithms that are taken; the others of the library are for key agreement, or for ES256K."""

_KINDS: Final[Mapping[str, type[RSAKey | ECKey | OKPKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
# Private members are left out, should a provider ever publish them; so are certificates, which nothing here reads.
_READ: Final = ("kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y")


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """Usable keys by their `kid`, mostly one each, and a sentence for each key that was left out."""

    by_id: Mapping[str, tuple[Key, ...]]
    left_out: tuple[str, ...]


def parse_jwks(document: bytes) -> TokenKeys:
    """Return the keys of a JWK set, JSON in UTF-8. `ValueError`, with a sentence, if there is no usable key in it."""
    try:
        jwks = strict_json(document)
    except ValueError as why:
        raise ValueError(f"it is {why}") from None
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(listed, list):
        raise ValueError("it is not a JWK set: there is no list `keys` in it")  # noqa: TRY004 -- it is about a document
    if len(listed) > MAX_KEYS:
        raise ValueError(f"it has {len(listed)} keys; {MAX_KEYS} are read at most")
    by_id: dict[str, tuple[Key, ...]] = {}
    left_out = []
    for number, jwk in enumerate(listed):
        fault = _fault(jwk)
        key = None if fault else _import(jwk)
        if key is None:
            left_out.append(f"keys[{number}] {fault or 'cannot be read'}")
        else:
            by_id[jwk["kid"]] = (*by_id.get(jwk["kid"], ()), key)
    if not by_id:
        raise ValueError(f"it has no key that can be used ({'; '.join(left_out[:3]) or 'it is empty'})")
    return TokenKeys(MappingProxyType(by_id), tuple(left_out))


def _fault(jwk: Any) -> str | None:
    if not isinstance(jwk, dict):
        return "is not an object"
    if not isinstance(jwk.get("kty"), str) or jwk["kty"] not in _KINDS:
        return "is of no kind that is used here (RSA, EC, OKP)"
    if not isinstance(jwk.get("kid"), str) or not jwk["kid"]:
        return "has no `kid`, by which tokens name it"
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return "is not for signatures"
    return _weakness(jwk)


def _weakness(jwk: dict[str, Any]) -> str | None:
    if jwk["kty"] != "RSA":
        return None if jwk.get("crv") in CURVES else f"is on no curve that is used here ({', '.join(CURVES)})"
    if _bits(jwk.get("n")) not in RSA_BITS:
        return f"is not an RSA key of {RSA_BITS.start} to {RSA_BITS.stop - 1} bits"
    return None


def _bits(number: Any) -> int:
    """Return how long a number in base64url is, 0 for what is none."""
    try:
        return int.from_bytes(urlsafe_b64decode(number.encode())).bit_length()
    except (AttributeError, ValueError):
        return 0


def _import(jwk: dict[str, Any]) -> Key | None:
    try:
        return _KINDS[jwk["kty"]].import_key({name: jwk[name] for name in _READ if name in jwk})
    except Exception:  # noqa: BLE001 -- no list says what broken numbers make the libraries raise; other keys must not suffer
        return None
