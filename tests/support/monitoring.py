"""What stands in `deploy/prometheus` and `deploy/grafana`, and Prometheus' own tools to look at it."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.support.gateway import PROJECT
from tests.support.programs import program
from tests.support.server import served_gateway

PROMETHEUS = PROJECT / "deploy" / "prometheus"
DASHBOARD = PROJECT / "deploy" / "grafana" / "campaign-gateway.json"
JOB = "campaign-gateway"


def promtool(*words: str, folder: Path = PROMETHEUS) -> "subprocess.CompletedProcess[str]":
    """Run promtool in `folder` to its end."""
    command = [program("promtool", "prometheus"), *words]
    # It would spend a fifth of its time on tidying its memory, of which it needs little.
    variables = {**os.environ, "GOGC": "400"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=variables)


def rules(file: str) -> list[dict[str, Any]]:
    """Return the rules of a file, of all its groups."""
    document = yaml.safe_load((PROMETHEUS / file).read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    return dict(json.loads(DASHBOARD.read_text()))


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard that show something."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def dashboard_queries(interval: str = "5m") -> Iterator[tuple[str, str]]:
    """Yield title and PromQL of each query of a panel, with its variables filled in."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$job", JOB).replace("$__rate_interval", interval)


@cache
def fresh_metrics() -> str:
    """Return the metrics of a gateway with the VDNs 1 and 2 and an identity provider that was asked for nothing yet."""
    provider = '{issuer = "https://id.example.com", audience = "a", jwks_url = "http://127.0.0.1:9/jwks"}'
    with served_gateway("http://127.0.0.1:9", GATEWAY__JWT=provider) as served:
        return requests.get(f"{served.url}/metrics", timeout=10).text


def exposed_names() -> frozenset[str]:
    """Return the names of all series that a gateway exposes, whether they have samples yet or not."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", fresh_metrics(), re.MULTILINE):
        names |= {name} | {f"{name}{end}" for end in ("_bucket", "_sum", "_count") if kind == "histogram"}
    return frozenset(names)


def used_names(text: str) -> set[str]:
    """Return the names of series and of recording rules of ours that stand in `text`."""
    return set(re.findall(r"\bcampaign_gateway[_:][\w:]+", text))
