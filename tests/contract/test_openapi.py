"""The running gateway against its own OpenAPI document, and the document against the specification."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.gateway import PROJECT, GatewayUnderTest
from tests.support.nginx import deployed_nginx
from tests.support.server import BIN, ServedGateway, environment, served_gateway


@pytest.fixture(scope="module")
def served() -> Iterator[ServedGateway]:
    """Return a served gateway in front of a simulator."""
    with (
        SimulatorServer(SimulatorConfig(tenants=demo_config().tenants)) as simulator,
        # A wait as long as it may be would look like an answer that does not come.
        served_gateway(simulator.base_url, GATEWAY__HTTP__LONGEST_WAIT_S="2") as gateway,
    ):
        yield gateway


def keeps_its_document(url: str, phases: str, *options: str) -> None:
    """Fail if schemathesis finds, with credentials, a request whose answer the document does not announce."""
    result = subprocess.run(
        [
            str(BIN / "schemathesis"),
            "run",
            f"{url}/openapi.json",
            "--checks=all",
            "--mode=all",
            f"--phases={phases}",
            "--seed=1",
            "--no-color",
            "--header=X-API-Key: operator-key",
            *options,
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


def test_the_running_gateway_keeps_its_document(served: ServedGateway) -> None:
    """Schemathesis finds no request, valid or not, whose answer the document does not announce."""
    keeps_its_document(served.url, "examples,coverage,fuzzing", "--max-examples=10")


def test_it_does_so_through_nginx(served: ServedGateway, tmp_path: Path) -> None:
    """With what nginx answers by itself and from its cache, over TLS, to requests at the bounds of what is allowed."""
    with deployed_nginx(tmp_path, served.url) as nginx:
        keeps_its_document(nginx.url, "examples,coverage", f"--tls-verify={nginx.authority}")


# HEAD and OPTIONS work everywhere; the introduction of the document says so.
EVERYWHERE = {"HEAD", "OPTIONS"}
# What pages for people are made of, and nothing that a program would call.
NOT_FOR_CALLERS = {
    ("GET", "/docs/static/{filename}"),
    ("GET", "/console/{folder}/{name}"),
    # As people type them.
    *(("GET", path) for path in ("/docs/", "/console/", "/problems/", "/problems/{name}/")),
}


def test_the_document_has_the_routes_of_the_app_and_no_others() -> None:
    """Every rule of the app is an operation of the document, and every operation is a rule."""
    app = GatewayUnderTest("http://127.0.0.1:9").app
    document = app.test_client().get("/openapi.json").get_json()
    routes = {
        (method, re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - EVERYWHERE
    }
    operations = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert routes - NOT_FOR_CALLERS == operations
    assert routes >= NOT_FOR_CALLERS


def test_what_is_documented_answers(served: ServedGateway) -> None:
    """Every operation answers 200 to a caller that may do everything, HEAD where GET is, and OPTIONS with 204."""
    paths = requests.get(f"{served.url}/openapi.json", timeout=5).json()["paths"]
    for path, operations in paths.items():
        allow = requests.options(served.url + path.replace("{name}", "forbidden"), timeout=5)
        assert (allow.status_code, allow.content) == (204, b"")
        implied = {"head"} if "get" in operations else set()
        assert {method.lower() for method in allow.headers["Allow"].split(", ")} == {*operations, *implied, "options"}
        for method in {*operations, *implied}:
            url = served.url + path.replace("{name}", "forbidden")
            answer = requests.request(method, url, headers={"X-API-Key": "operator-key"}, timeout=5)
            assert answer.status_code == 200, (method, path)
