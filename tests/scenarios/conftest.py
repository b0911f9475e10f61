"""A simulator for the whole run, reset for each test, and gateways in front of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.guesses import Guesses
from gateway.simulator.keys import Tenant
from gateway.simulator.listing import Arrangement
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.gateway import GatewayUnderTest
from tests.support.redis_server import RedisServer

ROTATED = Tenant(vdns=(1,), access_key="rotated-access-key", secret_key="rotated-secret-key")
"""A second key pair of VDN 1."""


@pytest.fixture(scope="session")
def _simulator() -> Iterator[SimulatorServer]:
    # Wrong signatures of one test must not lock the address of the next one.
    config = SimulatorConfig(tenants=(*demo_config().tenants, ROTATED), guesses=Guesses(lock_after=0))
    with SimulatorServer(config) as server:
        yield server


@pytest.fixture
def simulator(_simulator: SimulatorServer) -> Iterator[SimulatorServer]:
    """Return a simulator without faults, latency or calls counted, with the right clock and all its keys good."""
    _reset(_simulator)
    yield _simulator
    # What is made for a module comes before the simulator of its first test.
    _reset(_simulator)


def _reset(simulator: SimulatorServer) -> None:
    simulator.faults.clear()
    simulator.calls.reset()
    simulator.listings.arrange(Arrangement())
    simulator.latency_s = 0.0
    simulator.clock_ahead_s = 0.0
    simulator.revoked = frozenset()


@pytest.fixture
def make_gateway(simulator: SimulatorServer) -> Iterator[Callable[..., GatewayUnderTest]]:
    """Return a function that makes a gateway in front of the simulator, with settings of the test's own."""
    with ExitStack() as stack:

        def make(*, real_time: bool = False, **variables: str) -> GatewayUnderTest:
            return stack.enter_context(closing(GatewayUnderTest(simulator.base_url, real_time=real_time, **variables)))

        yield make


@pytest.fixture
def gateway(make_gateway: Callable[..., GatewayUnderTest]) -> GatewayUnderTest:
    """Return a gateway with usual settings in front of the simulator."""
    return make_gateway()


@pytest.fixture
def make_sharing(make_gateway: Callable[..., GatewayUnderTest], redis: RedisServer) -> Callable[..., GatewayUnderTest]:
    """Return a function that makes a gateway, as one more process would be, with the shared cache."""

    def make(**variables: str) -> GatewayUnderTest:
        return make_gateway(real_time=True, cache__shared_url=redis.url.reveal(), **variables)

    return make
