"""The client that openapi-python-client makes works, as does the example of it."""

from typing import Any

import pytest

from tests.clients.checks import GREATEST, SEEN
from tests.clients.examples import Client, Watched, made, watch
from tests.clients.front import Front
from tests.clients.tools import python, seen

CLIENTS = ("openapi-python-client",)


@pytest.fixture(scope="module")
def client(mounted: Front, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Return the client; nothing of the document was left out of it."""
    return made(*CLIENTS, tmp_path_factory.mktemp("openapi-python-client"), mounted)


@pytest.fixture(scope="module")
def report(client: Client, mounted: Front) -> dict[str, Any]:
    """Return what the client saw."""
    return seen(python("openapi_python_client.py"), client.folder, mounted, PYTHONPATH=str(client.folder))


@pytest.mark.parametrize("check", [*SEEN, "greatest_id"])
def test_it_sees_all(report: dict[str, Any], check: str) -> None:
    """It sees all but words that are new, which it refuses; there is no setting for that."""
    assert report[check] == {**SEEN, "greatest_id": GREATEST}[check]


def test_the_example(client: Client, mounted: Front, watched: Watched) -> None:
    """The example lists campaigns, follows changes and heeds refusals as the README of `deploy/clients` says."""
    watch(client, mounted, watched)
