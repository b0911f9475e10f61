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

ALGORITHMS: Final = frozenset(
    {
        *("RS256", "RS384", "RS512"),
        *("PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512"),
        *("EdDSA", "Ed25519", "Ed448"),
    }
)
"""Signatures with a private key only: with a shared secret, whoever can check tokens could make them."""

CURVES: Final = ("P-256", "P-384", "P-521", "Ed25519", "Ed448")
"""Those of the algorithms that are taken; the others of the library are for key agreement, or for ES256K."""

SHOWN: Final = 200
_KINDS: Final[Mapping[str, type[RSAKey | ECKey | OKPKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
# Private members are left out, should a provider ever publish them; so are certificates, which nothing here reads.
_READ: Final = ("kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A key of the set that no token may be checked with: its place, its `kid` or `None`, and why not."""

    number: int
    key_id: str | None
    why: str

    def __str__(self) -> str:
        return f"keys[{self.number}] {self.why}"


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """Usable keys by their `kid`, mostly one each, those that have none under `None`; and the keys left out."""

    by_id: Mapping[str | None, tuple[Key, ...]]
    left_out: tuple[LeftOut, ...]

    def named(self, key_id: str | None) -> tuple[Key, ...]:
        """Return the keys that a token with this `kid`, or with none, may be signed with; none if there is no such key.

        Both `kid` are optional (RFC 7515, section 4.1.4; RFC 7517, section 4.5). Where one is absent there must be
        nothing to choose between.
        """
        found = self.by_id.get(key_id, ())
        if found and key_id is not None:
            return found
        usable = tuple(key for keys in self.by_id.values() for key in keys)
        return usable if len(usable) == 1 and (key_id is None or None in self.by_id) else ()

    def why_not(self, key_id: str | None) -> str:
        """Return a sentence that says why `named` returns none."""
        if key_id is None:
            usable = sum(map(len, self.by_id.values()))
            return f"The token does not name the key (kid) that signed it, and there are {usable} to choose between."
        for one in self.left_out:
            if one.key_id == key_id:
                return (
                    f"The key (kid) that the token names is left out of the identity provider's set here: it {one.why}."
                )
        return "The token names a key (kid) that the identity provider is not known to have."


def parse_jwks(document: bytes) -> TokenKeys:
    """Return the keys of a JWK set, JSON in UTF-8. `ValueError`, with a sentence, if there is no usable key in it."""
    try:
        jwks = strict_json(document)
    except ValueError as why:
        raise ValueError(f"it is {why}") from None
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(listed, list):
        raise ValueError(_no_set(jwks))  # noqa: TRY004 -- it is about a document
    if len(listed) > MAX_KEYS:
        raise ValueError(f"it has {len(listed)} keys; {MAX_KEYS} are read at most")
    by_id: dict[str | None, tuple[Key, ...]] = {}
    left_out = []
    for number, jwk in enumerate(listed):
        fault = _fault(jwk)
        key = None if fault else _import(jwk)
        key_id = jwk.get("kid") if isinstance(jwk, dict) else None
        if key is None:
            named = key_id if isinstance(key_id, str) else None
            left_out.append(LeftOut(number, named, fault or "cannot be read"))
        else:
            by_id[key_id] = (*by_id.get(key_id, ()), key)
    if not by_id:
        raise ValueError(f"it has no key that can be used ({'; '.join(map(str, left_out[:3])) or 'it is empty'})")
    return TokenKeys(MappingProxyType(by_id), tuple(left_out))


def _no_set(document: Any) -> str:
    """Return a sentence about JSON that is no JWK set."""
    uri = document.get("jwks_uri") if isinstance(document, dict) else None
    if isinstance(uri, str):
        return (
            "it is the provider's discovery document and not a JWK set; the address of that is its `jwks_uri`, "
            f"{uri[:SHOWN]!r}"
        )
    return "it is not a JWK set: there is no list `keys` in it"


def _fault(jwk: Any) -> str | None:
    if not isinstance(jwk, dict):
        return "is not an object"
    if not isinstance(jwk.get("kty"), str) or jwk["kty"] not in _KINDS:
        return "is of no kind that is used here (RSA, EC, OKP)"
    if "kid" in jwk and not (isinstance(jwk["kid"], str) and jwk["kid"]):
        return "has a `kid` that is no text"
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return "is not for signatures"
    if isinstance(jwk.get("alg"), str) and jwk["alg"] not in ALGORITHMS:
        return "is for an algorithm (alg) that is not taken here"
    return _weakness(jwk)


def _weakness(jwk: dict[str, Any]) -> str | None:
    if jwk["kty"] != "RSA":
        return None if jwk.get("crv") in CURVES else f"is on no curve that is used here ({', '.join(CURVES)})"
    bits = _bits(jwk.get("n"))
    if bits not in RSA_BITS:
        return f"is not an RSA key of {RSA_BITS.start} to {RSA_BITS.stop - 1} bits{f', but of {bits}' if bits else ''}"
    return None


def _bits(number: Any) -> int:
    """Return how long a number in base64url is, 0 for what is none."""
    try:
        return int.from_bytes(urlsafe_b64decode(number.encode())).bit_length()
    except (AttributeError, ValueError):
        return 0


def _import(jwk: dict[str, Any]) -> Key | None:
    read: dict[str, Any] = {name: jwk[name] for name in _READ if name in jwk}
    if jwk["kty"] == "OKP" and jwk.get("alg") in ("EdDSA", jwk["crv"]):
        # Two names of one algorithm (RFC 9864), which the library takes for two. The curve decides.
        del read["alg"]
    try:
        return _KINDS[jwk["kty"]].import_key(read)
    except Exception:  # noqa: BLE001 -- no list says what broken numbers make the libraries raise; other keys must not suffer
        return None
