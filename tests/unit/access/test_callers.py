"""Keys and tokens side by side."""

import pytest

from gateway.access.bearer import BearerTokens
from gateway.access.callers import Callers
from gateway.access.claims import TokenPolicy
from gateway.access.clients import ClientDirectory
from gateway.access.jwks import parse_jwks
from gateway.access.keys import key_hash
from gateway.errors import Unauthenticated
from gateway.factory import Clocks
from gateway.settings import Client
from tests.support.identity_provider import AUDIENCE, ISSUER, jwks, token

CLIENTS = ClientDirectory([Client("web", key_hash("key"), "", frozenset({2}), frozenset(), 0)], [1, 2])
KEYS = parse_jwks(jwks()).by_id
POLICY = TokenPolicy(ISSUER, AUDIENCE, "vdns", "scope", frozenset({1, 2}))
TOKENS = BearerTokens(POLICY, lambda key_id: KEYS.get(key_id, ()), lambda _: None, Clocks().wall)
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
        ("key", "", "invalid_request"),
        ("", f"Bearer {token()}", "invalid_request"),
        ("key", "Basic a2V5", "invalid_request"),
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


@pytest.mark.parametrize(("api_key", "authorization"), [(None, f"Bearer {token()}"), ("key", f"Bearer {token()}")])
def test_without_an_issuer_there_are_no_tokens(api_key: str | None, authorization: str) -> None:
    """Where tokens are off, none is taken or asked for."""
    assert KEYS_ONLY.find(api_key, authorization) is None
    with pytest.raises(Unauthenticated) as caught:
        KEYS_ONLY.authenticate(api_key, authorization)
    assert caught.value.bearer is None
