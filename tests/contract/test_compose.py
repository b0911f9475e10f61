"""The Compose file, as Docker Compose reads it, and what each of its services must and must not have."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.compose import DEPLOY, composed, with_cluster, with_simulator
from tests.support.containerfile import Containerfile
from tests.support.image import SPOOL

SERVICES = ("gateway", "redis", "nginx", "simulator")
NODES = ("redis-1", "redis-2", "redis-3")
CLUSTER = (*NODES, "redis-cluster")


def service(name: str) -> dict[str, Any]:
    """Return one service of the whole file."""
    return dict((with_cluster() if name in CLUSTER else with_simulator())["services"][name])


def test_the_simulator_is_there_when_asked_for_only() -> None:
    """The usual three, and a fourth with the profile; only then is plain HTTP allowed."""
    assert set(composed()["services"]) == {"gateway", "redis", "nginx"}
    assert set(with_simulator()["services"]) == set(SERVICES)
    usual, simulated = composed()["services"]["gateway"]["environment"], service("gateway")["environment"]
    assert usual["GATEWAY_ENV"] == "production"
    assert usual.get("GATEWAY__ISALES__BASE_URL") is None
    assert simulated["GATEWAY_ENV"] == "development"
    assert simulated["GATEWAY__ISALES__BASE_URL"] == "http://simulator:8090"


@pytest.mark.parametrize("name", SERVICES + CLUSTER)
def test_services_have_no_rights_and_are_bounded(name: str) -> None:
    """Nothing writable but what is named, no capability, no new rights, bounded memory and processes, not root."""
    found = service(name)
    assert (found["read_only"], found["cap_drop"]) == (True, ["ALL"])
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert int(found["mem_limit"]) > 0
    assert found["pids_limit"] > 0
    assert not {"privileged", "cap_add", "network_mode", "pid"} & found.keys()
    assert found["restart"] == "unless-stopped"
    if found["image"].startswith("campaign-gateway:"):
        assert "user" not in found, "the image's own"
    else:
        assert not found["user"].startswith("0")


@pytest.mark.parametrize("name", SERVICES + CLUSTER)
def test_images_have_a_version(name: str) -> None:
    """A tag that moves would make tomorrow's start another one than today's."""
    tag = service(name)["image"].rpartition(":")[2]
    assert tag.count(".") == 2
    assert tag[0].isdigit()


def test_services_wait_for_those_they_need() -> None:
    """Until they are healthy; each has a check for that, the gateway the image's."""
    waits = {name: service(name).get("depends_on", {}) for name in SERVICES}
    for needed in ("redis", "gateway"):
        (found,) = [waited[needed] for waited in waits.values() if needed in waited]
        assert found["condition"] == "service_healthy"
    assert all("healthcheck" in service(name) for name in SERVICES if name != "gateway")
    assert Containerfile().healthcheck


def test_only_nginx_can_be_reached() -> None:
    """It alone publishes a port, and Redis has no way out."""
    assert [name for name in SERVICES if service(name).get("ports")] == ["nginx"]
    assert set(service("redis")["networks"]) == {"store"}
    assert composed()["networks"]["store"]["internal"] is True


def test_secrets_are_files_outside_the_project() -> None:
    """Each is a file that the operator makes, in a folder that git ignores; none is a variable."""
    model = composed()
    assert all(set(secret) == {"name", "file"} for secret in model["secrets"].values())
    folders = {Path(secret["file"]).parent for secret in model["secrets"].values()}
    assert folders == {DEPLOY / "compose" / "secrets"}
    assert "deploy/compose/secrets/" in (DEPLOY.parent / ".gitignore").read_text().splitlines()
    assert not [
        name for found in model["services"].values() for name in found.get("environment") or {} if "KEY" in name
    ]


def test_redis_keeps_nothing_and_has_a_bound() -> None:
    """No file, and the least used pages go when it is full; its container leaves it room for that."""
    command = service("redis")["command"]
    said = dict(zip(command[2::2], command[3::2], strict=True))
    assert said == {
        "--save": "",
        "--appendonly": "no",
        "--maxmemory": "256mb",
        "--maxmemory-policy": "allkeys-lru",
    }
    assert int(service("redis")["mem_limit"]) >= 1.5 * 256 * 1024**2


def test_exports_have_room_that_only_the_gateway_can_use() -> None:
    """What its settings name is memory of a size of its own, for its user alone, beside all else."""
    settings = tomllib.loads((DEPLOY / "compose/gateway.toml").read_text())
    assert settings["export"]["spool_folder"] == SPOOL
    mounts = dict(mount.split(":") for mount in service("gateway")["tmpfs"])
    user, _, group = Containerfile().last("USER").partition(":")
    assert set(mounts[SPOOL].split(",")) == {"mode=0700", f"uid={user}", f"gid={group}", "size=256m"}
    assert int(service("gateway")["mem_limit"]) >= 4 * 256 * 1024**2


def test_a_cluster_is_there_when_asked_for_only() -> None:
    """Three nodes like the single one, each told of by its own name, and what makes a cluster of exactly these."""
    services = with_cluster()["services"]
    assert services.keys() - composed()["services"].keys() == set(CLUSTER)
    single = service("redis")
    for name in NODES:
        found = services[name]
        assert found["command"][: len(single["command"])] == single["command"]
        assert found["command"][found["command"].index("--cluster-announce-hostname") + 1] == name
        same = ("image", "user", "secrets", "networks", "mem_limit", "healthcheck")
        assert {key: found[key] for key in same} == {key: single[key] for key in same}
        assert "ports" not in found
    forming = services["redis-cluster"]
    assert forming["environment"]["NODES"].split() == [f"{name}:6379" for name in NODES]
    assert {name: waited["condition"] for name, waited in forming["depends_on"].items()} == dict.fromkeys(
        NODES, "service_healthy"
    )
    waited = services["gateway"]["depends_on"]["redis-cluster"]
    assert (waited["condition"], waited["required"]) == ("service_healthy", False)
