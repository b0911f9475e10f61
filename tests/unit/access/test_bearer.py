"""The header `Authorization`, and how long a verified token is remembered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from gateway.access.bearer import KEPT_S, BearerTokens, TrustedIssuer, is_bearer
from gateway.access.jwks import TokenKeys, parse_jwks
from gateway.access.keys import new_key
from gateway.errors import Unauthenticated
from tests.support.clock import FakeClock
from tests.support.identity_provider import EC, ISSUER, OTHER_RSA, POLICY, claims, jwk, jwks, token

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OTHER_ISSUER = "https://other.example.com"


OTHER_KEYS = parse_jwks(jwks(jwk("rsa", OTHER_RSA), jwk("ec", EC)))


class Desk:
    """Bearer tokens with clocks and keys that the test holds in its hands."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.keys = dict(parse_jwks(jwks()).by_id)
        self.counted: list[str] = []
        self.useless: list[tuple[str, str]] = []
        issuers = [
            TrustedIssuer(POLICY, self.find),
            TrustedIssuer(replace(POLICY, issuer=OTHER_ISSUER, audience="campaigns"), lambda _, **__: OTHER_KEYS),
        ]
        self.tokens = BearerTokens(
            issuers,
            self.counted.append,
            self.wall,
            self.clock,
            count_useless=lambda right, found: self.useless.append((right, found)),
        )

    def wall(self) -> datetime:
        """Return a time that moves with the other clock."""
        return NOW + timedelta(seconds=self.clock() - 1000)

    def find(self, _key_id: str | None, /, *, anew: bool = False) -> TokenKeys:
        """Return the provider's keys."""
        assert not anew
        return TokenKeys(self.keys, ())

    def header(self, lifetime_s: float = 300, scheme: str = "Bearer ", **changes: Any) -> str:
        """Return the header of a token that lives so long from now on."""
        now = self.wall().timestamp()
        return scheme + token(claims(now, exp=now + lifetime_s, **changes))


@pytest.fixture
def desk() -> Desk:
    """Return one that has seen no token yet."""
    return Desk()


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
def test_a_good_token_is_a_grant(desk: Desk, scheme: str) -> None:
    """The scheme may be in any case; the grant is what the claims say."""
    grant = desk.tokens.authenticate(desk.header(scheme=scheme))
    assert (grant.client, grant.only_vdn, grant.bearer) == ("jwt:dashboard", 1, True)
    assert grant.vdns == {1}
    assert grant.scopes == {"campaigns:read"}


def test_attack_other_forms_of_the_header(desk: Desk) -> None:
    """Two tokens, a comma, quotes, a tab or nothing after the scheme: malformed, even around a good token."""
    good = desk.header()
    bad = ["Bearer", "Bearer ", f"{good},{good}", f"{good}, {good}", f"{good} {good}", good.replace(" ", "\t")]
    bad += [f'Bearer "{good[7:]}"', good.replace(" ", ""), f"{good}\xe9", f" {good}", f"{good} "]
    for header in bad:
        with pytest.raises(Unauthenticated) as caught:
            desk.tokens.authenticate(header)
        assert caught.value.bearer is not None
        assert caught.value.bearer.code == "invalid_token"
    assert set(desk.counted) == {"malformed"}
    with pytest.raises(Unauthenticated, match="longer than 8192 bytes"):
        desk.tokens.authenticate("Bearer " + "a" * 8193)
    assert desk.tokens.find("Bearer " + "a" * 10_000_000) is None


def test_an_api_key_in_the_wrong_header_is_told(desk: Desk) -> None:
    """Whoever sends a key of ours as a token is told where it belongs, and the key is not repeated."""
    key = new_key()
    with pytest.raises(Unauthenticated, match=r"^This is an API key and no token; send it in the header X-API-Key\.$"):
        desk.tokens.authenticate(f"Bearer {key}")
    assert desk.counted == ["malformed"]


def test_a_token_is_known_after_it_was_verified_and_not_before(desk: Desk) -> None:
    """The quick look never verifies; after the slow one it finds the same grant, and nothing is verified twice."""
    header = desk.header()
    assert desk.tokens.find(header) is None
    grant = desk.tokens.authenticate(header)
    assert desk.tokens.find(header) is grant
    assert desk.tokens.authenticate(header) is grant
    assert desk.counted == ["ok"]
    assert desk.tokens.find(header + "x") is None


def test_a_withdrawn_key_takes_effect_within_a_minute(desk: Desk) -> None:
    """A token is looked at again after 60 seconds, and refused if its key is gone."""
    header = desk.header()
    desk.tokens.authenticate(header)
    desk.keys.clear()
    desk.clock.advance(KEPT_S - 1)
    assert desk.tokens.find(header) is not None
    desk.clock.advance(1)
    assert desk.tokens.find(header) is None
    with pytest.raises(Unauthenticated):
        desk.tokens.authenticate(header)


