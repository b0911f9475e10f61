"""The numbers of one process at one moment, and what they make together with those of other processes."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.telemetry.numbers import Over

Sample = tuple[str, tuple[tuple[str, str], ...]]
"""The name of a sample, and its labels."""

_TOGETHER: Final[Mapping[Over, Callable[[float, float], float]]] = {
    Over.TOTAL: lambda one, other: one + other,
    Over.SUM: lambda one, other: one + other,
    Over.LATEST: max,
    Over.MOST: max,
    Over.LEAST: min,
    Over.FURTHEST: lambda one, other: max(one, other, key=lambda value: (abs(value), value)),
}
_OUTLASTS = frozenset({Over.TOTAL, Over.LATEST})


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its type, its meaning, what becomes of it over several workers, and its samples."""

    kind: str
    meaning: str
    over: Over
    samples: dict[Sample, float] = field(default_factory=dict)


Snapshot = dict[str, Family]
"""Metrics by name."""


def snapshot_of(registry: CollectorRegistry, over: Mapping[str, Over]) -> Snapshot:
    """Return what is in `registry`; `over` says of gauges what becomes of them over several workers."""
    snapshot: Snapshot = {}
    for metric in registry.collect():
        family = Family(metric.type, metric.documentation, over.get(metric.name, Over.TOTAL))
        for sample in metric.samples:
            # When a series began is of no use to Prometheus in this format, and twice as many numbers.
            if not sample.name.endswith("_created"):
                family.samples[sample.name, tuple(sample.labels.items())] = sample.value
        snapshot[metric.name] = family
    return snapshot


def together(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Return what several processes make together."""
    result: Snapshot = {}
    for snapshot in snapshots:
        for name, family in snapshot.items():
            into = result.setdefault(name, Family(family.kind, family.meaning, family.over)).samples
            put_together = _TOGETHER[family.over]
            for sample, value in family.samples.items():
                before = into.get(sample, math.nan)
                # What a process does not know, another may.
                if math.isnan(before) or math.isnan(value):
                    into[sample] = value if math.isnan(before) else before
                else:
                    into[sample] = put_together(before, value)
    return result


def outlasting(snapshot: Snapshot) -> Snapshot:
    """Return what still counts when the process has ended."""
    return {name: family for name, family in snapshot.items() if family.over in _OUTLASTS}


def to_json(snapshot: Snapshot) -> str:
    """Return a snapshot as one line."""
    return json.dumps({name: _listed(family) for name, family in snapshot.items()})


def from_json(document: str) -> Snapshot:
    """Return the snapshot that `to_json` made; raises ValueError, KeyError, TypeError or AttributeError for others."""
    return {name: _family(*parts) for name, parts in json.loads(document).items()}


def _listed(family: Family) -> list[Any]:
    samples = [[name, labels, value] for (name, labels), value in family.samples.items()]
    return [family.kind, family.meaning, family.over, samples]


def _family(kind: str, meaning: str, over: str, samples: list[tuple[str, list[tuple[str, str]], float]]) -> Family:
    counted = {(name, tuple((label, text) for label, text in labels)): float(value) for name, labels, value in samples}
    return Family(kind, meaning, Over(over), counted)


class _Shown(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        for name, family in self._snapshot.items():
            metric = Metric(name, family.meaning, family.kind)
            for (sample, labels), value in family.samples.items():
                metric.add_sample(sample, dict(labels), value)
            yield metric


def exposition(snapshot: Snapshot) -> bytes:
    """Return a snapshot in Prometheus' text format."""
    return generate_latest(_Shown(snapshot))
