"""The numbers of one process at one moment, and what they make together with those of other processes."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from werkzeug.http import parse_accept_header

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
PROCESS: Final = "process_"
OPEN_METRICS: Final = "application/openmetrics-text"
TEXT: Final = "text/plain"
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


def snapshot_of(registry: CollectorRegistry, over: Mapping[str, Over], worker: str) -> Snapshot:
    """Return what is in `registry`; `over` says of gauges what becomes of them over several workers.

    What is told of the process itself is of the worker of that name.
    """
    snapshot: Snapshot = {}
    for metric in registry.collect():
        family = Family(metric.type, metric.documentation, over.get(metric.name, Over.TOTAL))
        for sample in metric.samples:
            # When a series began is of no use to Prometheus in this format, and twice as many numbers.
            if sample.name.endswith("_created"):
                continue
            labels = {"worker": worker} if sample.name.startswith(PROCESS) else sample.labels
            family.samples[sample.name, tuple(labels.items())] = sample.value
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
                # What is not known is absent: some databases drop NaN, others take it for a number to compare with.
                if not math.isnan(value):
                    metric.add_sample(sample, dict(labels), value)
            yield metric


def exposition(snapshot: Snapshot, accept: str | None) -> tuple[bytes, str]:
    """Return a snapshot as the header `Accept` wants it, and its media type: OpenMetrics 1.0, or Prometheus' text.

    Prometheus from 3 on refuses an answer whose media type it does not know, so it is always told with its version.
    """
    wanted = [item for item in (accept or "").split(",") if item.strip().startswith(OPEN_METRICS)]
    if not wanted or _weight(OPEN_METRICS, accept) <= _weight(TEXT, accept):
        wanted = [item for item in (accept or "").split(",") if item.strip().startswith(TEXT)]
    # The library would take on any version, as one that is still being written.
    encode, media_type = choose_encoder(",".join(item for item in wanted if not re.search(r"version=[^01]", item)))
    return encode(_Shown(snapshot)), media_type


def _weight(media_type: str, accept: str | None) -> float:
    weights = [weight for name, weight in parse_accept_header(accept) if name.partition(";")[0].strip() == media_type]
    return max(weights, default=0.0)
