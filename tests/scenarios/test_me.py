"""`GET /me`: what the credentials of a request may do."""

from collections.abc import Callable

import pytest

from gateway.access.keys import key_hash
from gateway.simulator.server import SimulatorServer
from tests.support.bearer import ask, jwt
from tests.support.gateway import KEYS, GatewayUnderTest, clients
from tests.support.identity_provider import claims, provider, token

_ZONED = 'name = "Hotline", time_zone = "Africa/Cairo"'
NAMED = f"""[
    {{vdn = 1, access_key = "demo-access-key", secret_key = "demo-secret-key", {_ZONED}}},
    {{vdn = 2, access_key = "demo-access-key-2", secret_key = "demo-secret-key-2"}},
]"""
FIRST = {"vdn": 1, "name": "Hotline", "time_zone": "Africa/Cairo"}
SECOND = {"vdn": 2, "name": "VDN 2", "time_zone": "UTC"}


def test_a_key_is_told_what_it_may_do(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """By the names that people have for VDNs, or their numbers where they have none; VDNs and scopes in order."""
    gateway = make_gateway(tenants=NAMED, clients=clients(web=60))
    answer = gateway.get("/me")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json() == {
        "client": "web",
        "credential": "api_key",
        "vdns": [FIRST],
        "scopes": ["campaigns:read"],
        "requests_per_minute": 60,
    }
    everything = gateway.get("/me", key="all-key").get_json()
    assert (everything["vdns"], everything["requests_per_minute"]) == ([FIRST, SECOND], None)
    assert gateway.get("/me", key="operator-key").get_json()["scopes"] == [
        *("cache:purge", "campaigns:read", "diagnostics:read")
    ]


def test_credentials_without_rights_are_good_enough(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """Who may read nothing learns just that here, where everything else would refuse it."""
    nobody = f'[{{name = "web", key_sha256 = "{key_hash(KEYS["web"])}", scopes = []}}]'
    told = make_gateway(clients=nobody).get("/me").get_json()
    assert (told["client"], told["vdns"], told["scopes"]) == ("web", [], [])


def test_a_token_is_told_what_it_may_do(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """By what its provider signed."""
    with provider() as identity:
        gateway = make_gateway(tenants=NAMED, **jwt(jwks_url=identity.url))
        answer = ask(gateway, token(claims(vdns=[2], scope="campaigns:read")), "/me")
    told = answer.get_json()
    assert (told["credential"], told["vdns"], told["scopes"]) == ("token", [SECOND], ["campaigns:read"])
    assert told["requests_per_minute"] is None


@pytest.mark.parametrize("key", [None, "nobodys-key"])
def test_without_good_credentials_nothing_is_told(gateway: GatewayUnderTest, key: str | None) -> None:
    """It is no way to learn anything about the gateway."""
    assert gateway.problem("/me", key=key)[:2] == (401, "unauthenticated")


def test_it_counts_against_no_limit(simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """And asks CC-iSales nothing."""
    gateway = make_gateway(clients=clients(web=1))
    assert {gateway.get("/me").status_code for _ in range(3)} == {200}
    assert simulator.calls.total == 0
    assert gateway.get("/campaigns").status_code == 200


def test_pages_of_listed_origins_may_read_it(make_gateway: Callable[..., GatewayUnderTest]) -> None:
    """A page that has nothing but a key finds out what it is for."""
    gateway = make_gateway(http__cors_origins='["https://app.example.com"]')
    answer = gateway.get("/me", headers={"Origin": "https://app.example.com"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "Origin" in answer.headers["Vary"]
