"""The Kubernetes manifests against Kubernetes' own schemas, and against what a pod of ours must and must not have."""

import re
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from gateway.settings.shared_url import read_shared_url
from tests.support.containerfile import Containerfile
from tests.support.image import SPOOL
from tests.support.manifests import (
    BASE,
    EXAMPLE,
    FOLDERS,
    MANAGED,
    OVERLAYS,
    SENTINEL,
    Manifest,
    manifest,
    manifests,
    pod,
)

DEPLOYMENTS = ("campaign-gateway", "campaign-gateway-redis")


def container(name: str) -> Manifest:
    """Return the only container of a Deployment's pod."""
    (found,) = pod(name)["spec"]["containers"]
    return dict(found)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("version", ["1.30", "1.34", kubernetes_validate.latest_version()])
def test_the_manifests_are_what_kubernetes_takes(version: str, folder: Path) -> None:
    """Each has the fields of its kind and no others, from the oldest version we speak of to the newest known."""
    assert len(manifests(folder)) >= 9
    # What an overlay leaves as it is in the base is looked at there: each look reads schemas of a megabyte.
    for found in manifests(folder):
        if folder == BASE or found not in manifests():
            kubernetes_validate.validate(found, version, strict=True)


def test_a_field_that_does_not_exist_is_found() -> None:
    """The check before is none that lets everything through."""
    broken = {**manifest("Service", "campaign-gateway-redis"), "sepc": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_every_file_is_applied() -> None:
    """A manifest that kustomization.yaml does not name would be forgotten."""
    assert {folder.name for folder in FOLDERS} == {"base", *(folder.name for folder in OVERLAYS.iterdir())}
    for folder in FOLDERS:
        named = (folder / "kustomization.yaml").read_text()
        assert all(file.name in named for file in folder.iterdir() if file.name != "kustomization.yaml")


def test_an_overlay_changes_what_a_site_has_to_change() -> None:
    """The image, the settings and the address of CC-iSales are the site's; nothing else differs from the base."""
    changed = [
        (before, after) for before, after in zip(manifests(), manifests(EXAMPLE), strict=True) if before != after
    ]
    assert [after["kind"] for _, after in changed] == ["ConfigMap", "Deployment", "NetworkPolicy"]
    (_, settings), (_, deployment), (_, policy) = changed
    (gateway,) = deployment["spec"]["template"]["spec"]["containers"]
    assert gateway["image"] == "registry.example.com/campaign-gateway:0.1.0"
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert settings["metadata"]["name"] in [volume.get("configMap", {}).get("name") for volume in volumes]
    assert policy["spec"]["egress"][2]["to"] == [{"ipBlock": {"cidr": "198.51.100.9/32"}}]


def _of(manifest: Manifest) -> tuple[str, str]:
    # Settings have their hash behind their name.
    return manifest["kind"], re.sub(r"-[a-z0-9]{10}$", "", manifest["metadata"]["name"])


@pytest.mark.parametrize(
    ("folder", "way", "scheme", "files"),
    [
        (
            SENTINEL,
            {
                "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "redis"}}}],
                "ports": [{"port": 6379, "protocol": "TCP"}, {"port": 26379, "protocol": "TCP"}],
            },
            "redis+sentinel",
            {"shared_url_file": "redis-url", "sentinel_password_file": "sentinel-password"},
        ),
        (
            MANAGED,
            {"to": [{"ipBlock": {"cidr": "198.51.100.128/26"}}], "ports": [{"port": 6379, "protocol": "TCP"}]},
            "rediss+cluster",
            {"shared_url_file": "redis-url", "shared_ca_file": "redis-ca.pem"},
        ),
    ],
    ids=["Sentinels", "a managed cluster"],
)
def test_another_redis_takes_the_place_of_ours(
    folder: Path, way: dict[str, Any], scheme: str, files: dict[str, str]
) -> None:
    """Nothing is left of the base's but the gateway, which has a way to the other one, and all else as the example."""
    theirs, gone = {_of(found): found for found in manifests(folder)}, "campaign-gateway-redis"
    example = {_of(found): found for found in manifests(EXAMPLE)}
    assert example.keys() - theirs.keys() == {(kind, gone) for kind in ("Deployment", "Service", "NetworkPolicy")}
    changed = {kind for kind, name in theirs if theirs[kind, name] != example.get((kind, name))}
    assert changed == {"ConfigMap", "Deployment", "NetworkPolicy"}
    egress = theirs["NetworkPolicy", "campaign-gateway"]["spec"]["egress"]
    usual = example["NetworkPolicy", "campaign-gateway"]["spec"]["egress"]
    assert egress == [usual[0], way, usual[2]]
    text: str = theirs["ConfigMap", "campaign-gateway-settings"]["data"]["gateway.toml"]
    cache = tomllib.loads(text)["cache"]
    assert cache == {name: f"/run/secrets/campaign-gateway/{file}" for name, file in files.items()}
    (shown,) = re.findall(r"^# (\S+://\S+)$", text, re.MULTILINE)
    assert (shown.partition("://")[0], read_shared_url(shown.replace("<", "").replace(">", "")).kind.value) == (
        scheme,
        scheme.partition("+")[2],
    )


def test_all_is_in_one_namespace_that_is_restricted() -> None:
    """And that namespace refuses pods that ask for more."""
    labels = manifest("Namespace", "campaign-gateway")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    namespaces = {found["metadata"].get("namespace") for found in manifests() if found["kind"] != "Namespace"}
    assert namespaces == {"campaign-gateway"}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_pods_have_no_rights(name: str) -> None:
    """Not root, nothing writable, no capability, no token, the runtime's filter of system calls."""
    spec, inside = pod(name)["spec"], container(name)["securityContext"]
    outside = spec["securityContext"]
    assert (outside["runAsNonRoot"], outside["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    assert outside["runAsUser"] >= 10000
    assert outside["runAsGroup"] >= 10000
    assert inside["readOnlyRootFilesystem"] is True
    assert inside["allowPrivilegeEscalation"] is False
    assert inside["capabilities"] == {"drop": ["ALL"]}
    assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False)
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert all("hostPath" not in volume for volume in spec["volumes"])


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_pods_are_bounded_probed_and_pinned(name: str) -> None:
    """Requests and limits, three probes, and an image with a version."""
    found = container(name)
    for kind in ("requests", "limits"):
        assert set(found["resources"][kind]) == {"cpu", "memory"}
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= found.keys()
    tag = found["image"].rpartition(":")[2]
    assert tag[0].isdigit()


def test_the_pod_is_that_of_the_image() -> None:
    """The user, the port and the command are the image's, and the probes ask what the gateway has."""
    image, found = Containerfile(), container("campaign-gateway")
    context = pod("campaign-gateway")["spec"]["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == image.last("USER")
    assert [port["containerPort"] for port in found["ports"]] == [int(image.last("EXPOSE"))]
    assert not {"command", "args"} & found.keys()
    paths = {kind: found[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_exports_have_room(folder: Path) -> None:
    """What the settings name is memory of a size of its own: what is full there is told, and evicts no pod."""
    settings = tomllib.loads((folder / "gateway.toml").read_text())
    assert settings["export"]["spool_folder"] == SPOOL
    (name,) = [mount["name"] for mount in container("campaign-gateway")["volumeMounts"] if mount["mountPath"] == SPOOL]
    (volume,) = [volume for volume in pod("campaign-gateway")["spec"]["volumes"] if volume["name"] == name]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "256Mi"}
    assert container("campaign-gateway")["resources"]["limits"]["memory"] == "1Gi"


def test_there_is_always_another_pod() -> None:
    """Two at least, and nodes are drained one gateway at a time."""
    assert manifest("HorizontalPodAutoscaler", "campaign")["spec"]["minReplicas"] >= 2
    assert manifest("PodDisruptionBudget", "campaign")["spec"]["maxUnavailable"] == 1


def test_pods_are_spread() -> None:
    """Pods are spread over zones and over nodes."""
    spread = pod("campaign-gateway")["spec"]["topologySpreadConstraints"]
    assert {rule["topologyKey"] for rule in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}


def test_selectors_find_their_pods() -> None:
    """Whatever selects by labels selects exactly one of the Deployments."""
    labels = [pod(name)["metadata"]["labels"] for name in DEPLOYMENTS]
    selectors: list[dict[str, Any]] = [
        *(found["spec"]["selector"] for found in manifests() if found["kind"] == "Service"),
        *(found["spec"]["selector"]["matchLabels"] for found in manifests() if found["kind"] == "PodDisruptionBudget"),
        *(found["spec"]["podSelector"]["matchLabels"] for found in manifests() if found["kind"] == "NetworkPolicy"),
        *(rule["labelSelector"]["matchLabels"] for rule in pod(DEPLOYMENTS[0])["spec"]["topologySpreadConstraints"]),
    ]
    assert len(selectors) == 8
    assert all(sum(selector.items() <= found.items() for found in labels) == 1 for selector in selectors)


def test_the_network_is_closed_but_for_what_is_needed() -> None:
    """In from the proxy and Prometheus; out to names, to Redis and to CC-iSales; nothing at all out of Redis."""
    (gateway,) = [
        found["spec"]
        for found in manifests()
        if found["kind"] == "NetworkPolicy" and found["metadata"]["name"] == "campaign-gateway"
    ]
    assert gateway["policyTypes"] == ["Ingress", "Egress"]
    (rule,) = gateway["ingress"]
    assert all("namespaceSelector" in source for source in rule["from"])
    assert [[port["port"] for port in rule["ports"]] for rule in gateway["egress"]] == [[53, 53], [6379], [28443]]
    assert all(rule["to"] for rule in gateway["egress"])
    # Where nodes have a DNS cache, pods ask that, which is no pod that a selector finds.
    assert {"ipBlock": {"cidr": "169.254.20.10/32"}} in gateway["egress"][0]["to"]
    text = (BASE / "networkpolicy.yaml").read_text()
    shown = next(yaml.safe_load_all(re.sub(r"(?m)^    # ", "    ", text)))["spec"]["egress"]
    assert shown[:3] == gateway["egress"]
    assert shown[3]["ports"] == [{"port": 443, "protocol": "TCP"}]
    redis = manifest("NetworkPolicy", "campaign-gateway-redis")["spec"]
    assert (redis["policyTypes"], redis["egress"]) == (["Ingress", "Egress"], [])


def test_secrets_are_files_and_nothing_else() -> None:
    """No variable holds one, no manifest brings one along, and only the user can read them."""
    assert not [found for found in manifests() if found["kind"] == "Secret"]
    for name in DEPLOYMENTS:
        assert all("value" in variable for variable in container(name).get("env", []))
        (volume,) = [volume["secret"] for volume in pod(name)["spec"]["volumes"] if "secret" in volume]
        assert (volume["secretName"], volume["defaultMode"]) == ("campaign-gateway", 0o400)
