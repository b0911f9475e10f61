"""The numbers of one process at one moment, and what they make together with those of other processes."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from werkzeug.http import parse_accept_header, parse_options_header

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
    # Not as the library reads it: that takes on any version, fails on what is none, and knows no weights. It is told
    # what we have found out.
    text, open_metrics = _liked(TEXT, accept, "0.0.4", "1.0.0"), _liked(OPEN_METRICS, accept, "1.0.0")
    encode, media_type = choose_encoder((open_metrics if open_metrics.weight > text.weight else text).told)
    return encode(_Shown(snapshot)), media_type


class _Liked(NamedTuple):
    """How much a media type is liked, 0 where it is not, and how it is to be told to the library."""

    weight: float
    told: str


def _liked(media_type: str, accept: str | None, *versions: str) -> _Liked:
    """Return what `Accept` likes best of a media type in these versions, of which the first is meant by none."""
    liked = _Liked(0, media_type)
    for item, weight in parse_accept_header(accept):
        name, options = parse_options_header(item)
        version = options.get("version", versions[0])
        if name.lower() == media_type and version in versions and weight > liked.weight:
            # Names of ours are the same in these two; of the others the library makes histograms that are none.
            escaping = "allow-utf-8" if options.get("escaping") == "allow-utf-8" else "underscores"
            liked = _Liked(weight, f"{media_type};version={version};escaping={escaping}")
    return liked
