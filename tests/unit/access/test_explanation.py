"""What each check says of a token."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.bearer import BearerTokens, TrustedIssuer
from gateway.access.claims import TokenPolicy
from gateway.access.explanation import Line, explain
from gateway.access.jwks import TokenKeys, parse_jwks
from gateway.access.keys import new_key
from gateway.errors import Unauthenticated
from gateway.settings.model import TokenGrant
from tests.support.identity_provider import ISSUER, OTHER_RSA, POLICY, RSA, claims, jwk, jwks, token, token_of

NOW = 1_800_000_000.0
KEYS = parse_jwks(jwks(jwk("rsa", RSA), jwk("enc", OTHER_RSA, use="enc")))
CHECKS = [
    "form",
    "header",
    "issuer",
    "keys",
    "signature",
    "audience",
    "client",
    "kind",
    "time",
    "vdns",
    "scopes",
    "rights",
]


def explained(
    sent: str, policies: Sequence[TokenPolicy] = (POLICY,), keys: TokenKeys | Exception = KEYS
) -> dict[str, Line]:
    """Return what is said of a token, by check."""

    def read_keys(_policy: TokenPolicy) -> TokenKeys:
        if isinstance(keys, Exception):
            raise keys
        return keys

    return {line.check: line for line in explain(sent, policies, read_keys, NOW)}


def good(**changes: Any) -> str:
    """Return a token that is good at `NOW`, with claims changed."""
    return token(claims(NOW, **changes))


def test_a_good_token() -> None:
    """All checks are passed, and what its holder may read is said; nothing of the token itself is."""
    sent = good()
    lines = explained(f"Bearer {sent}\n")
    assert list(lines) == CHECKS
    assert all(line.passed for line in lines.values())
    assert lines["header"].seen == "alg RS256, typ at+jwt, kid rsa"
    assert lines["keys"].seen == "1 usable (rsa); left out: keys[1] is not for signatures"
    assert lines["signature"].seen == "made by the key rsa, RSA"
    assert "exp 2027-01-15T08:05:00Z; now 2027-01-15T08:00:00Z" in lines["time"].seen
    assert lines["rights"].seen == "jwt:dashboard: VDN 1; scopes campaigns:read"
    said = "\n".join(line.seen for line in lines.values())
    assert not any(part in said for part in sent.split("."))


@pytest.mark.parametrize(
    ("sent", "check", "words"),
    [
        ("", "form", "not a JWT of three parts"),
        ("a.b", "form", "not a JWT of three parts"),
        ("Bearer a b", "form", "is not `Bearer` and one token"),
        pytest.param(new_key(), "form", "This is an API key and no token.", id="key"),
        (token(claims(NOW), algorithm="HS256", key=b"x"), "header", "(alg HS256, typ at+jwt, kid rsa)"),
        (token(claims(NOW), typ="id+jwt"), "header", "(alg RS256, typ id+jwt, kid rsa)"),
        (good(iss=f"{ISSUER}/"), "issuer", f"(iss {ISSUER}/; trusted: {ISSUER})"),
        (token(claims(NOW), key=OTHER_RSA), "signature", "does not fit its content and its key"),
        (token(claims(NOW), key_id="enc", key=OTHER_RSA), "signature", "it is not for signatures."),
        (token(claims(NOW), key_id="x", key=OTHER_RSA), "signature", "is not known to have"),
        (good(aud="account"), "audience", "(aud account; wanted: campaign-gateway)"),
        (good(aud=["a\x1b[1m"]), "audience", r"(aud ['a\x1b[1m']; wanted: campaign-gateway)"),
        (good(typ="ID"), "kind", "(typ ID)"),
        (good(exp=NOW - 1), "time", "exp 2027-01-15T07:59:59Z; now 2027-01-15T08:00:00Z"),
        (good(exp="soon"), "time", "exp soon; now"),
        (good(exp=None), "time", "exp none; now"),
        (good(exp=9e14), "time", None),
        (good(vdns="1,2"), "vdns", "`vdns` is a text with '1,2', which is no VDN"),
        (good(scope="openid"), "scopes", "none of which is a scope of the gateway"),
    ],
)
def test_what_is_wrong_is_shown_with_what_was_wanted(sent: str, check: str, words: str | None) -> None:
    """The check that fails has the value beside the one that is right; all others are made all the same."""
    lines = explained(sent)
    if words is None:
        assert lines[check].passed
        return
    assert lines[check].passed is False
    assert words in lines[check].seen
    assert list(lines) == (["form"] if check == "form" else CHECKS)
    failed = {name for name, line in lines.items() if not line.passed}
    assert failed - {"rights", "signature"} == {check} - {"signature"}


def test_keys_that_cannot_be_read() -> None:
    """Then the signature cannot be checked, and all else is."""
    lines = explained(good(), keys=ValueError("it is the discovery document\x1b[1m"))
    assert (lines["keys"].passed, lines["keys"].seen) == (False, r"it is the discovery document\x1b[1m")
    assert lines["signature"].passed is None
    assert lines["rights"].passed


def test_several_providers() -> None:
    """Which one it is decides all the rest, so nothing is said where it is none of them."""
    other = replace(POLICY, issuer="https://other.example.com", audience="other")
    assert explained(good(iss=other.issuer, aud="other"), [POLICY, other])["rights"].passed
    lines = explained(good(iss="https://third.example.com"), [POLICY, other])
    assert list(lines) == ["form", "header", "issuer"]
    assert "none" in explained(good(iss=None), [POLICY, other])["issuer"].seen


def test_rights_by_who_it_is_are_said() -> None:
    """In place of what the claims would have given."""
    policy = replace(POLICY, grants=(TokenGrant("", "dashboard", frozenset({2}), frozenset({"cache:purge"})),))
    lines = explained(good(), [replace(policy, accepted_clients=frozenset({"dashboard"}))])
    assert lines["client"].seen == "client dashboard; accepted: dashboard"
    assert "jwt.grants" in lines["grants"].seen
    assert lines["rights"].seen == "jwt:dashboard: VDN 2; scopes cache:purge"


CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "iss": st.sampled_from([ISSUER, "https://evil.example.com", 7]),
        "aud": st.sampled_from(["campaign-gateway", ["campaign-gateway"], "other", None]),
        "exp": st.sampled_from([NOW + 9, NOW, "x", 10**400, None]),
        "nbf": st.sampled_from([NOW, NOW + 99, [1]]),
        "typ": st.sampled_from(["Bearer", "ID", 7]),
        "token_use": st.sampled_from(["access", "id"]),
        "vdns": st.sampled_from([[1], "x", {}]),
    },
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "alg": st.sampled_from(["RS256", "none", "PS256", 7]),
        "typ": st.sampled_from(["JWT", "id+jwt", 7]),
        "kid": st.sampled_from(["rsa", "enc", "x", 7]),
        "crit": st.just(["exp"]),
    },
)


@given(changes=CLAIMS, header=HEADERS)
def test_the_explanation_agrees_with_the_gateway(changes: dict[str, Any], header: dict[str, Any]) -> None:
    """A token is taken if and only if no check but those of its rights is said to have failed."""
    head = {"alg": "RS256", "kid": "rsa", **header}
    sent = token_of(json.dumps(head).encode(), json.dumps({**claims(NOW), **changes}).encode())
    tokens = BearerTokens(
        [TrustedIssuer(POLICY, lambda _, **__: KEYS)], lambda _: None, lambda: datetime.fromtimestamp(NOW, UTC)
    )
    lines = explained(sent)
    said = all(line.passed for name, line in lines.items() if name not in {"vdns", "scopes", "rights"})
    try:
        tokens.authenticate(f"Bearer {sent}")
    except Unauthenticated:
        taken = False
    else:
        taken = True
    assert said == taken
