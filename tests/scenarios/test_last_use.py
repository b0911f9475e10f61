"""When clients were last seen, with which key, in front of Flask and in it."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.access.keys import key_hash
from gateway.pages.flights import Flight
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import HELD_S, HOLDING, GatewayUnderTest
from tests.support.identity_provider import AUDIENCE, ISSUER, claims, provider, token
from tests.support.threads import threads_in
from tests.support.waiting import wait_until

Make = Callable[..., GatewayUnderTest]


def last_seen(gateway: GatewayUnderTest, client: str, credential: str = "current") -> float:
    """Return when that was according to the metrics."""
    exposed = gateway.get("/metrics", key=None).get_data(as_text=True)
    labels = f'client="{client}",credential="{credential}"'
    found = re.search(rf"^campaign_gateway_client_last_seen_timestamp_seconds{{{labels}}} (.*)$", exposed, re.MULTILINE)
    assert found, labels
    return float(found[1])


@pytest.mark.parametrize("log_hits", ["false", "true"])
def test_the_metrics_tell_which_key_a_client_uses(make_gateway: Make, log_hits: str) -> None:
    """Each request counts for its key only, a hit like any other; a wrong key counts for nobody."""
    gateway = make_gateway(log__hits=log_hits, clients__0__previous_key_sha256=key_hash("old-key"))
    assert last_seen(gateway, "web") == last_seen(gateway, "web", "previous") == 0.0
    before = time.time()
    seen = [before]
    for _ in range(3):
        assert gateway.get("/campaigns", key="old-key").status_code == 200
        seen.append(last_seen(gateway, "web", "previous"))
    assert seen == sorted(set(seen))
    assert seen[-1] <= time.time() + 1
    assert last_seen(gateway, "web") == 0.0
    gateway.get("/campaigns", key="web-key")
    gateway.get("/campaigns", key="wrong")
    assert last_seen(gateway, "web") > last_seen(gateway, "web", "previous")
    assert last_seen(gateway, "all") == 0.0


def test_who_follows_a_fetch_is_seen(make_gateway: Make, simulator: SimulatorServer) -> None:
    """Callers that wait in front of Flask for another caller's page are seen, with the key that they have sent."""
    gateway = make_gateway(real_time=True, clients__0__previous_key_sha256=key_hash("old-key"), **HOLDING)
    gateway.get("/campaigns", key="old-key")
    before = last_seen(gateway, "web", "previous")
    simulator.latency_s = HELD_S
    calls = simulator.calls.total
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(gateway.get, "/campaigns?page=2")
        wait_until(lambda: simulator.calls.total == calls + 1)
        follower = pool.submit(gateway.get, "/campaigns?page=2", key="old-key")
        wait_until(lambda: threads_in(Flight.wait) == 1)
        simulator.latency_s = 0.0
        assert "collapsed" in follower.result(10).headers["Cache-Status"]
        assert leader.result(10).status_code == 200
    assert before < last_seen(gateway, "web", "previous")


def test_whatever_a_good_credential_asks_for_it_was_seen(make_gateway: Make) -> None:
    """A refusal for want of rights or a faulty query is a use, too: the key is not to be taken away."""
    gateway = make_gateway()
    assert gateway.get("/campaigns?vdn=2").status_code == 403
    assert gateway.get("/cache", method="DELETE", key="all-key").status_code == 403
    assert gateway.get("/campaigns?page=0", key="two-key").status_code == 400
    assert 0.0 not in {last_seen(gateway, client) for client in ("web", "all", "two")}


def test_holders_of_tokens_are_seen_too(make_gateway: Make) -> None:
    """By the name that the log has; requests that are hits move the time on, and names are bounded."""
    with provider() as identity:
        gateway = make_gateway(jwt__issuer=ISSUER, jwt__audience=AUDIENCE, jwt__jwks_url=identity.url)
        sent = {"Authorization": f"Bearer {token()}"}
        seen = []
        for _ in range(3):
            gateway.get("/campaigns", key=None, headers=sent)
            seen.append(last_seen(gateway, "jwt:dashboard", "token"))
        assert seen == sorted(set(seen))
        for number in range(120):
            other = token(claims(client_id=f"client-{number}"), algorithm="Ed25519", key_id="ed")
            gateway.get("/campaigns", key=None, headers={"Authorization": f"Bearer {other}"})
    exposed = gateway.get("/metrics", key=None).get_data(as_text=True)
    assert len(re.findall(r"last_seen_timestamp_seconds\{.*credential=\"token\"", exposed)) == 101
    assert last_seen(gateway, "other", "token") >= seen[-1]
