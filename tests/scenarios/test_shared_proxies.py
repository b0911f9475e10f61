"""Proxies that spread keys over several servers of Redis: callers notice nothing, operators are told what is lost."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.shared_store.backend import INSTEAD_PROXY
from gateway.shared_store.operations import LOST, Operation
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest
from tests.support.redis_proxies import Proxy, envoy, proxied, twemproxy
from tests.support.waiting import wait_until

PAGES = [f"/campaigns?page={number}" for number in range(1, 9)]
SAID = {
    envoy: ("command", "unknown command 'SUBSCRIBE'"),
    twemproxy: ("other", "connections that would listen are closed"),
}


def degraded(gateway: GatewayUnderTest) -> bool:
    """Tell whether it says that it is not well."""
    return bool(gateway.get("/readyz", key=None).get_json()["status"] == "degraded")


def report_of(gateway: GatewayUnderTest) -> dict[str, Any]:
    """Return what `/readyz` says of the shared cache of a gateway that may take traffic and is not well."""
    answer = gateway.get("/readyz", key=None)
    document = answer.get_json()
    assert (answer.status_code, document["status"]) == (200, "degraded")
    report: dict[str, Any] = document["dependencies"]["shared_cache"]
    return report


@pytest.mark.parametrize("proxy", [envoy, twemproxy])
def test_a_proxy_without_channels_is_named(
    proxy: Proxy, simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """Pages, calls and limits are shared by it, and news is not: a purge is heard of half a second later."""
    with proxied(proxy, tags=True) as url:
        one, two = (make_gateway(real_time=True, cache__shared_url=url.reveal()) for _ in range(2))
        for path in PAGES:
            assert "fwd=miss" in one.cache_status(path)
            assert "hit" in two.cache_status(path)
        assert simulator.calls.total == len(PAGES)
        kind, said = SAID[proxy]
        wait_until(lambda: [degraded(gateway) for gateway in (one, two)] == [True, True])
        for gateway in (one, two):
            assert report_of(gateway)["operations"] == {
                "listen": {"fault": kind, "said": said, "lost": LOST[Operation.LISTEN]}
            }


@pytest.mark.parametrize("proxy", [envoy, twemproxy])
def test_a_proxy_that_parts_what_belongs_together_is_named(
    proxy: Proxy, simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest]
) -> None:
    """A page would be stored on one server and looked for on another; so nothing is shared, and it is said why."""
    with proxied(proxy, tags=False) as url:
        one, two = (make_gateway(real_time=True, cache__shared_url=url.reveal()) for _ in range(2))
        for path in PAGES:
            assert "fwd=miss" in one.cache_status(path)
            assert "fwd=miss" in two.cache_status(path)
        assert simulator.calls.total == 2 * len(PAGES)
        for gateway in (one, two):
            assert report_of(gateway) == {"status": "failing", "fault": "cluster", "said": INSTEAD_PROXY}
