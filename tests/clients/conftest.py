"""A gateway behind a prefix for all generated clients of a run, and the npm packages that some are made with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.front import Front, front
from tests.clients.tools import npm_packages
from tests.clients.upstream import upstream
from tests.support.server import served_gateway


@pytest.fixture(scope="session")
def mounted() -> Iterator[Front]:
    """Return what stands in front of a gateway, whose CC-iSales has rows that break clients."""
    with upstream() as isales, served_gateway(isales) as gateway, front(gateway.url) as mounted:
        yield mounted


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the npm packages."""
    return npm_packages(tmp_path_factory.mktemp("packages"))
