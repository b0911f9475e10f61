"""From the claims of a verified token (RFC 7519, RFC 9068) to what its holder may do. Pure; what is odd is denied."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.access.clients import Grant
from gateway.access.jws import RefusedToken
from gateway.settings.schema import SCOPES

LEEWAY_S: Final = 30.0
"""How far ahead of ours the identity provider's clock may be. An expired token has no such grace."""

FAR_S: Final = 1e15
"""Times further away, in seconds, are none; NaN and infinities neither."""

OF_OTHER_TOKENS: Final = ("at_hash", "c_hash", "s_hash", "events")
"""Claims that ID tokens and event tokens have, such as those that end a session, and access tokens have not.

Many providers write the type `JWT` into all of them, so that it does not tell them apart (RFC 8725, section 3.12). Not
`nonce`, which Keycloak wrote into access tokens for years.
"""

NAME_CHARACTERS: Final = 64
_UNSAFE_IN_NAMES = re.compile(r"[^A-Za-z0-9._@|/+-]")
_VDN = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """Whose tokens are taken and where they say what: issuer, audience, names of claims; `tenants` are all VDNs."""

    issuer: str
    audience: str
    vdns_claim: str
    scopes_claim: str
    tenants: frozenset[int]


def check_claims(claims: Mapping[str, Any], policy: TokenPolicy, now: float) -> float:
    """Return when the token expires; raises RefusedToken unless it is for us and good at `now`. Seconds since 1970.

    `iss` must be exact, `aud` contain ours, `exp` be there (RFC 9068, section 4), and it must be an access token.
    """
    if claims.get("iss") != policy.issuer:
        raise RefusedToken("bad-issuer", "The issuer (iss) of the token is not the one that is trusted here.")
    audience = claims.get("aud")
    if policy.audience not in (audience if isinstance(audience, list) else [audience]):
        raise RefusedToken("bad-audience", "The token is for another audience (aud).")
    if any(name in claims for name in OF_OTHER_TOKENS):
        raise RefusedToken("bad-type", "The token is an ID token or tells of an event; an access token is needed.")
    expires = _moment(claims, "exp")
    if expires is None:
        raise RefusedToken("bad-time", "The token does not say when it expires (exp).")
    if now >= expires:
        raise RefusedToken("expired", "The token has expired (exp).")
    for name, words in (("nbf", "is not valid yet"), ("iat", "was issued in the future")):
        begins = _moment(claims, name)
        if begins is not None and now < begins - LEEWAY_S:
            raise RefusedToken("not-yet-valid", f"The token {words} ({name}).")
    return expires


def grant_of(claims: Mapping[str, Any], policy: TokenPolicy) -> Grant:
    """Return what the claims allow: no VDN and no scope where a claim is absent or not wholly as it should be."""
    vdns = _vdns(claims.get(policy.vdns_claim), policy.tenants)
    return Grant(_name(claims), _scopes(claims.get(policy.scopes_claim)), vdns, bearer=True)


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a NumericDate (RFC 7519, section 2), or `None` where it is absent."""
    if name not in claims:
        return None
    moment = claims[name]
    # Whole numbers may be longer than a float can hold.
    if type(moment) not in {int, float} or not -FAR_S < moment < FAR_S:
        raise RefusedToken("bad-time", f"A time of the token ({name}) is not a number of seconds.")
    return float(moment)


def _vdns(claim: Any, tenants: frozenset[int]) -> frozenset[int]:
    if claim in ("*", ["*"]):
        return tenants
    # One odd entry spoils the claim: who wrote it meant something that is not understood here.
    if not isinstance(claim, list) or not all(map(_is_vdn, claim)):
        return frozenset()
    return tenants & frozenset(map(int, claim))


def _is_vdn(value: Any) -> bool:
    # The text of `True`, an int to Python, has no digits either.
    return isinstance(value, int | str) and _VDN.fullmatch(str(value)) is not None


def _scopes(claim: Any) -> frozenset[str]:
    """Return the gateway's own scopes among those of a claim: an array, or a text with blanks (RFC 8693, 4.2)."""
    listed = claim.split(" ") if isinstance(claim, str) else claim
    if not isinstance(listed, list) or not all(isinstance(scope, str) for scope in listed):
        return frozenset()
    return frozenset(SCOPES) & frozenset(listed)


def _name(claims: Mapping[str, Any]) -> str:
    """Return who it is, for logs. The colon cannot be in a configured client's name, so that none is mistaken."""
    for claim in ("client_id", "azp", "sub"):
        name = claims.get(claim)
        if isinstance(name, str) and name:
            return f"jwt:{_UNSAFE_IN_NAMES.sub('_', name[:NAME_CHARACTERS])}"
    return "jwt:unnamed"
