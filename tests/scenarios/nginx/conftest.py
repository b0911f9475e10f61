"""nginx with the files of `deploy/nginx`, in front of a served gateway, and in front of a stand-in that records."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.scenarios.upstream.raw_server import RawServer, http, says
from tests.support.nginx import DeployedNginx, deployed_nginx
from tests.support.server import served_gateway

LOGGED_AT_ONCE = {
    "worker_processes auto;": "worker_processes 1;",
    "access_log /var/log/nginx/access.log json buffer=64k flush=1s;": "access_log /var/log/nginx/access.log json;",
}
"""A log that tests need not wait for."""

VARY = "Vary: Accept, Accept-Encoding, Authorization, X-API-Key, Prefer"
FRESH = "Cache-Status: campaign-gateway; hit; ttl=14; age=1"
GOOD_FOR = "Cache-Control: private, max-age=14, stale-if-error=3600"
AS_OF = "Campaigns-As-Of: Fri, 27 Nov 2026 08:49:37 GMT"


def page(
    body: bytes = b"{}",
    *,
    status: str = "200 OK",
    cache_status: str = FRESH,
    good_for: str = GOOD_FOR,
    vary: str = VARY,
) -> bytes:
    """Return what the gateway answers with a fresh page that it had, unless told otherwise."""
    return http(status, body, "Content-Type: application/json", 'ETag: "tag"', good_for, AS_OF, cache_status, vary)


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedNginx]:
    """Return nginx in front of a gateway in front of a simulator. Pages are fresh for as long as the tests run."""
    with (
        SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as simulator,
        served_gateway(simulator.base_url, GATEWAY__CACHE__FRESH_S="3600") as gateway,
        deployed_nginx(tmp_path_factory.mktemp("nginx"), gateway.url, LOGGED_AT_ONCE) as nginx,
    ):
        yield nginx


@pytest.fixture
def stand_in() -> Iterator[RawServer]:
    """Return what nginx takes for the gateway: it answers with a fresh page and keeps what it was sent."""
    with RawServer() as server:
        server.usually = says(page())
        yield server


@pytest.fixture
def in_front_of(tmp_path: Path) -> Iterator[Callable[..., DeployedNginx]]:
    """Return a function that runs nginx in front of a URL, with changes to its files."""
    with ExitStack() as stack:

        def run(url: str, changes: dict[str, str] | None = None) -> DeployedNginx:
            return stack.enter_context(deployed_nginx(tmp_path, url, {**LOGGED_AT_ONCE, **(changes or {})}))

        yield run


@pytest.fixture
def recording(stand_in: RawServer, in_front_of: Callable[..., DeployedNginx]) -> DeployedNginx:
    """Return nginx in front of the stand-in."""
    return in_front_of(stand_in.url)
