"""Claims of verified tokens: for us, in time, and those of an access token."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.access.claims import TokenPolicy, check_claims
from gateway.access.jws import RefusedToken
from tests.support.identity_provider import AUDIENCE, POLICY, claims

NOW = 1_800_000_000.0


def reason(policy: TokenPolicy = POLICY, /, **changes: Any) -> str:
    """Return why good claims are refused when they are changed so; empty when they are not."""
    try:
        check_claims(claims(NOW, **changes), policy, NOW)
    except RefusedToken as refusal:
        return refusal.reason
    return ""


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"aud": [AUDIENCE]},
        {"aud": ["other", AUDIENCE]},
        {"exp": NOW + 0.5},
        {"nbf": NOW + 30, "iat": NOW + 30},
        {"nbf": None, "iat": None},
    ],
)
def test_good_claims(good: dict[str, Any]) -> None:
    """Issuer and audience are ours, and the time is right: a clock 30 seconds ahead is no fault."""
    assert reason(**good) == ""


@pytest.mark.parametrize(
    "audience", [None, "", "other", [], ["other"], [[AUDIENCE]], f"{AUDIENCE} other", {AUDIENCE: 1}, 7]
)
def test_attack_wrong_audience(audience: Any) -> None:
    """A token of our issuer for somebody else."""
    assert reason(aud=audience) == "bad-audience"


@pytest.mark.parametrize("name", ["at_hash", "c_hash", "s_hash", "events"])
def test_attack_token_for_another_use(name: str) -> None:
    """An ID token, or one that ends a session, of our issuer and for us, whose type says JWT as all others."""
    assert reason(**{name: "x"}) == "bad-type"
    assert reason(nonce="x") == ""


@pytest.mark.parametrize("expires", [NOW, NOW - 1, 0, -1])
def test_attack_expired(expires: float) -> None:
    """There is no grace: at its `exp` a token is over."""
    assert reason(exp=expires) == "expired"


@pytest.mark.parametrize(
    "expires", [None, "9999999999", True, [NOW + 9], 1e300, float("inf"), float("nan"), 10**400, {"seconds": 1}]
)
def test_attack_missing_or_odd_expiry(expires: Any) -> None:
    """Without a plain `exp` a token would live for ever."""
    assert reason(exp=expires) == "bad-time"


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_attack_not_yet_valid(name: str) -> None:
    """More than 30 seconds ahead is the future; an odd time is a fault."""
    assert reason(**{name: NOW + 31}) == "not-yet-valid"
    assert reason(**{name: "now"}) == "bad-time"


@pytest.mark.parametrize(
    "claim",
    [
        *({"typ": kind} for kind in ("ID", "Refresh", "Offline", "Logout", "logout", "Serialized-ID")),
        {"token_type": "refresh"},
        *({"token_use": use} for use in ("id", "refresh", "", None, 7)),
        {"tid": "t", "ver": "2.0", "client_id": None},
        {"tid": "t", "ver": "1.0", "client_id": None},
    ],
)
def test_attack_other_tokens_by_what_they_say(claim: dict[str, Any]) -> None:
    """Keycloak, Cognito and Entra tell their other tokens from access tokens by claims, each in its own way."""
    changed = {**claims(NOW), **claim}
    changed = {name: value for name, value in changed.items() if name != "client_id" or value is not None}
    with pytest.raises(RefusedToken) as caught:
        check_claims(changed, POLICY, NOW)
    assert caught.value.reason == "bad-type"


@pytest.mark.parametrize(
    "claim",
    [
        {"typ": "Bearer"},
        {"typ": "DPoP"},
        {"typ": 7},
        {"token_type": "Bearer"},
        {"token_use": "access"},
        {"tid": "t", "ver": "2.0", "azp": "web", "client_id": None},
        {"tid": "t", "ver": "1.0", "appid": "web", "client_id": None},
        {"ver": 1, "client_id": None},
        {"nonce": "x"},
    ],
)
def test_access_tokens_may_say_so(claim: dict[str, Any]) -> None:
    """The same claims in access tokens, and such of other providers."""
    assert reason(**claim) == ""


@pytest.mark.parametrize(
    ("audience", "accepted", "claim", "why"),
    [
        ("", {"web"}, {"aud": None, "client_id": "web"}, ""),
        ("", {"web"}, {"aud": None, "client_id": None, "azp": "web"}, ""),
        ("", {"web"}, {"aud": None, "client_id": None, "cid": "web"}, ""),
        ("", {"web"}, {"aud": None, "client_id": None, "appid": "web"}, ""),
        ("", {"web"}, {"aud": None, "client_id": "other", "azp": "web"}, "bad-client"),
        ("", {"web"}, {"aud": None, "client_id": None, "sub": "web"}, "bad-client"),
        ("", {"web"}, {"aud": None, "client_id": ["web"]}, "bad-client"),
        ("", {"web"}, {"aud": "other", "client_id": "web"}, "bad-audience"),
        ("", {"web"}, {"aud": "", "client_id": "web"}, "bad-audience"),
        ("", {"web"}, {"aud": [], "client_id": "web"}, "bad-audience"),
        (AUDIENCE, {"web"}, {"client_id": "web"}, ""),
        (AUDIENCE, {"web"}, {"client_id": "other"}, "bad-client"),
        (AUDIENCE, {"web"}, {"aud": "other", "client_id": "web"}, "bad-audience"),
        (AUDIENCE, set(), {"aud": None}, "bad-audience"),
    ],
)
def test_clients_instead_of_an_audience(audience: str, accepted: set[str], claim: dict[str, Any], why: str) -> None:
    """Tokens without `aud` are taken of accepted clients only; one that is for others is refused all the same."""
    policy = replace(POLICY, audience=audience, accepted_clients=frozenset(accepted))
    assert reason(policy, **claim) == why
