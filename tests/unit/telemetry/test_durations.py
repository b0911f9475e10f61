"""Noting a duration is cheap, and nothing of it gets lost."""

import threading

import pytest

from gateway.telemetry.durations import SETTLE_AT, Durations, Notes
from gateway.telemetry.known_labels import LISTING
from gateway.telemetry.metrics import Metrics


def samples(durations: Durations) -> dict[tuple[str, str], float]:
    """Return the values by the end of their name and their bucket."""
    (family,) = durations.collect()
    return {(sample.name, sample.labels.get("le", "")): sample.value for sample in family.samples}


def test_a_duration_counts_in_each_bucket_that_holds_it() -> None:
    """Buckets are cumulative, their bounds belong to them, and what is beyond all is in the last."""
    durations = Durations("took", "How long it took.", (0.1, 1, 2.5))
    durations.observe("list", [0.1, 3.0, 0.05])
    durations.observe("list", [1.5])
    durations.observe("list", [])
    assert samples(durations) == {
        ("took_bucket", "0.1"): 2,
        ("took_bucket", "1.0"): 2,
        ("took_bucket", "2.5"): 3,
        ("took_bucket", "+Inf"): 4,
        ("took_count", ""): 4,
        ("took_sum", ""): pytest.approx(4.65),
    }


def test_endpoints_are_told_apart() -> None:
    """Each has a histogram of its own."""
    durations = Durations("took", "How long it took.", (1,))
    durations.observe("one", [0.5])
    durations.observe("two", [0.5, 0.5])
    (family,) = durations.collect()
    counts = {sample.labels["endpoint"]: sample.value for sample in family.samples if sample.name == "took_count"}
    assert counts == {"one": 1, "two": 2}


def test_notes_are_told_when_there_are_many_or_somebody_asks() -> None:
    """They do not pile up where nobody ever asks, and each is told once, in its order."""
    told: list[list[float]] = []
    notes = Notes(told.append)
    for number in range(SETTLE_AT + 2):
        notes.note(float(number))
    assert [len(some) for some in told] == [SETTLE_AT]
    for _ in range(2):
        notes.settle()
    assert told[1:] == [[float(SETTLE_AT), float(SETTLE_AT + 1)]]


def test_no_note_is_lost_over_threads() -> None:
    """Threads note while others settle, and in the end the sum is right."""
    told: list[float] = []
    notes = Notes(told.extend)

    def note_many() -> None:
        for _ in range(20 * SETTLE_AT + 7):
            notes.note(1.0)

    threads = [threading.Thread(target=note_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        notes.settle()
    for thread in threads:
        thread.join()
    notes.settle()
    assert len(told) == 8 * (20 * SETTLE_AT + 7)


def test_pages_are_in_the_same_numbers_as_all_else() -> None:
    """A page that is counted the cheap way is a request, a look-up and a duration like others."""
    metrics = Metrics()
    metrics.request(LISTING, 502, "upstream-failed", 0.5)
    for _ in range(2):
        metrics.pages_answered(200, "hit", "fresh", "process")(0.0002)
    metrics.pages_answered(304, "stale", "stale-if-error", "shared")(0.3)
    metrics.pages_answered(200, "miss", "", "")(0.9)
    text = metrics.exposition(None)[0].decode()
    for line in (
        f'campaign_gateway_requests_total{{endpoint="{LISTING}",problem="",status="200"}} 3.0',
        f'campaign_gateway_requests_total{{endpoint="{LISTING}",problem="",status="304"}} 1.0',
        'campaign_gateway_cache_lookups_total{outcome="hit",rung="fresh",tier="process"} 2.0',
        'campaign_gateway_cache_lookups_total{outcome="stale",rung="stale-if-error",tier="shared"} 1.0',
        'campaign_gateway_cache_lookups_total{outcome="miss",rung="",tier=""} 1.0',
        f'campaign_gateway_request_duration_seconds_bucket{{endpoint="{LISTING}",le="0.001"}} 2.0',
        f'campaign_gateway_request_duration_seconds_count{{endpoint="{LISTING}"}} 5.0',
    ):
        assert line in text.splitlines()
