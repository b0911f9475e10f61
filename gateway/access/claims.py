"""Are the claims of a verified token (RFC 7519, RFC 9068) those of an access token for us, in time? Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.access.jws import RefusedToken
from gateway.settings.model import JwtSettings, TokenGrant

LEEWAY_S: Final = 30.0
"""How far ahead of ours the identity provider's clock may be. An expired token has no such grace."""

FAR_S: Final = 1e15
"""Times further away, in seconds, are none; NaN and infinities neither."""

OF_OTHER_TOKENS: Final = ("at_hash", "c_hash", "s_hash", "events")
"""Claims that ID tokens and event tokens have, such as those that end a session, and access tokens have not.

Many providers write the type `JWT` into all of them, so that it does not tell them apart (RFC 8725, section 3.12). Not
`nonce`, which Keycloak wrote into access tokens for years.
"""

OTHER_KINDS: Final = frozenset({"id", "serialized-id", "refresh", "offline", "logout"})
"""What Keycloak calls its other tokens, in a claim `typ`; and what others do, in a claim `token_type`."""

ENTRA_VERSIONS: Final = ("1.0", "2.0")
CLIENT_CLAIMS: Final = ("client_id", "azp", "cid", "appid")
"""Where providers say which client a token was made for: RFC 9068 and Cognito, OpenID Connect, Okta, ADFS."""


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """Whose tokens are taken and where they say what, as in the settings `[jwt]`; `tenants` are all VDNs."""

    issuer: str
    audience: str
    accepted_clients: frozenset[str]
    vdns_claims: tuple[str, ...]
    scopes_claims: tuple[str, ...]
    scope_prefix: str
    grants: tuple[TokenGrant, ...]
    tenants: frozenset[int]

    @classmethod
    def of(cls, jwt: JwtSettings, tenants: Iterable[int]) -> "TokenPolicy":
        """Return what the settings of one identity provider say."""
        return cls(
            jwt.issuer,
            jwt.audience,
            frozenset(jwt.accepted_clients),
            jwt.vdns_claim,
            jwt.scopes_claim,
            jwt.scope_prefix,
            jwt.grants,
            frozenset(tenants),
        )


def client_of(claims: Mapping[str, Any]) -> str:
    """Return the client that a token was made for, empty where it does not say."""
    named = (claims.get(name) for name in CLIENT_CLAIMS)
    return next((name for name in named if isinstance(name, str) and name), "")


def check_claims(claims: Mapping[str, Any], policy: TokenPolicy, now: float) -> float:
    """Return when the token expires; raises RefusedToken unless it is for us and good at `now`. Seconds since 1970.

    `aud` must contain ours, or the client be accepted; `exp` be there (RFC 9068, section 4); and it must be an access
    token. That `iss` is the policy's has been seen before.
    """
    for check in CHECKS.values():
        check(claims, policy, now)
    return float(claims["exp"])


def _check_use(claims: Mapping[str, Any], _policy: TokenPolicy, _now: float) -> None:
    if any(name in claims for name in OF_OTHER_TOKENS):
        raise RefusedToken("bad-type", "The token is an ID token or tells of an event; an access token is needed.")
    for name in ("typ", "token_type"):
        if str(claims.get(name)).lower() in OTHER_KINDS:
            raise RefusedToken("bad-type", f"The token says ({name}) that it is no access token, which is needed.")
    # Cognito's.
    if claims.get("token_use", "access") != "access":
        raise RefusedToken("bad-type", "The token is not for access (token_use), but for something else.")
    # Entra's access tokens always name the client, its ID tokens never do, and have the same audience where an
    # application calls itself.
    if "tid" in claims and claims.get("ver") in ENTRA_VERSIONS and not client_of(claims):
        raise RefusedToken("bad-type", "The token names no client (azp, appid): it is an ID token, not for access.")


def _check_audience(claims: Mapping[str, Any], policy: TokenPolicy, _now: float) -> None:
    # RFC 7519, section 4.1.3: who does not find itself in an audience that is there refuses the token.
    if "aud" not in claims and policy.accepted_clients:
        return
    audience = claims.get("aud")
    if not policy.audience or policy.audience not in (audience if isinstance(audience, list) else [audience]):
        raise RefusedToken("bad-audience", "The token is for another audience (aud).")


def _check_client(claims: Mapping[str, Any], policy: TokenPolicy, _now: float) -> None:
    if policy.accepted_clients and client_of(claims) not in policy.accepted_clients:
        listed = ", ".join(CLIENT_CLAIMS)
        raise RefusedToken("bad-client", f"The token was made for a client ({listed}) whose tokens are not taken here.")


def _check_times(claims: Mapping[str, Any], _policy: TokenPolicy, now: float) -> None:
    expires = moment(claims, "exp")
    if expires is None:
        raise RefusedToken("bad-time", "The token does not say when it expires (exp).")
    if now >= expires:
        raise RefusedToken("expired", "The token has expired (exp).")
    for name, words in (("nbf", "is not valid yet"), ("iat", "was issued in the future")):
        begins = moment(claims, name)
        if begins is not None and now < begins - LEEWAY_S:
            raise RefusedToken("not-yet-valid", f"The token {words} ({name}).")


Check = Callable[[Mapping[str, Any], TokenPolicy, float], None]
CHECKS: Final[Mapping[str, Check]] = {
    "audience": _check_audience,
    "client": _check_client,
    "kind": _check_use,
    "time": _check_times,
}
"""What is checked of claims, in this order, by name."""


def moment(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a NumericDate (RFC 7519, section 2), or `None` where it is absent; raises RefusedToken for an odd one."""
    if name not in claims:
        return None
    found = claims[name]
    # Whole numbers may be longer than a float can hold.
    if type(found) not in {int, float} or not -FAR_S < found < FAR_S:
        raise RefusedToken("bad-time", f"A time of the token ({name}) is not a number of seconds.")
    return float(found)
