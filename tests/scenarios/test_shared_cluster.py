"""Gateways that share a cluster, as callers and operators see it, in good times and in bad ones."""

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
    with redis_cluster(engine(VALKEY_9), ("--cluster-require-full-coverage", "no")) as cluster:
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


def test_a_page_is_fetched_once_for_all(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], cluster: RedisCluster
) -> None:
    """Two gateways make one call a page, share the budget, and a purge of one ends the freshness of both."""
    one, two = (make_gateway(real_time=True, cache__shared_url=cluster.url.reveal()) for _ in range(2))
    for path in PAGES:
        assert "fwd=miss" in one.cache_status(path)
        assert "hit" in two.cache_status(path)
    assert simulator.calls.total == len(PAGES)
    assert one.get("/cache?vdn=1", method="DELETE", key="purger-key").get_json()["purged"] == len(PAGES)
    wait_until(lambda: "hit" not in two.cache_status(PAGES[0]))
    assert shared(one) == shared(two) == {"status": "ok"}


def test_a_lost_node_is_never_an_error(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], cluster: RedisCluster
) -> None:
    """Callers get good answers all the time, and soon all is shared again."""
    one, two = (
        make_gateway(real_time=True, cache__shared_url=cluster.url.reveal(), cache__fresh_s="0") for _ in range(2)
    )
    lost = cluster.master_of("a")
    for path in PAGES:
        one.cache_status(path)
    lost.kill()
    try:
        for gateway in (one, two):
            for path in PAGES:
                gateway.cache_status(path)
        wait_until(
            lambda: [gateway.cache_status(path) for gateway in (one, two) for path in PAGES] and well(one, two), 20
        )
    finally:
        lost.start()


def well(*gateways: GatewayUnderTest) -> bool:
    """Tell whether all say that the shared cache is well."""
    return all(shared(gateway)["status"] == "ok" for gateway in gateways)


def test_a_full_node_takes_no_pages_and_the_others_do(
    simulator: SimulatorServer, make_gateway: Callable[..., GatewayUnderTest], cluster: RedisCluster
) -> None:
    """What is on it is still read, callers notice nothing, and operators are told."""
    one, two = (make_gateway(real_time=True, cache__shared_url=cluster.url.reveal()) for _ in range(2))
    masters = {cluster.master_of(str(number)) for number in range(50)}
    full = cluster.master_of("a")
    full.fill()
    try:
        for path in PAGES * 2:
            one.cache_status(path)
        sharing = ["hit" in two.cache_status(path) for path in PAGES]
        assert len(masters) == 3
        assert any(sharing)
        # The eight pages are spread over three nodes by their hashes, which change with the simulator's port.
        if not all(sharing):
            wait_until(
                lambda: [one.cache_status(f"/campaigns?name={n}") for n in range(20)] and shared(one).get("fault")
            )
            assert shared(one)["fault"] == "full"
    finally:
        full.make_room()


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
