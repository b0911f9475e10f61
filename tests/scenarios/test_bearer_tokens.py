"""Bearer tokens from the header to the rows: the whole app, an identity provider over HTTP, and every attack on it."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.access.keys import new_key
from gateway.simulator.server import SimulatorServer
from tests.support.bearer import ask, jwt, numbers, problem
from tests.support.gateway import GatewayUnderTest
from tests.support.identity_provider import (
    AUDIENCE,
    EC,
    ISSUER,
    OTHER_RSA,
    RSA,
    Provider,
    b64,
    claims,
    jwk,
    provider,
    token,
    token_of,
)
from tests.support.server import served_gateway

HEAD = b'{"alg":"RS256","typ":"at+jwt","kid":"rsa"}'
PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
API_KEY_CHALLENGE = 'ApiKey realm="campaign-gateway", header="X-API-Key"'
Make = Callable[..., GatewayUnderTest]


@pytest.fixture
def identity() -> Iterator[Provider]:
    """Return an identity provider."""
    with provider() as served:
        yield served


@pytest.fixture
def gateway(make_gateway: Make, identity: Provider) -> GatewayUnderTest:
    """Return a gateway that takes the provider's tokens."""
    return make_gateway(**jwt(jwks_url=identity.url))


def seen_by_flask(gateway: GatewayUnderTest) -> list[None]:
    """Return a list that grows with each request that is not answered in front of Flask."""
    seen: list[None] = []
    gateway.app.before_request(lambda: seen.append(None))
    return seen


