"""A simulator for the whole run, reset for each test, and gateways in front of it."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing

import pytest
from coverage import Coverage

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.guesses import Guesses
from gateway.simulator.keys import Tenant
from gateway.simulator.listing import Arrangement
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.gateway import GatewayUnderTest
from tests.support.redis_server import RedisServer

ROTATED = Tenant(vdns=(1,), access_key="rotated-access-key", secret_key="rotated-secret-key")
"""A second key pair of VDN 1."""

MEASURED = (
    *("test_caching", "test_export", "test_operations", "test_summary", "test_traces", "test_waiting", "test_watch"),
    *("test_certificates", "test_doctor", "test_doctor_tls", "test_tls"),
)
"""Modules of scenarios whose coverage counts, for they reach what no unit test does."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage where that adds nothing: to follow each line takes longer than all that the lines do."""
    coverage = None if item.path.stem in MEASURED else Coverage.current()
    if coverage is None:
        return (yield)
    coverage.stop()
    try:
        return (yield)
    finally:
        coverage.start()


@pytest.fixture(scope="session")
def _simulator() -> Iterator[SimulatorServer]:
    # Wrong signatures of one test must not lock the address of the next one.
    config = SimulatorConfig(tenants=(*demo_config().tenants, ROTATED), guesses=Guesses(lock_after=0))
    with SimulatorServer(config) as server:
        yield server


@pytest.fixture
def simulator(_simulator: SimulatorServer) -> Iterator[SimulatorServer]:
    """Return a simulator without faults, latency or calls counted, with the right clock and all its keys good."""
    _simulator.faults.clear()
    _simulator.calls.reset()
    _simulator.listings.arrange(Arrangement())
    _simulator.latency_s = 0.0
    _simulator.clock_ahead_s = 0.0
    _simulator.revoked = frozenset()
    yield _simulator
    _simulator.faults.clear()


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
