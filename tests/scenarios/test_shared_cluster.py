"""Gateways that share a cluster, as callers and operators see it; `test_faults_of_a_cluster` has its bad times."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.shared_store.backend import INSTEAD_CLUSTER
from gateway.simulator.server import SimulatorServer
from tests.support.gateway import GatewayUnderTest
from tests.support.redis_cluster import RedisCluster, redis_cluster
from tests.support.redis_engines import VALKEY_9, engine
from tests.support.waiting import wait_until

PAGES = [f"/campaigns?page={number}" for number in range(1, 9)]


@pytest.fixture(scope="module")
def _cluster() -> Iterator[RedisCluster]:
    with redis_cluster(engine(VALKEY_9), replicas=False) as cluster:
        yield cluster


@pytest.fixture
def cluster(_cluster: RedisCluster) -> RedisCluster:
    """Return a cluster that is empty and well."""
    _cluster.wait_until_well()
    _cluster.empty()
    return _cluster


def shared(gateway: GatewayUnderTest) -> dict[str, Any]:
    """Return what `/readyz`, which must answer 200, says of the shared cache."""
    answer = gateway.get("/readyz", key=None)
    assert answer.status_code == 200
    document = answer.get_json()
    report: dict[str, Any] = document["dependencies"]["shared_cache"]
    assert (document["status"] == "degraded") == (report["status"] == "failing")
    return report


def share(one: GatewayUnderTest, two: GatewayUnderTest) -> bool:
    """Tell whether a new page of VDN 2 that is asked of one is found by the other."""
    path = f"/campaigns?name={time.monotonic()}"
    return "hit" in [gateway.cache_status(path, key="two-key") for gateway in (one, two)][1]


def test_a_page_is_fetched_once_for_all(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], cluster: RedisCluster
) -> None:
    """Two gateways make one call a page, share the budget, and a purge of one ends the freshness of both."""
    one, two = (make_gateway(real_time=True, cache__shared_url=cluster.url.reveal()) for _ in range(2))
    # To find out where everything is may take longer on a busy machine than Redis is waited for.
    wait_until(lambda: share(one, two))
    simulator.calls.reset()
    for path in PAGES:
        assert "fwd=miss" in one.cache_status(path)
        assert "hit" in two.cache_status(path)
    assert simulator.calls.total == len(PAGES)
    assert one.get("/cache?vdn=1", method="DELETE", key="purger-key").get_json()["purged"] == len(PAGES)
    wait_until(lambda: "hit" not in two.cache_status(PAGES[0]))
    assert shared(one) == shared(two) == {"status": "ok"}


def test_a_plain_url_of_a_node_is_named(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], cluster: RedisCluster
) -> None:
    """Callers get good answers, and operators read what to write instead; it does not flip between two states."""
    url = f"redis://127.0.0.1:{cluster.nodes[0].port}/0"
    gateway = make_gateway(real_time=True, cache__shared_url=url)
    for path in PAGES * 3:
        gateway.cache_status(path)
        assert shared(gateway) == {"status": "failing", "fault": "cluster", "said": INSTEAD_CLUSTER}
    assert simulator.calls.total == len(PAGES)
    assert "campaign_gateway_shared_cache_up 0.0" in gateway.get("/metrics").get_data(as_text=True)
