"""Rules, alerts and dashboard against Prometheus' own tools, what the gateway exposes, and the runbook."""

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.gateway import PROJECT
from tests.support.monitoring import (
    DASHBOARD,
    PROMETHEUS,
    dashboard,
    dashboard_queries,
    exposed_names,
    fresh_metrics,
    panels,
    promtool,
    rules,
    used_names,
)

ALERTS = rules("alerts.yaml")
RECORDS = {rule["record"] for rule in rules("rules.yaml")}
CASE_FILES = ("tests.yaml", "tests-days.yaml", "tests-3-days.yaml")
CASES = [case for file in CASE_FILES for case in yaml.safe_load((PROMETHEUS / file).read_text())["tests"]]
RUNBOOK = (PROJECT / "deploy" / "README.md").read_text()


@cache
def played() -> dict[str, "subprocess.CompletedProcess[str]"]:
    """Play the cases of all files, side by side."""
    with ThreadPoolExecutor() as pool:
        return dict(zip(CASE_FILES, pool.map(partial(promtool, "test", "rules"), CASE_FILES), strict=True))


def test_prometheus_takes_the_rules() -> None:
    """`promtool check rules` is content with both files."""
    result = promtool("check", "rules", "rules.yaml", "alerts.yaml")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("file", ["prometheus.yaml", "prometheus-kubernetes.yaml"])
def test_prometheus_takes_its_configuration(file: str) -> None:
    """`promtool check config` is content, and finds the rules that it names."""
    result = promtool("check", "config", file)
    assert (result.returncode, "2 rule files found" in result.stdout) == (0, True), result.stderr


@pytest.mark.parametrize("file", CASE_FILES)
def test_alerts_fire_when_they_should_and_only_then(file: str) -> None:
    """`promtool test rules` plays every case."""
    result = played()[file]
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("alert", [alert["alert"] for alert in ALERTS])
def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_not(alert: str) -> None:
    """Both are about this very alert."""
    own: list[dict[str, Any]] = [case for case in CASES if re.match(rf"{alert} (fires|is silent) ", case["name"])]
    looks = [look for case in own for look in case["promql_expr_test"] if f'alertname="{alert}"' in str(look)]
    assert any(look.get("exp_samples") for look in looks)
    assert any(not look.get("exp_samples") for look in looks if "is silent" in str([c["name"] for c in own]))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_says_how_bad_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    """It pages or makes a ticket, has a sentence, and its part of the runbook exists."""
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["annotations"]["summary"].endswith(".")
    name: str = alert["alert"]
    assert alert["annotations"]["runbook"] == f"deploy/README.md#{name.lower()}"
    part = re.search(rf"^### {name}\n\n(.+?)(?=^#|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert part is not None, f"deploy/README.md has no heading {name}"
    for word in ("It means", "Look at", "Do"):
        assert f"**{word}" in part[1], f"deploy/README.md does not say of {name}: {word}"


def test_the_runbook_knows_no_alert_that_does_not_exist() -> None:
    """A renamed alert takes its part of the runbook along."""
    assert set(re.findall(r"\bCampaignGateway[A-Z]\w+", RUNBOOK)) == {alert["alert"] for alert in ALERTS}


@pytest.mark.parametrize(
    "file",
    [*PROMETHEUS.glob("*.yaml"), DASHBOARD, *(PROJECT / folder / "README.md" for folder in ("config", "deploy"))],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_every_name_is_exposed_or_recorded(file: Path) -> None:
    """No rule, query or sentence speaks of a series that the gateway does not have."""
    assert used_names(file.read_text()) - exposed_names() - RECORDS == set()


def counted(text: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Yield each counter that PromQL in `text` selects, with its matchers: label, operator, value."""
    for name, matchers in re.findall(r"\b(campaign_gateway_\w+_total)(?:\{([^}]*)\})?", text):
        yield name, re.findall(r'(\w+)(=~|!=|=)"([^"]*)"', matchers)


def fits(labels: dict[str, str], matchers: list[tuple[str, str, str]]) -> bool:
    """Tell whether a series with these labels is selected."""
    for label, operator, value in matchers:
        same = bool(re.fullmatch(value if operator == "=~" else re.escape(value), labels.get(label, "")))
        if same is (operator == "!="):
            return False
    return True


@pytest.mark.parametrize("rule", [*ALERTS, *rules("rules.yaml")], ids=lambda rule: rule.get("alert") or rule["record"])
def test_counters_that_rules_look_at_begin_at_zero(rule: dict[str, Any]) -> None:
    """Else the first event would be no increase, and nobody would hear of it."""
    series = [
        (name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value))
        for name, labels, value in re.findall(r"^(\w+_total)(?:\{(.*)\})? (\S+)$", fresh_metrics(), re.MULTILINE)
    ]
    for name, matchers in counted(rule["expr"]):
        found = [(labels, value) for other, labels, value in series if other == name and fits(labels, matchers)]
        assert found, f"{name} with {matchers}"
        assert {value for _, value in found} == {0.0}
        vdns = {labels["vdn"] for labels, _ in found if "vdn" in labels}
        assert vdns in ({"1", "2"}, set()), "those of all tenants"


def test_prometheus_takes_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    """Each of them is PromQL."""
    found = [{"record": f"query:{number}", "expr": query} for number, (_, query) in enumerate(dashboard_queries())]
    assert len(found) >= 40
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": found}]}))
    result = promtool("check", "rules", "queries.yaml", folder=tmp_path)
    assert result.returncode == 0, result.stderr


def test_the_dashboard_shows_each_process_and_who_waits() -> None:
    """Of processes those of the gateway alone, where other jobs are chosen too, each by its worker's number."""
    queries = [target for panel in panels() for target in panel["targets"]]
    shown = {name for target in queries for name in re.findall(r"\b(process_\w+)", target["expr"])}
    assert shown == set(re.findall(r"^(process_\w+)\{", fresh_metrics(), re.MULTILINE)) - {
        "process_virtual_memory_bytes"
    }
    for target in queries:
        for matchers in re.findall(r"\bprocess_\w+\{([^}]*)\}", target["expr"]):
            assert matchers == 'job=~"$job", worker!=""'
            assert target["legendFormat"] == "{{instance}} worker {{worker}}"
    names = {name for target in queries for name in used_names(target["expr"])}
    assert {
        "campaign_gateway_waiters",
        "campaign_gateway_waiters_limit",
        "campaign_gateway_waits_total",
    } <= names


def test_the_dashboard_can_be_imported_anywhere() -> None:
    """It names no data source of ours, its panels have numbers, words and places of their own."""
    assert {panel["datasource"]["uid"] for panel in panels()} == {"${datasource}"}
    assert {variable["name"] for variable in dashboard()["templating"]["list"]} == {"datasource", "job"}
    everything = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert all(panel["title"] and panel["description"].endswith(".") for panel in panels())
    places = [panel["gridPos"] for panel in everything]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
