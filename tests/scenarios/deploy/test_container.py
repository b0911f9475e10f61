"""The image: its steps, and what it runs, as its user and with nothing that can be written to."""

import signal
import ssl
from collections.abc import Iterator

import pytest
import requests

from gateway.simulator.server import SimulatorServer, demo_config
from tests.support.deployment import API_KEY, SECRETS, certificates, pointed_at, without_shared_cache
from tests.support.gateway import PROJECT
from tests.support.image import Container, Image
from tests.support.server import free_port, wait_until_it_answers
from tests.support.waiting import wait_until

SETTINGS = "/etc/campaign-gateway/gateway.toml"
AUTHORITY = "/etc/campaign-gateway/ca.pem"
TENANT = '[{vdn = 1, access_key = "a", secret_key = "s"}]'
COMPOSE_SETTINGS = PROJECT / "deploy" / "compose" / "gateway.toml"


@pytest.fixture(scope="module")
def isales(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Run a CC-iSales behind TLS; return where it is and, in PEM, the authority to trust."""
    made = certificates()
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_text(made.server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with SimulatorServer(demo_config(), tls=context) as simulator:
        yield f"https://127.0.0.1:{simulator.port}", made.authority


@pytest.fixture
def port() -> int:
    """Return where the container is to listen: it shares the network of this machine."""
    return free_port()


@pytest.fixture
def container(image: Image, isales: tuple[str, str], port: int) -> Container:
    """Return a container with production settings like those of the Compose file."""
    base_url, authority = isales
    settings = without_shared_cache(pointed_at(COMPOSE_SETTINGS.read_text(), base_url, AUTHORITY))
    secrets = {f"/run/secrets/{name}": text for name, text in SECRETS.items()}
    variables = {"GATEWAY_CONFIG": SETTINGS, "GRANIAN_HOST": "127.0.0.1", "GRANIAN_PORT": str(port)}
    return image.container({SETTINGS: settings, AUTHORITY: authority, **secrets}, **variables)


def test_the_image_serves_campaigns_and_ends_on_sigterm(container: Container, port: int) -> None:
    """Its command answers as a user without rights, its health check is good, and SIGTERM ends it in good order."""
    healthcheck = container.image.file.healthcheck
    assert container.run(*healthcheck).returncode == 1
    with container.started(container.image.file.command) as process:
        wait_until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
        assert container.execute(process, *healthcheck).returncode == 0
        answer = requests.get(f"http://127.0.0.1:{port}/campaigns", headers={"X-API-Key": API_KEY}, timeout=10)
        assert (answer.status_code, answer.json()["page"]["total_items"]) == (200, 250)
        container.signal(process, signal.SIGTERM)
        process.wait(30)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("network", "addresses"),
    [
        ("", ("127.0.0.1", "::1")),
        ("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6", ("127.0.0.1",)),
        ("echo 1 > /proc/sys/net/ipv6/bindv6only", ("::1",)),
        (
            "ip -6 addr add 2001:db8::7/128 dev lo nodad",
            ("2001:db8::7",),
        ),
    ],
    ids=["both", "IPv4 only", "IPv6 sockets for IPv6 only", "a pod of IPv6"],
)
def test_the_image_listens_on_all_addresses(image: Image, network: str, addresses: tuple[str, ...]) -> None:
    """Whatever a machine has of IPv4 and IPv6, it answers there, and its health check finds that."""
    made = image.container(
        GATEWAY_ENV="development",
        GATEWAY__ISALES__BASE_URL="http://127.0.0.1:9",
        GATEWAY_CONFIG="",
        GATEWAY__TENANTS=TENANT,
    )
    with made.started(image.file.command, network=f"ip link set lo up; {network or ':'}") as process:
        wait_until(lambda: made.execute(process, *image.file.healthcheck).returncode == 0, 60)
        for address in addresses:
            ask = f"c = http.client.HTTPConnection({address!r}, 8080, timeout=5); c.request('GET', '/healthz')"
            program = f"import http.client; {ask}; print(c.getresponse().status)"
            said = made.execute(process, ".venv/bin/python", "-c", program)
            assert said.stdout == "200\n", said.stderr


def test_the_image_takes_new_settings(container: Container, port: int) -> None:
    """`flask config reload`, run in it as its user, finds the worker and has it read them."""
    with container.started(container.image.file.command) as process:
        wait_until_it_answers(f"http://127.0.0.1:{port}/healthz", process)
        result = container.execute(process, ".venv/bin/flask", "config", "reload")
        assert (result.returncode, result.stderr) == (0, "")
        assert "1 worker serves by the new settings" in result.stdout


def test_the_image_is_run_by_a_user_without_rights_and_writes_nothing(container: Container) -> None:
    """In there nothing is writable but /tmp, nothing but its own secrets can be read, and no right is left."""
    script = (
        "import os, sys; "
        "print(os.getuid(), os.getgid(), os.access('.', os.W_OK), os.access('/etc', os.W_OK)); "
        "said = dict(line.split(':') for line in open('/proc/self/status')); "
        "print([said[name].strip() for name in ('CapEff', 'CapBnd', 'NoNewPrivs')])"
    )
    said = container.run(".venv/bin/python", "-c", script).stdout.splitlines()
    assert said == ["10001 10001 False False", "['0000000000000000', '0000000000000000', '1']"]


def test_the_image_holds_no_installer_and_nothing_of_the_tests(image: Image) -> None:
    """What installs software is not in its environment, and nothing but the gateway came along."""
    packages = {path.name for path in (image.root / ".venv").glob("lib/python*/site-packages/*")}
    assert "flask" in packages
    assert not {"pip", "setuptools", "pytest"} & packages
    assert {path.name for path in image.root.iterdir()} - {"__pycache__"} == {
        *(".venv", ".flaskenv", "app.py", "config", "deploy", "gateway", "requirements.txt"),
    }


def test_settings_that_are_missing_are_said_by_the_image(image: Image) -> None:
    """Without settings it ends at once, by itself, and names what is missing."""
    result = image.container(GRANIAN_HOST="127.0.0.1", GRANIAN_PORT=str(free_port())).run(*image.file.command)
    assert result.returncode != 0
    assert "isales.base_url: is not set" in result.stderr


def test_the_image_makes_keys_before_there_are_settings(image: Image) -> None:
    """So the first client can have one."""
    result = image.container().run(".venv/bin/flask", "keys", "new", "--name", "web", "--vdn", "1")
    assert (result.returncode, "key_sha256 = " in result.stdout) == (0, True)
