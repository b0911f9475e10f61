"""The Kubernetes manifests as `kubectl apply -k` would send them."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.support.gateway import PROJECT
from tests.support.programs import program

BASE = PROJECT / "deploy" / "kubernetes" / "base"
OVERLAYS = PROJECT / "deploy" / "kubernetes" / "overlays"
EXAMPLE = OVERLAYS / "example"
SENTINEL = OVERLAYS / "sentinel"
MANAGED = OVERLAYS / "managed-cluster"
FOLDERS = (BASE, EXAMPLE, SENTINEL, MANAGED)
Manifest = dict[str, Any]


@cache
def manifests(folder: Path = BASE) -> tuple[Manifest, ...]:
    """Build those of `folder` with kustomize, which kubectl has built in."""
    kubectl = program("kubectl", "kubernetes-client")
    built = subprocess.run([kubectl, "kustomize", str(folder)], check=True, capture_output=True, text=True, timeout=60)
    return tuple(yaml.safe_load_all(built.stdout))


def manifest(kind: str, name: str, folder: Path = BASE) -> Manifest:
    """Return the one of this kind whose name begins with `name`, as generated names get a hash behind them."""
    ours = [found for found in manifests(folder) if found["kind"] == kind]
    (found,) = [found for found in ours if found["metadata"]["name"].startswith(name)]
    return found


def pod(name: str) -> Manifest:
    """Return the pod of the Deployment `name`, with its metadata and spec."""
    (template,) = [
        found["spec"]["template"]
        for found in manifests()
        if found["kind"] == "Deployment" and found["metadata"]["name"] == name
    ]
    return dict(template)
