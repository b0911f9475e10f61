"""The running gateway against its own OpenAPI document, and the document against the specification."""

import subprocess
from collections.abc import Iterator

import pytest
import requests

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.gateway import PROJECT
from tests.support.server import BIN, ServedGateway, environment, served_gateway


@pytest.fixture(scope="module")
def served() -> Iterator[ServedGateway]:
    """Return a served gateway in front of a simulator."""
    with (
        SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as simulator,
        served_gateway(simulator.base_url) as gateway,
    ):
        yield gateway


def test_the_running_gateway_keeps_its_document(served: ServedGateway) -> None:
    """Schemathesis finds no request, valid or not, whose answer the document does not announce."""
    result = subprocess.run(
        [
            str(BIN / "schemathesis"),
            "run",
            f"{served.url}/openapi.json",
            "--checks=all",
            "--mode=all",
            "--phases=examples,coverage,fuzzing",
            "--max-examples=60",
            "--seed=1",
            "--no-color",
            "--header=X-API-Key: operator-key",
        ],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        cwd=PROJECT,
        env=environment(SCHEMATHESIS_HOOKS="tests.contract.schemathesis_hooks", PYTHONPATH="."),
    )
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert "No issues found" in result.stdout, result.stdout[-2000:]


def test_every_route_is_in_the_document(served: ServedGateway) -> None:
    """What the gateway answers is documented, and what is documented answers."""
    paths = requests.get(f"{served.url}/openapi.json", timeout=5).json()["paths"]
    assert {"/campaigns", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/problems"} <= set(paths)
    for path, operations in paths.items():
        for method in operations:
            url = served.url + path.replace("{name}", "forbidden")
            answer = requests.request(method, url, headers={"X-API-Key": "operator-key"}, timeout=5)
            assert answer.status_code == 200, (method, path)
