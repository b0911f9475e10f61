"""Numbers of several processes put together."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.metrics import Metrics
from gateway.telemetry.numbers import Over
from gateway.telemetry.snapshot import Family, Snapshot, exposition, from_json, outlasting, to_json, together

VALUES = st.one_of(st.integers(-1000, 1000).map(float), st.just(math.nan))
LABELS: st.SearchStrategy[tuple[tuple[str, str], ...]] = st.sampled_from(["1", "2", 'a "b"\n']).map(
    lambda vdn: (("vdn", vdn),)
)
NUMBERS = st.dictionaries(st.tuples(st.sampled_from(Over), st.sampled_from(["x", "x_sum"]), LABELS), VALUES)
"""Of all kinds at once, few of which are in each."""


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Return numbers of each kind."""
    numbers = draw(NUMBERS)
    return {
        over: Family(
            "gauge",
            "What it is.",
            over,
            {(name, labels): value for (kind, name, labels), value in numbers.items() if kind is over},
        )
        for over in Over
    }


def one(over: Over, value: float) -> Snapshot:
    """Return a single number."""
    return {"x": Family("gauge", "What it is.", over, {("x", ()): value})}


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        (Over.TOTAL, -2.0),
        (Over.SUM, -2.0),
        (Over.MOST, 1.0),
        (Over.LATEST, 1.0),
        (Over.LEAST, -3.0),
        (Over.FURTHEST, -3.0),
    ],
)
def test_each_kind_has_its_way(over: Over, expected: float) -> None:
    """Sums, extremes, and what is not known counts for nothing."""
    three = together([one(over, 1.0), one(over, math.nan), one(over, -3.0)])
    assert three["x"].samples == {("x", ()): expected}


@given(snapshots(), snapshots(), snapshots())
def test_the_order_does_not_matter(first: Snapshot, second: Snapshot, third: Snapshot) -> None:
    """However processes are put together, and whatever was added up before, the result is the same."""

    def text(snapshot: Snapshot) -> list[str]:
        return sorted(exposition(snapshot, None)[0].decode().splitlines())

    one_by_one = together([together([first, second]), third])
    assert text(one_by_one) == text(together([third, together([second, first])]))


@given(snapshots())
def test_a_snapshot_comes_back_from_its_file(snapshot: Snapshot) -> None:
    """Nothing is lost on the way, labels with odd characters included."""
    assert exposition(from_json(to_json(snapshot)), None) == exposition(snapshot, None)


def test_what_outlasts_a_process_are_counts_and_when_somebody_was_seen() -> None:
    """What it held, and how it was, is gone with it."""
    assert set(outlasting({over: Family("gauge", "", over) for over in Over})) == {Over.TOTAL, Over.LATEST}


def test_what_is_shown_is_what_was_counted() -> None:
    """Types, meanings and labels are those of the library, and nothing tells when a series began."""
    metrics = Metrics()
    metrics.request("list", 200, "", 0.3)
    lines = metrics.exposition(None)[0].decode().splitlines()
    assert "# TYPE campaign_gateway_requests_total counter" in lines
    assert 'campaign_gateway_requests_total{endpoint="list",problem="",status="200"} 1.0' in lines
    assert "# TYPE campaign_gateway_request_duration_seconds histogram" in lines
    assert not any("_created" in line for line in lines)


def test_result_codes_are_bounded() -> None:
    """Whatever CC-iSales says for a code, there are few numbers, and all calls are in them."""
    metrics = Metrics()
    for number in range(200):
        metrics.fetch(1, "upstream-failed", 0.1, f"0{number:06}")
    metrics.fetch(1, "upstream-failed", 0.1, "no code")
    fetches = metrics.snapshot()["campaign_gateway_upstream_fetches"].samples
    codes = {dict(labels)["result_code"] for _, labels in fetches}
    assert (len(codes), "other" in codes, "no code" in codes) == (51, True, False)
    assert sum(fetches.values()) == 201


def test_result_codes_are_texts() -> None:
    """One with a dash is one like any other, and one of seven digits is none of eight."""
    metrics = Metrics()
    codes = {"0200-01", "0200010", "02000010"}
    for code in codes:
        metrics.fetch(1, "upstream-failed", 0.1, code)
    fetches = metrics.snapshot()["campaign_gateway_upstream_fetches"].samples
    assert {dict(labels)["result_code"] for _, labels in fetches} == codes
