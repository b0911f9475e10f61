"""Gateways behind a prefix for all generated clients of a run, and the npm packages that some are made with."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.examples import Watched, watched_gateway
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
def watched() -> Iterator[Watched]:
    """Return a gateway whose campaigns come and go, for the examples."""
    with watched_gateway() as watched:
        yield watched


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for what is made once for all processes of a run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def packages(kept: Path) -> Path:
    """Return a folder with the npm packages."""
    return npm_packages(kept / "packages")