def test_a_token_is_as_good_as_a_key(gateway: GatewayUnderTest, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows, headers and log line are those of a key; the token is in no line and no number."""
    sent = token()
    answer = ask(gateway, sent)
    assert (answer.status_code, answer.data) == (200, gateway.get("/campaigns").data)
    logged = capsys.readouterr().err
    assert '"client": "jwt:dashboard"' in logged
    assert 'campaign_gateway_token_checks_total{outcome="ok"} 1.0' in numbers(gateway)
    ask(gateway, sent[:-9])
    assert not any(part in logged + capsys.readouterr().err + numbers(gateway) for part in sent.split("."))


def now() -> int:
    """Return the second of the wall clock."""
    return int(time.time())


ATTACKS: dict[str, Callable[[], str]] = {
    "alg none": lambda: token(algorithm="none") + "AAAA",
    "HS256 with the public key": lambda: token(algorithm="HS256", key=json.dumps(jwk("rsa", RSA)).encode()),
    "expired": lambda: token(claims(exp=now() - 1)),
    "not yet valid": lambda: token(claims(nbf=now() + 90)),
    "issued in the future": lambda: token(claims(iat=now() + 90)),
    "wrong audience": lambda: token(claims(aud="another-service")),
    "wrong issuer": lambda: token(claims(iss="https://evil.example.com")),
    "no exp": lambda: token(claims(exp=None)),
    "exp as a text": lambda: token(claims(exp=str(now() + 99))),
    "unknown kid": lambda: token(key_id="stranger", key=RSA),
    "no kid, with several keys": lambda: token(key_id=None),
    "Keycloak's ID token without at_hash": lambda: token(claims(typ="ID"), typ="JWT"),
    "Cognito's ID token": lambda: token(claims(token_use="id"), typ=None),
    "key of another": lambda: token(key=OTHER_RSA),
    "huge": lambda: token(claims(junk="x" * 8192)),
    "bad base64": lambda: token()[:-1] + "!",
    "not three parts": lambda: "a.b",
    "key type not of the algorithm": lambda: token(algorithm="ES256", key=EC, key_id="rsa"),
    "embedded jwk": lambda: token(key=OTHER_RSA, jwk=jwk("rsa", OTHER_RSA)),
    "jku": lambda: token(key=OTHER_RSA, jku="http://127.0.0.1:9/jwks"),
    "crit": lambda: token(crit=["exp"]),
    "ID token by its type": lambda: token(typ="id+jwt"),
    "ID token by its claims": lambda: token(claims(at_hash="x"), typ="JWT"),
    "a type that is null": lambda: token_of(b'{"alg":"RS256","typ":null,"kid":"rsa"}', json.dumps(claims()).encode()),
    "API key as a token": lambda: "web-key",
    "API key of ours as a token": new_key,
    "HS256 with the public key as PEM": lambda: token(algorithm="HS256", key=PEM),
    "alg none and then RS256": lambda: token_of(b'{"alg":"none",' + HEAD[1:], json.dumps(claims()).encode()),
    "header in UTF-16": lambda: token_of(HEAD.decode().encode("utf-16"), json.dumps(claims()).encode()),
    "a claim twice": lambda: token_of(HEAD, b'{"vdns":[2],' + json.dumps(claims()).encode()[1:]),
    "x5u": lambda: token(key=OTHER_RSA, x5u="http://127.0.0.1:9/cert.pem"),
    "x5c": lambda: token(key=OTHER_RSA, x5c=["AAAA"]),
    "kid as SQL": lambda: token(key=OTHER_RSA, key_id="' UNION SELECT 'key"),
    "kid as a path": lambda: token(key=OTHER_RSA, key_id="../../../dev/null"),
    "b64 false": lambda: token(crit=["b64"], b64=False),
    "encrypted token": lambda: "a.b.c.d.e",
    "claims of another token": lambda: ".".join(
        (token().split(".")[0], b64(json.dumps(claims(vdns="*")).encode()), token().split(".")[2])
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_on_tokens(simulator: SimulatorServer, gateway: GatewayUnderTest, attack: str) -> None:
    """Each is a 401 that says `invalid_token` and repeats nothing, also when the page is at hand; nobody is asked."""
    assert gateway.get("/campaigns").status_code == 200
    calls = simulator.calls.total
    sent = ATTACKS[attack]()
    for _ in range(2):
        answer = ask(gateway, sent)
        assert problem(answer) == (401, "unauthenticated")
        key, bearer = answer.headers.getlist("WWW-Authenticate")
        assert key == API_KEY_CHALLENGE
        said = answer.get_json()["detail"]
        assert bearer == f'Bearer realm="campaign-gateway", error="invalid_token", error_description="{said}"'
        assert sent not in answer.get_data(as_text=True) + str(answer.headers)
    assert simulator.calls.total == calls


@pytest.mark.parametrize(
    ("vdns", "status"),
    [
        *((good, 200) for good in ([1], ["1"], "*", 1, "1", "2 1")),
        *(
            (odd, 403)
            for odd in (["1 or 1=1"], [1.0], [True], [[1]], [-1], [1, "x"], "1 or 1=1", "1,2", True, {"1": 1}, None)
        ),
        ([2], 403),
    ],
)
def test_attacks_on_vdns(gateway: GatewayUnderTest, vdns: Any, status: int) -> None:
    """A claim of odd types reads nothing, even a page that is at hand."""
    gateway.get("/campaigns?vdn=1")
    for _ in range(2):
        assert ask(gateway, token(claims(vdns=vdns)), "/campaigns?vdn=1").status_code == status


@pytest.mark.parametrize(
    "scope", [None, "", "Campaigns:Read", "campaigns:readx", "campaigns", "*", ["campaigns:read x"], "cache:purge", 7]
)
def test_attacks_on_scopes(gateway: GatewayUnderTest, scope: Any) -> None:
    """Without the very scope it is a 403 that names it, as RFC 6750 has it."""
    gateway.get("/campaigns")
    answer = ask(gateway, token(claims(scope=scope)))
    assert problem(answer) == (403, "forbidden")
    (challenge,) = answer.headers.getlist("WWW-Authenticate")
    assert challenge.startswith('Bearer realm="campaign-gateway", error="insufficient_scope", error_description="')
    assert challenge.endswith('", scope="campaigns:read"')


def test_scopes_open_their_endpoints_only(gateway: GatewayUnderTest) -> None:
    """Reading does not purge, and purging is within the token's VDNs."""
    assert gateway.get("/cache", method="DELETE", key=None, headers=bearer_header()).status_code == 403
    purger = bearer_header(scope="cache:purge", vdns=[2])
    answer = gateway.get("/cache", method="DELETE", key=None, headers=purger)
    assert (answer.status_code, answer.get_json()["vdns"]) == (200, [2])
    assert gateway.get("/cache?vdn=1", method="DELETE", key=None, headers=purger).status_code == 403


def bearer_header(**changes: Any) -> dict[str, str]:
    """Return the headers of a request with a token."""
    return {"Authorization": f"Bearer {token(claims(**changes))}"}


@pytest.mark.parametrize("log_hits", ["false", "true"])
def test_tokens_of_two_vdns_never_see_each_others_rows(make_gateway: Make, identity: Provider, log_hits: str) -> None:
    """In front of Flask and in it, interleaved with keys, each gets the rows of its own VDN and no others."""
    gateway = make_gateway(log__hits=log_hits, **jwt(jwks_url=identity.url))
    tokens = {vdn: token(claims(vdns=[vdn])) for vdn in (1, 2)}
    seen = seen_by_flask(gateway)
    rows = {1: gateway.get("/campaigns").data, 2: gateway.get("/campaigns", key="two-key").data}
    assert rows[1] != rows[2]
    seen.clear()
    for _ in range(4):
        for vdn, other in ((1, 2), (2, 1)):
            assert ask(gateway, tokens[vdn]).data == rows[vdn]
            assert ask(gateway, tokens[vdn], f"/campaigns?vdn={vdn}").data == rows[vdn]
            assert problem(ask(gateway, tokens[vdn], f"/campaigns?vdn={other}")) == (403, "forbidden")
    # In front of Flask once the token and each of its two good queries are known.
    assert len(seen) == 8 + 2 + 2


def test_a_verified_token_is_answered_in_front_of_flask_until_it_is_old(gateway: GatewayUnderTest) -> None:
    """The second request of a token is a hit like a key's; after a minute the token is verified again."""
    seen = seen_by_flask(gateway)
    sent = token()
    first = [ask(gateway, sent).status_code for _ in range(5)]
    assert (first, len(seen)) == ([200] * 5, 1)
    gateway.clock.advance(61)
    ask(gateway, sent)
    assert 'campaign_gateway_token_checks_total{outcome="ok"} 2.0' in numbers(gateway)


@pytest.mark.parametrize(
    ("key", "headers", "code"),
    [
        (None, {}, None),
        ("wrong", {}, None),
        (None, {"Authorization": "Basic d2ViOndlYi1rZXk="}, None),
        (None, {"Authorization": "web-key"}, None),
        ("web-key", bearer_header(), "invalid_request"),
        ("wrong", {"Authorization": "Basic d2ViOndlYi1rZXk="}, None),
    ],
)
def test_other_credentials(
    gateway: GatewayUnderTest, key: str | None, headers: dict[str, str], code: str | None
) -> None:
    """Without a token there is no error code; a key beside a token, each good, is refused on both ways."""
    gateway.get("/campaigns")
    answer = gateway.get("/campaigns", key=key, headers=headers)
    assert problem(answer) == (401, "unauthenticated")
    api_key, bearer = answer.headers.getlist("WWW-Authenticate")
    assert api_key == API_KEY_CHALLENGE
    assert bearer.startswith('Bearer realm="campaign-gateway"')
    assert (f'error="{code}"' in bearer) if code else bearer == 'Bearer realm="campaign-gateway"'


def test_basic_authentication_of_a_front_does_not_matter_beside_a_key(gateway: GatewayUnderTest) -> None:
    """In front of Flask and in it, with tokens on and off, a key is good whatever else is in `Authorization`."""
    seen = seen_by_flask(gateway)
    for _ in range(3):
        assert gateway.get("/campaigns", headers={"Authorization": "Basic d2ViOndlYi1rZXk="}).status_code == 200
    assert len(seen) == 1


def test_without_a_usable_vdn_it_is_the_right_that_lacks(gateway: GatewayUnderTest) -> None:
    """A perfect query is no fault: 403, with the claim that was looked for and what was there, in the log too."""
    for vdns, found, words in ((None, "absent", "`vdns` is not there"), ("1,2", "odd", "`vdns` is a text with '1,2'")):
        answer = ask(gateway, token(claims(vdns=vdns)))
        assert problem(answer) == (403, "forbidden")
        assert words in answer.get_json()["detail"]
        assert f'useless_token_claims_total{{found="{found}",right="vdns"}} 1.0' in numbers(gateway)


def test_tokens_in_the_url_are_not_looked_at(gateway: GatewayUnderTest) -> None:
    """`access_token` authenticates nobody and is an unknown parameter to everybody else; its value is not repeated."""
    sent = token()
    gateway.get("/campaigns")
    assert gateway.get(f"/campaigns?access_token={sent}", key=None).status_code == 401
    for answer in (
        gateway.get(f"/campaigns?access_token={sent}"),
        ask(gateway, sent, f"/campaigns?access_token={sent}"),
    ):
        assert problem(answer) == (400, "invalid-parameters")
        assert [fault["parameter"] for fault in answer.get_json()["errors"]] == ["access_token"]
        assert sent not in answer.get_data(as_text=True)


def test_tokens_are_off_without_an_issuer(make_gateway: Make) -> None:
    """Then no token is taken, and none is asked for."""
    answer = ask(make_gateway(), token())
    assert problem(answer) == (401, "unauthenticated")
    assert answer.headers.getlist("WWW-Authenticate") == [API_KEY_CHALLENGE]


def test_attack_two_headers_on_the_wire(simulator: SimulatorServer, identity: Provider) -> None:
    """Two `Authorization` headers, as sent by no honest caller, are never a way to another VDN's rows."""
    good, bad = token(), token(key=OTHER_RSA)
    with served_gateway(
        simulator.base_url,
        GATEWAY__JWT__ISSUER=ISSUER,
        GATEWAY__JWT__AUDIENCE=AUDIENCE,
        GATEWAY__JWT__JWKS_URL=identity.url,
    ) as served:
        assert status_on_the_wire(served.url, [good]) == 200
        for pair in ([good, bad], [bad, good], [good, good], [bad, bad]):
            assert status_on_the_wire(served.url, pair) == 401


def status_on_the_wire(url: str, tokens: list[str]) -> int:
    """Send one request with these tokens, a header each, byte by byte as written; return the status."""
    headers = "".join(f"Authorization: Bearer {one}\r\n" for one in tokens)
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=10) as connection:
        connection.sendall(f"GET /campaigns HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{headers}\r\n".encode())
        with connection.makefile("rb") as answer:
            return int(answer.readline().split()[1])