def test_attack_a_remembered_token_after_its_end(desk: Desk) -> None:
    """No token is good at its `exp`, however lately it was verified."""
    header = desk.header(lifetime_s=10)
    desk.tokens.authenticate(header)
    desk.clock.advance(9.9)
    assert desk.tokens.find(header) is not None
    desk.clock.advance(0.1)
    assert desk.tokens.find(header) is None
    with pytest.raises(Unauthenticated, match="has expired"):
        desk.tokens.authenticate(header)


def test_the_wall_clock_counts_for_remembered_tokens_too(desk: Desk) -> None:
    """Where the wall clock is set forward past `exp`, what is remembered is of no use."""
    header = desk.header(lifetime_s=3000)
    times = [NOW]
    tokens = BearerTokens([TrustedIssuer(POLICY, desk.find)], desk.counted.append, lambda: times[-1], desk.clock)
    tokens.authenticate(header)
    assert tokens.find(header) is not None
    times.append(NOW + timedelta(hours=1))
    assert tokens.find(header) is None


def test_refused_tokens_are_not_remembered(desk: Desk) -> None:
    """A token of a key that was not known yet is good as soon as the key is."""
    key = desk.keys.pop("rsa")
    header = desk.header()
    with pytest.raises(Unauthenticated):
        desk.tokens.authenticate(header)
    desk.keys["rsa"] = key
    assert desk.tokens.authenticate(header)
    assert desk.counted == ["unknown-key", "ok"]


@pytest.mark.parametrize(
    ("value", "bearer"), [("Bearer x", True), ("bEaReR", True), ("Basic eA==", False), ("Bearerx", False), ("", False)]
)
def test_the_scheme_is_recognised(value: str, bearer: bool) -> None:  # noqa: FBT001 -- a table
    """Of the header only its first word is looked at, in any case."""
    assert is_bearer(value) == bearer


@pytest.mark.parametrize(
    "issuer", [None, "", f"{ISSUER}/", ISSUER.upper(), "https://id.example.com.evil.test", [ISSUER], 7, True]
)
def test_attack_wrong_issuer(desk: Desk, issuer: Any) -> None:
    """Another issuer, one that looks alike, or a list with ours in it."""
    with pytest.raises(Unauthenticated, match=r"The issuer \(iss\) of the token is not one of those that are trusted"):
        desk.tokens.authenticate(desk.header(iss=issuer))
    assert desk.counted == ["bad-issuer"]


def test_each_issuer_has_its_own_keys_and_settings(desk: Desk) -> None:
    """Keys of the same name do not matter; what one signed for its own audience is good in its own name only."""
    now = desk.wall().timestamp()
    ours = claims(now, iss=OTHER_ISSUER, aud="campaigns", vdns=[2], client_id="other")
    assert desk.tokens.authenticate(f"Bearer {token(ours, key=OTHER_RSA)}").vdns == {2}
    assert desk.tokens.authenticate(desk.header()).vdns == {1}
    for attack in (
        token(ours),
        token(claims(now), key=OTHER_RSA),
        token(claims(now, iss=OTHER_ISSUER), key=OTHER_RSA),
        token(claims(now, aud="campaigns")),
    ):
        with pytest.raises(Unauthenticated):
            desk.tokens.authenticate(f"Bearer {attack}")
    assert desk.counted == ["ok", "ok", "bad-signature", "bad-signature", "bad-audience", "bad-audience"]


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({}, []),
        ({"vdns": 1}, []),
        ({"vdns": None}, [("vdns", "absent")]),
        ({"vdns": "1,2"}, [("vdns", "odd")]),
        ({"vdns": [], "scope": "openid"}, [("vdns", "empty"), ("scopes", "unknown")]),
    ],
)
def test_claims_that_give_nothing_are_counted_and_logged(
    desk: Desk, changes: dict[str, Any], counted: list[tuple[str, str]]
) -> None:
    """Once for each look at the token: which claims, whose, and what was found; no value that may be a person's."""
    header = desk.header(**changes)
    with structlog.testing.capture_logs() as events:
        for _ in range(3):
            desk.tokens.authenticate(header)
    assert desk.useless == counted
    assert [(event["looked_for"], event["found"]) for event in events] == [
        ([{"vdns": "vdns", "scopes": "scope"}[right]], found) for right, found in counted
    ]
    assert all(event["client"] == "jwt:dashboard" and event["issuer"] == ISSUER for event in events)


def test_two_headers_are_told(desk: Desk) -> None:
    """Servers join what came twice with a comma, so the words can say what is wrong."""
    with pytest.raises(Unauthenticated, match=r"^The header Authorization was sent more than once; send one token\.$"):
        desk.tokens.authenticate(f"{desk.header()},{desk.header()}")
