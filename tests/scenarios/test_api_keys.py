"""API keys from the header to the rows: made, used, rotated, withdrawn, and every attack on them."""

import base64
from collections.abc import Callable

import pytest

from gateway.access.keys import key_hash, new_key
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest

CHALLENGE = 'ApiKey realm="campaign-gateway", header="X-API-Key"'
Make = Callable[..., GatewayUnderTest]
KEY, OLD_KEY = new_key(), new_key()
MISTYPED = KEY[:-1] + ("a" if KEY[-1] != "a" else "b")


@pytest.fixture
def gateway(make_gateway: Make) -> GatewayUnderTest:
    """Return a gateway whose client `web` is changing its key."""
    return make_gateway(clients__0__key_sha256=key_hash(KEY), clients__0__previous_key_sha256=key_hash(OLD_KEY))


ATTACKS: dict[str, tuple[str, dict[str, str], str]] = {
    "no key": ("", {}, "carries no API key"),
    "empty": ("", {"X-API-Key": ""}, "carries no API key"),
    "made up": ("", {"X-API-Key": "letmein"}, "is not known here."),
    "mistyped": ("", {"X-API-Key": MISTYPED}, "its checksum is wrong"),
    "cut short": ("", {"X-API-Key": KEY[:-1]}, "its checksum is wrong"),
    "in capitals": ("", {"X-API-Key": KEY.upper()}, "its checksum is wrong"),
    "whole, of nobody": ("", {"X-API-Key": new_key()}, "is whole, but not known here"),
    "the hash of a key": ("", {"X-API-Key": key_hash(KEY)}, "is not known here."),
    "two keys": ("", {"X-API-Key": f"{KEY},{OLD_KEY}"}, "X-API-Key was sent more than once"),
    "huge": ("", {"X-API-Key": KEY * 1000}, "its checksum is wrong"),
    "not ASCII": ("", {"X-API-Key": "\xff\xfe\xe9"}, "is not known here."),
    "in the query": (f"?api_key={KEY}", {}, "carries no API key"),
    "in the query, under other names": (f"?X-API-Key={KEY}&key={KEY}", {}, "carries no API key"),
    "in a cookie": ("", {"Cookie": f"X-API-Key={KEY}"}, "carries no API key"),
    "as a bearer token": ("", {"Authorization": f"Bearer {KEY}"}, "send an API key in the header X-API-Key"),
    "as a password": (
        "",
        {"Authorization": f"Basic {base64.b64encode(f'web:{KEY}'.encode()).decode()}"},
        "send an API key in the header X-API-Key",
    ),
    "made up, beside another scheme": ("", {"X-API-Key": "x", "Authorization": "Basic d2Vi"}, "is not known here."),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_on_keys(simulator: SimulatorServer, gateway: GatewayUnderTest, attack: str) -> None:
    """Each is a 401 with a challenge that repeats nothing of the key, even for a page at hand; nobody is asked."""
    assert gateway.get("/campaigns", key=KEY).status_code == 200
    calls = simulator.calls.total
    query, headers, words = ATTACKS[attack]
    for _ in range(2):
        status, name, document = gateway.problem(f"/campaigns{query}", key=None, headers=headers)
        assert (status, name) == (401, "unauthenticated")
        assert words in document["detail"]
        answer = gateway.get(f"/campaigns{query}", key=None, headers=headers)
        assert answer.headers.getlist("WWW-Authenticate") == [CHALLENGE]
        assert answer.headers["Cache-Control"] == "no-store"
        assert not any(part in answer.get_data(as_text=True) + str(answer.headers) for part in (KEY[4:12], OLD_KEY))
    assert simulator.calls.total == calls


def test_two_keys_are_good_while_rotating_and_one_before_and_after(make_gateway: Make) -> None:
    """The new key is added, the old one goes when nobody uses it any more, and no request is refused in between."""
    steps = [
        ({"clients__0__key_sha256": key_hash(OLD_KEY)}, {OLD_KEY: 200, KEY: 401}),
        (
            {"clients__0__key_sha256": key_hash(KEY), "clients__0__previous_key_sha256": key_hash(OLD_KEY)},
            {OLD_KEY: 200, KEY: 200},
        ),
        ({"clients__0__key_sha256": key_hash(KEY)}, {OLD_KEY: 401, KEY: 200}),
    ]
    for settings, answers in steps:
        gateway = make_gateway(**settings)
        for _ in range(2):
            assert {key: gateway.get("/campaigns", key=key).status_code for key in answers} == answers


@pytest.mark.parametrize(("key", "vdns"), [("web-key", {1}), ("two-key", {2}), ("all-key", {1, 2})])
def test_both_keys_of_a_client_have_its_rights(make_gateway: Make, key: str, vdns: set[int]) -> None:
    """The previous key reads what the current one reads, and nothing else; so does a key that was seen before."""
    previous = {f"clients__{number}__previous_key_sha256": key_hash(f"old-{number}") for number in range(3)}
    gateway = make_gateway(**previous)
    old = f"old-{['web-key', 'all-key', 'two-key'].index(key)}"
    for sent in (key, old, key, old):
        readable = {vdn for vdn in (1, 2) if gateway.get(f"/campaigns?vdn={vdn}", key=sent).status_code == 200}
        assert readable == vdns
        assert gateway.get("/cache", method="DELETE", key=sent).status_code == 403
