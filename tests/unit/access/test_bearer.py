"""The header `Authorization`, and how long a verified token is remembered."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from joserfc.jwk import Key

from gateway.access.bearer import KEPT_S, BearerTokens, is_bearer
from gateway.access.claims import TokenPolicy
from gateway.access.jwks import parse_jwks
from gateway.access.keys import new_key
from gateway.errors import Unauthenticated
from tests.support.clock import FakeClock
from tests.support.identity_provider import AUDIENCE, ISSUER, claims, jwks, token

NOW = datetime(2026, 11, 24, tzinfo=UTC)
POLICY = TokenPolicy(ISSUER, AUDIENCE, "vdns", "scope", frozenset({1, 2}))


class Desk:
    """Bearer tokens with clocks and keys that the test holds in its hands."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.keys = dict(parse_jwks(jwks()).by_id)
        self.counted: list[str] = []
        self.tokens = BearerTokens(POLICY, self.find, self.counted.append, self.wall, self.clock)

    def wall(self) -> datetime:
        """Return a time that moves with the other clock."""
        return NOW + timedelta(seconds=self.clock() - 1000)

    def find(self, key_id: str) -> Sequence[Key]:
        """Return the provider's keys of this id."""
        return self.keys.get(key_id, ())

    def header(self, lifetime_s: float = 300, scheme: str = "Bearer ") -> str:
        """Return the header of a token that lives so long from now on."""
        now = self.wall().timestamp()
        return scheme + token(claims(now, exp=now + lifetime_s))


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
    tokens = BearerTokens(POLICY, desk.find, desk.counted.append, lambda: times[-1], desk.clock)
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
