"""The examples of settings that come with the deployments, read as they are there, with secrets in their places."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.compose import composed
from tests.support.deployment import REDIS_PASSWORD, SECRETS, certificates
from tests.support.gateway import PROJECT
from tests.support.image import Image
from tests.support.manifests import BASE, MANAGED, SENTINEL, manifest, pod

SETTINGS = "/etc/campaign-gateway/gateway.toml"
Given = tuple[str, dict[str, str], dict[str, str]]
"""Settings, files of secrets by path, variables."""


def under_compose() -> Given:
    """Return what Docker Compose gives to the gateway."""
    model = composed()
    service: dict[str, Any] = model["services"]["gateway"]
    assert [(given["source"], given["target"]) for given in service["configs"]] == [("settings", SETTINGS)]
    files = {f"/run/secrets/{given['source']}": SECRETS[given["source"]] for given in service["secrets"]}
    settings = (PROJECT / "deploy/compose/gateway.toml").read_text()
    variables = {name: value for name, value in service["environment"].items() if value is not None}
    return settings, files, variables


def on_kubernetes(folder: Path = BASE) -> Given:
    """Return what Kubernetes gives to the pod, with the settings of this folder."""
    (container,) = pod("campaign-gateway")["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["settings"] == SETTINGS.rpartition("/")[0]
    settings: str = manifest("ConfigMap", "campaign-gateway-settings", folder)["data"]["gateway.toml"]
    files = {f"{mounts['secrets']}/{name}": text for name, text in SECRETS.items()}
    return settings, files, {variable["name"]: variable["value"] for variable in container["env"]}


def with_sentinels() -> Given:
    """Return what the overlay for Sentinels gives to it."""
    settings, files, variables = on_kubernetes(SENTINEL)
    own = {
        "redis-url": f"redis+sentinel://gateway:{REDIS_PASSWORD}@sentinel-0.sentinel.redis:26379/mymaster/0",
        "sentinel-password": REDIS_PASSWORD,
    }
    return settings, files | {f"/run/secrets/campaign-gateway/{name}": text for name, text in own.items()}, variables


def with_a_managed_cluster() -> Given:
    """Return what the overlay for a managed cluster gives to it."""
    settings, files, variables = on_kubernetes(MANAGED)
    own = {
        "redis-url": f"rediss+cluster://gateway:{REDIS_PASSWORD}@redis.example.com:6379",
        "redis-ca.pem": certificates().authority,
    }
    return settings, files | {f"/run/secrets/campaign-gateway/{name}": text for name, text in own.items()}, variables


def under_systemd() -> Given:
    """Return what systemd gives to the service; tests/scenarios/deploy/test_systemd.py really starts it."""
    folder = "/run/credentials/campaign-gateway.service"
    files = {f"{folder}/secrets_{name}": text for name, text in SECRETS.items()}
    settings = (PROJECT / "deploy/systemd/gateway.toml").read_text()
    return settings, files, {"GATEWAY_CONFIG": SETTINGS, "CREDENTIALS_DIRECTORY": folder}


GIVEN = pytest.mark.parametrize(
    "given",
    [under_compose, on_kubernetes, with_sentinels, with_a_managed_cluster, under_systemd],
    ids=lambda given: given.__name__,
)


@GIVEN
def test_the_examples_are_good_and_complete(image: Image, given: Callable[[], Given]) -> None:
    """Production takes them as they are, without a warning, and finds every secret where they say it is."""
    settings, files, variables = given()
    container = image.container({SETTINGS: settings, **files}, **variables)
    result = container.run(".venv/bin/flask", "config", "check")
    assert (result.returncode, result.stderr) == (0, "")
    assert "'production' are good" in result.stdout
    assert "Warning" not in result.stdout


@GIVEN
def test_the_examples_read_secrets_from_files_only(given: Callable[[], Given]) -> None:
    """None stands in the settings themselves."""
    settings, files, _ = given()
    read = [line for line in settings.splitlines() if "_file = " in line]
    assert len(read) >= 3
    assert all(any(path in line for path in files) for line in read)
    assert not [
        line for line in settings.splitlines() if line.startswith(("access_key =", "secret_key =", "key_sha256 ="))
    ]
