"""The formats of the numbers: what is asked for, and what those who read them make of it."""

import math

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families

from gateway.telemetry.metrics import Metrics
from gateway.telemetry.snapshot import exposition

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_2 = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


def counted() -> Metrics:
    """Return numbers of which some are counted."""
    metrics = Metrics()
    metrics.request("campaigns.list_campaigns", 200, "", 0.002)
    metrics.pages_answered(200, "hit", "fresh", "process")(0.00001)
    return metrics


@pytest.mark.parametrize(
    "accept",
    [
        PROMETHEUS_3,
        PROMETHEUS_2,
        "application/openmetrics-text",
        'Application/OpenMetrics-Text; Version="1.0.0"',
        "application/openmetrics-text;version=1.0.0;escaping=dots",
        "application/openmetrics-text;version=1.0.0;escaping=values",
    ],
)
def test_openmetrics_where_it_is_asked_for(accept: str) -> None:
    """A strict reader of it takes all of it, and finds the same numbers as in the other format."""
    metrics = counted()
    body, media_type = metrics.exposition(accept)
    assert media_type.startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert body.endswith(b"# EOF\n")
    read = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in read_open_metrics(body.decode())  # type: ignore[no-untyped-call]  # -- the library has none
        for sample in family.samples
        if not sample.name.startswith("process_")
    }
    plain = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.exposition(None)[0].decode())
        for sample in family.samples
        if not sample.name.startswith("process_")
    }
    assert read == plain
    assert len(read) > 100


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        (None, "0.0.4"),
        ("", "0.0.4"),
        ("*/*", "0.0.4"),
        ("text/html", "0.0.4"),
        ("text/plain;version=0.0.4", "0.0.4"),
        ("application/openmetrics-text, text/plain", "0.0.4"),
        ("text/plain;version=1.0.0;escaping=underscores", "1.0.0"),
        ("application/openmetrics-text;version=1.0.0;q=0.1,text/plain;version=0.0.4", "0.0.4"),
        ("application/openmetrics-text;version=2.0.0", "0.0.4"),
        ("application/openmetrics-text;version=1.5.0", "0.0.4"),
        ("application/openmetrics-text;version=1.x", "0.0.4"),
        ("text/plain;version=1.x", "0.0.4"),
    ],
)
def test_else_the_plain_text(accept: str | None, version: str) -> None:
    """Also for who likes it better or as much, and for who wants a version that is not ours."""
    body, media_type = counted().exposition(accept)
    assert media_type.startswith(f"text/plain; version={version}; charset=utf-8")
    assert b"# EOF" not in body


def test_what_is_not_known_is_absent() -> None:
    """NaN is dropped by some databases, and is no number to compare with."""
    metrics = counted()
    snapshot = metrics.snapshot()
    assert any(math.isnan(value) for family in snapshot.values() for value in family.samples.values())
    assert b"NaN" not in exposition(snapshot, None)[0]
