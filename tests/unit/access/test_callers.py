"""Keys and tokens side by side."""

import pytest

from gateway.access.bearer import BearerTokens, TrustedIssuer
from gateway.access.callers import Callers
from gateway.access.clients import ClientDirectory
from gateway.access.jwks import parse_jwks
from gateway.access.keys import key_hash
from gateway.errors import Unauthenticated
from gateway.factory import Clocks
from gateway.settings import Client
from tests.support.identity_provider import POLICY, jwks, token

CLIENTS = ClientDirectory([Client("web", key_hash("key"), "", frozenset({2}), frozenset(), 0)], [1, 2])
KEYS = parse_jwks(jwks())
TOKENS = BearerTokens([TrustedIssuer(POLICY, lambda _, **__: KEYS)], lambda _: None, Clocks().wall)
BOTH, KEYS_ONLY = Callers(CLIENTS, TOKENS), Callers(CLIENTS)


def test_either_is_enough() -> None:
    """A key leads to its client, a token to its holder; a token is known at once only after it was verified."""
    sent = f"Bearer {token()}"
    for callers in (BOTH, KEYS_ONLY):
        assert callers.authenticate("key", None).client == "web"
        assert callers.find("key", None) is callers.authenticate("key", None)
    assert BOTH.find(None, sent) is None
    assert BOTH.authenticate(None, sent).client == "jwt:dashboard"
    assert BOTH.find(None, sent) is not None


@pytest.mark.parametrize(
    ("api_key", "authorization", "code"),
    [
        (None, None, ""),
        ("", None, ""),
        ("wrong", None, ""),
        ("key", f"Bearer {token()}", "invalid_request"),
        ("", f"Bearer {token()}", "invalid_request"),
        ("key", "Bearer", "invalid_request"),
        ("", "Basic a2V5", ""),
        ("wrong", "Basic a2V5", ""),
        (None, "", ""),
        (None, "Basic a2V5Og==", ""),
        (None, "ApiKey key", ""),
        (None, token(), ""),
        (None, f"DPoP {token()}", ""),
        (None, "Bearer key", "invalid_token"),
        (None, "Bearer", "invalid_token"),
    ],
)
def test_all_else_is_refused(api_key: str | None, authorization: str | None, code: str) -> None:
    """None, both, another scheme or a bad token: no grant on either way, and the code that RFC 6750 has for it."""
    assert BOTH.find(api_key, authorization) is None
    with pytest.raises(Unauthenticated) as caught:
        BOTH.authenticate(api_key, authorization)
    assert caught.value.bearer is not None
    assert caught.value.bearer.code == code


def test_without_an_issuer_there_are_no_tokens() -> None:
    """Where tokens are off, none is taken or asked for."""
    assert KEYS_ONLY.find(None, f"Bearer {token()}") is None
    with pytest.raises(Unauthenticated) as caught:
        KEYS_ONLY.authenticate(None, f"Bearer {token()}")
    assert caught.value.bearer is None


@pytest.mark.parametrize("authorization", ["Basic c3RhZ2luZzp4", "", "Digest x", "DPoP x", "Bearerx", token()])
@pytest.mark.parametrize("callers", [BOTH, KEYS_ONLY])
def test_what_is_for_somebody_else_is_not_looked_at_beside_a_key(callers: Callers, authorization: str) -> None:
    """A staging site behind basic authentication has its own `Authorization` on every request; the key decides."""
    grant = callers.authenticate("key", authorization)
    assert grant.client == "web"
    assert callers.find("key", authorization) is grant


def test_where_tokens_are_off_none_is_looked_at_beside_a_key() -> None:
    """A token that is meant for a front is none of ours there."""
    grant = KEYS_ONLY.authenticate("key", f"Bearer {token()}")
    assert grant.client == "web"
    assert KEYS_ONLY.find("key", f"Bearer {token()}") is grant


@pytest.mark.parametrize("sent", ["key,key", "key, key", "key,other"])
def test_a_key_that_was_sent_twice_is_told(sent: str) -> None:
    """Servers join what came twice with a comma; which of them counts is not guessed."""
    with pytest.raises(Unauthenticated, match=r"^X-API-Key was sent more than once"):
        BOTH.authenticate(sent, None)
