"""Each proxy with its file of `deploy/fronts`, in front of a served gateway and of a stand-in that records."""

from collections.abc import Iterator

import pytest

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.scenarios.upstream.raw_server import RawServer, http, says
from tests.support.fronts import NAMES, Front, front
from tests.support.server import ServedGateway, served_gateway

FRESH_PAGE = http(
    "200 OK",
    b"{}",
    "Content-Type: application/json",
    'ETag: "0123456789abcdef0123456789abcdef"',
    "Cache-Control: private, max-age=14, stale-if-error=3600",
    "Cache-Status: campaign-gateway; fwd=miss; stored; ttl=14; age=0",
    "Vary: Accept, Accept-Encoding, Authorization, X-API-Key, Prefer",
)
"""An answer that a cache which looks at its lifetime alone would keep."""


@pytest.fixture(scope="session")
def gateway() -> Iterator[ServedGateway]:
    """Return a gateway that knows of one proxy. Pages are fresh for as long as the tests run."""
    with (
        SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as simulator,
        served_gateway(
            simulator.base_url, 1, GATEWAY__CACHE__FRESH_S="3600", GATEWAY__HTTP__TRUSTED_PROXIES="1"
        ) as served,
    ):
        yield served


@pytest.fixture(scope="session", params=NAMES)
def proxy(
    request: pytest.FixtureRequest, gateway: ServedGateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """Return one proxy after the other, in front of the gateway."""
    with front(request.param, tmp_path_factory.mktemp(request.param), gateway.url) as running:
        yield running


@pytest.fixture(scope="session")
def stand_in() -> Iterator[RawServer]:
    """Return what proxies take for the gateway: it answers with a fresh page and keeps what it was sent."""
    with RawServer() as server:
        server.usually = says(FRESH_PAGE)
        yield server


@pytest.fixture(scope="session", params=NAMES)
def recorded(
    request: pytest.FixtureRequest, stand_in: RawServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """Return one proxy after the other, in front of the stand-in."""
    with front(request.param, tmp_path_factory.mktemp(request.param), stand_in.url) as running:
        yield running
