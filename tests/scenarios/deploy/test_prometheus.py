"""A real Prometheus with the configuration in `deploy/prometheus`, which asks a served gateway, good and bad times."""

import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.monitoring import JOB, PROMETHEUS, dashboard_queries
from tests.support.programs import program
from tests.support.server import free_port, served_gateway, wait_until_it_answers
from tests.support.waiting import wait_until

INTERVAL = "500ms"
UNPROVOKED = {
    "CC-iSales' certificate is good for",
    "Calls not made for want of budget",
    "Clients over their limit",
    "Drift, by kind",
    "Tokens that were verified, and readings of their keys",
}
"""Panels with a line for what does not happen here."""


class Server:
    """A Prometheus that answers at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str) -> Any:
        """Return `data` of an answer of its API."""
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10).json()
        assert answer["status"] == "success", f"{parameters}: {answer}"
        return answer["data"]

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return the result of a query, as of now."""
        return list(self.get("query", query=query)["result"])


def configured(folder: Path, target: str) -> Path:
    """Write the configuration, with another gateway to ask and less patience, beside its rules; return where it is."""
    configuration = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text())
    configuration["global"] = {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL}
    configuration["rule_files"] = [str(PROMETHEUS / file) for file in configuration["rule_files"]]
    (job,) = configuration["scrape_configs"]
    job["static_configs"] = [{"targets": [target]}]
    job["scrape_timeout"] = INTERVAL
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(configuration))
    return file


def good_and_bad_times(url: str, simulator: SimulatorServer) -> None:
    """Ask for pages that are there, stale, missing, refused and failing, until calls are stopped."""
    key = {"X-API-Key": "web-key"}
    paths = ["/campaigns", "/campaigns", "/campaigns?x=1", "/nothing", "/campaigns?vdn=2"]
    for path in paths:
        requests.get(f"{url}{path}", headers=key, timeout=10)
    time.sleep(0.05)
    requests.get(f"{url}/campaigns", headers=key, timeout=10)
    simulator.faults.arm(Fault("result-code", times=None, result_code="0299999"))
    for page in range(2, 18):
        requests.get(f"{url}/campaigns?page={page}", headers=key, timeout=10)
    time.sleep(0.15)  # past revalidation
    requests.get(f"{url}/campaigns", headers=key, timeout=10)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a gateway, a CC-iSales and a Prometheus; return the last when it has seen good and bad times."""
    folder = tmp_path_factory.mktemp("prometheus")
    executable = program("prometheus", "prometheus")
    config = SimulatorConfig(tenants=demo_config().tenants)
    # Pages are stale and old at once, and the Redis that is named is not there.
    variables = {
        "GATEWAY__CACHE__FRESH_S": "0.02",
        "GATEWAY__CACHE__STALE_WHILE_REVALIDATE_S": "0.1",
        "GATEWAY__CACHE__SHARED_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    with SimulatorServer(config) as simulator, served_gateway(simulator.base_url, 1, **variables) as served:
        requests.get(f"{served.url}/campaigns", headers={"X-API-Key": "web-key"}, timeout=10)
        server = Server(f"http://127.0.0.1:{free_port()}")
        command = [executable, f"--config.file={configured(folder, served.url.removeprefix('http://'))}"]
        command += [
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={server.url.removeprefix('http://')}",
        ]
        process = subprocess.Popen([*command, "--log.level=warn"], cwd=folder, text=True)
        try:
            wait_until_it_answers(f"{server.url}/-/ready", process)
            wait_until(lambda: server.ask(f'up{{job="{JOB}"}} == 1'))
            good_and_bad_times(served.url, simulator)
            # The first time is an increase: what is counted has begun at 0.
            wait_until(partial(server.ask, "increase(campaign_gateway_upstream_refused_calls_total[30s]) > 0"))
            yield server
        finally:
            process.terminate()
            process.wait(20)


def test_rules_are_evaluated_without_a_fault(prometheus: Server) -> None:
    """None of them fails, and the recorded series are there."""
    groups = prometheus.get("rules")["groups"]
    found = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in found} <= {"ok", "unknown"}
    wait_until(lambda: prometheus.ask("campaign_gateway:request_errors:ratio_rate5m > 0"))
    wait_until(lambda: prometheus.ask("campaign_gateway:old_answers:ratio_rate5m > 0"))


def test_alerts_see_what_happened(prometheus: Server) -> None:
    """The circuit that opened is pending; nothing is said of keys, clocks, bugs, or a certificate that is not there."""
    silent = {
        "CampaignGatewayDown",
        "CampaignGatewayCredentialsRefused",
        "CampaignGatewayClocksDiffer",
        "CampaignGatewayInternalErrors",
        "CampaignGatewayCertificateExpires",
    }

    def as_it_should_be() -> bool:
        seen = {alert["labels"]["alertname"] for alert in prometheus.get("alerts")["alerts"]}
        return "CampaignGatewayCircuitOpen" in seen and not seen & silent

    # On a busy machine the gateway may have missed one of Prometheus' questions, which come twice a second.
    wait_until(as_it_should_be)


def test_every_query_of_the_dashboard_finds_something(prometheus: Server) -> None:
    """Names and labels are those that the gateway has; what was not provoked may be empty."""
    wait_until(lambda: prometheus.ask("campaign_gateway:old_answers:ratio_rate5m > 0"))
    empty = {title for title, query in dashboard_queries("10s") if not prometheus.ask(query)}
    assert empty <= UNPROVOKED
