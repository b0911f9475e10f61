"""The identity provider behind bearer tokens: outages, rotated and made-up keys, and keys from a file."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.api.fair_semaphore import AT_ONCE
from gateway.settings import SettingsError
from tests.support.bearer import ask, jwt, problem
from tests.support.gateway import GatewayUnderTest
from tests.support.identity_provider import (
    ISSUER,
    OTHER_RSA,
    RSA,
    Provider,
    claims,
    jwk,
    jwks,
    provider,
    token,
)
from tests.support.server import free_port
from tests.support.waiting import wait_until

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


def test_attack_unknown_keys_do_not_flood_the_provider(gateway: GatewayUnderTest, identity: Provider) -> None:
    """However many keys are made up, the provider is asked once a minute; a rotated key is found that way."""
    ask(gateway, token())
    for minute in (1, 2, 3):
        gateway.clock.advance(60)
        for number in range(20):
            assert ask(gateway, token(key=OTHER_RSA, key_id=f"made-up-{number}")).status_code == 401
        assert identity.asked == 1 + minute
    identity.body = jwks(jwk("rotated", OTHER_RSA))
    gateway.clock.advance(60)
    assert ask(gateway, token(key=OTHER_RSA, key_id="rotated")).status_code == 200
    assert identity.asked == 5


def test_attack_unknown_keys_while_the_provider_hangs(gateway: GatewayUnderTest, identity: Provider) -> None:
    """A crowd of tokens with made-up keys waits for the provider; a caller with an API key does not wait behind it."""
    ask(gateway, token())
    identity.late_s = 1.5
    gateway.clock.advance(60)
    headers = {"Authorization": f"Bearer {token(key=OTHER_RSA, key_id='made-up')}"}
    with ThreadPoolExecutor(AT_ONCE + 4) as pool:
        crowd = [pool.submit(gateway.app.test_client().get, "/campaigns", headers=headers) for _ in range(AT_ONCE + 4)]
        wait_until(lambda: identity.asked == 2)
        assert gateway.get("/campaigns?page=2").status_code == 200
        assert not any(waiting.done() for waiting in crowd)
        assert {waiting.result(10).status_code for waiting in crowd} == {401}
    assert identity.asked == 2


def test_an_outage_of_the_provider(make_gateway: Make) -> None:
    """Known keys stay good; without any it is our failure, said in /readyz, and callers with API keys are served."""
    gateway = make_gateway(**jwt(jwks_url=f"http://127.0.0.1:{free_port()}/jwks"))
    answer = ask(gateway, token())
    assert problem(answer) == (500, "internal-error")
    assert answer.headers["Retry-After"] == "5"
    assert gateway.get("/campaigns").status_code == 200
    state = gateway.get("/readyz", key=None).get_json()
    assert (state["status"], state["dependencies"]["token_keys"]) == ("degraded", {"status": "failing"})
    series = f'campaign_gateway_token_key_reads_total{{issuer="{ISSUER}",outcome="failed"}}'
    assert gateway.number(series) == 1
    with provider() as identity:
        gateway = make_gateway(**jwt(jwks_url=identity.url))
        assert ask(gateway, token()).status_code == 200
    gateway.clock.advance(3600)
    assert ask(gateway, token(claims(sub="another"))).status_code == 200


def test_keys_from_a_file(make_gateway: Make, tmp_path: Path) -> None:
    """A file must be good at the start; a new content counts after a minute, rubbish does not."""
    file = tmp_path / "jwks.json"
    with pytest.raises(SettingsError, match=r"jwt\.jwks_file: .*No such file"):
        make_gateway(**jwt(jwks_file=str(file)))
    file.write_bytes(jwks(jwk("rsa", RSA)))
    gateway = make_gateway(**jwt(jwks_file=str(file)))
    assert ask(gateway, token()).status_code == 200
    assert gateway.get("/readyz", key=None).get_json()["dependencies"]["token_keys"] == {"status": "ok"}
    file.write_bytes(b"rubbish")
    gateway.clock.advance(60)
    assert ask(gateway, token(key=OTHER_RSA, key_id="new")).status_code == 401
    assert ask(gateway, token(claims(sub="another"))).status_code == 200
    file.write_bytes(jwks(jwk("new", OTHER_RSA)))
    gateway.clock.advance(60)
    assert ask(gateway, token(key=OTHER_RSA, key_id="new")).status_code == 200
