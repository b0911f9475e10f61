"""The client that openapi-python-client makes works."""

from typing import Any

import pytest

from tests.clients.checks import GREATEST, SEEN
from tests.clients.front import API, Front
from tests.clients.tools import python, run, seen
from tests.support.server import BIN

WITHOUT_FORMATTING = "post_hooks: []\n"


@pytest.fixture(scope="module")
def report(mounted: Front, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the client saw; nothing of the document was left out of it."""
    folder = tmp_path_factory.mktemp("openapi-python-client")
    (folder / "config.yaml").write_text(WITHOUT_FORMATTING)
    document = f"{mounted.url}{API}/openapi.json"
    generate = ("generate", "--url", document, "--meta", "none", "--fail-on-warning")
    settings = ("--config", "config.yaml", "--output-path", "campaigns")
    run([BIN / "openapi-python-client", *generate, *settings], folder)
    return seen(python("openapi_python_client.py"), folder, mounted, PYTHONPATH=str(folder))


@pytest.mark.parametrize("check", [*SEEN, "greatest_id"])
def test_it_sees_all(report: dict[str, Any], check: str) -> None:
    """It sees all but words that are new, which it refuses; there is no setting for that."""
    assert report[check] == {**SEEN, "greatest_id": GREATEST}[check]
