"""Both ways of a call together, with what is counted and logged, and the two wrappers."""

import json
import threading

import pytest

from gateway.errors import (
    GatewayError,
    InternalError,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
    UpstreamTimeout,
)
from gateway.isales.breaker import Admission
from gateway.telemetry.log import configure_logging
from tests.unit.isales.breakers import DATABASE, DEAD, House
from tests.unit.isales.vendor import counted


@pytest.fixture
def house() -> House:
    """Return breakers that have seen nothing yet."""
    return House()


def test_a_dead_upstream_stops_all(house: House) -> None:
    """After enough failures no VDN's call goes; callers hear when the next is tried and what the last failure was."""
    house.fail(DEAD)
    for vdn in (1, 2):
        error = house.refused(vdn)
        assert error.retry_after_s == 5
        assert "all VDNs were stopped 0 s ago" in error.detail
        assert "upstream-unreachable: CC-iSales refused the connection." in error.detail
    assert house.breakers.report() == {"all": "open", "1": "open"}
    assert counted(house.numbers, "upstream_circuit_state") == {"all": 2, "1": 2}
    assert counted(house.numbers, "upstream_circuit_openings") == {"all": 1, "1": 1}
    assert counted(house.numbers, "upstream_refused_calls") == {"all circuit": 2}


def test_one_vdns_failures_are_its_own(house: House) -> None:
    """A result code that says failure, or a refused signature, stops that VDN and no other."""
    house.fail(DATABASE, times=2)
    house.fail(UpstreamRefusedCredentials("401"), times=1)
    assert "for VDN 1 were stopped" in house.refused(1).detail
    assert house.call(2) is None
    assert house.breakers.report() == {"1": "open"}


def test_all_go_again_when_the_probe_succeeds(house: House) -> None:
    """The first call after the time is the probe for both of its ways."""
    house.fail(DEAD)
    house.clock.advance(5.0)
    assert house.breakers.report() == {"all": "half-open", "1": "half-open"}
    assert (house.call(1), house.call(2)) == (None, None)
    assert house.breakers.report() == {}


def test_a_probe_may_be_good_for_all_and_bad_for_its_vdn(house: House) -> None:
    """An envelope with a failure shows that the way is good again."""
    house.fail(DEAD)
    house.clock.advance(5.0)
    house.fail(DATABASE, times=1)
    assert house.call(2) is None
    assert house.refused(1).retry_after_s == 10


def test_no_probe_of_all_is_taken_by_a_call_that_its_vdn_refuses(house: House) -> None:
    """VDN 1 is stopped for longer than all: its calls are refused and leave the probe to VDN 2."""
    house.fail(DATABASE)
    for seconds in (5.0, 10.0, 20.0):
        house.clock.advance(seconds)
        house.fail(DATABASE, times=1)
    house.clock.advance(30.0)
    house.fail(DEAD, vdn=2)
    house.clock.advance(5.0)
    assert house.breakers.report() == {"all": "half-open", "1": "open", "2": "half-open"}
    assert "VDN 1" in house.refused(1).detail
    assert house.call(2) is None


def test_the_look_takes_no_probe(house: House) -> None:
    """However many look before a slot comes free, one of them is the probe then."""
    house.fail(DEAD)
    house.clock.advance(5.0)
    for _ in range(20):
        house.breakers.look(1)
    house.breakers.admit(1, 8.0)
    with pytest.raises(UpstreamOverloaded, match="under way") as caught:
        house.breakers.look(2)
    assert caught.value.retry_after_s == 1


@pytest.mark.parametrize("error", [InternalError("bug"), RuntimeError("bug"), KeyboardInterrupt()])
def test_what_says_nothing_gives_the_probe_back(house: House, error: BaseException) -> None:
    """A probe that is cut off by something unforeseen neither closes nor opens, and blocks nobody."""
    house.fail(error, times=9)
    house.fail(DEAD)
    house.clock.advance(5.0)
    house.fail(error, times=3)
    assert house.call() is None
    assert house.breakers.report() == {}


@pytest.mark.parametrize("shortened", [False, True])
@pytest.mark.parametrize("unanswered", [DEAD, UpstreamTimeout("the deadline passed")])
def test_three_calls_without_an_answer_are_enough(unanswered: UpstreamError, *, shortened: bool) -> None:
    """At one call an hour nobody goes on to wait for silence, whatever `breaker_min_calls` is and whoever asked."""
    house = House(min_calls=100_000)
    house.outcome = unanswered
    for _ in range(3):
        house.clock.advance(3600.0)
        assert house.call(shortened=shortened) is unanswered
    assert house.breakers.report() == {"all": "open", "1": "open"}
    assert unanswered.name in house.refused(1).detail
    house.refused(2)


@pytest.mark.parametrize(
    ("between", "report"),
    [
        (None, {}),
        (DATABASE, {"1": "open"}),
        (UpstreamFailed("CC-iSales answered HTTP 500."), {"all": "open", "1": "open"}),
        (UpstreamTimeout("no slot in time", sent=False), {"all": "open", "1": "open"}),
    ],
)
def test_only_a_good_call_begins_the_row_of_three_anew(between: GatewayError | None, report: dict[str, str]) -> None:
    """What has an answer that is bad neither counts as silence nor ends it; an envelope shows that the way is good."""
    house = House(min_calls=100_000)
    house.fail(DEAD, times=2)
    house.outcome = between
    for _ in range(3):
        assert house.call() is between
    assert house.breakers.report() == {}
    house.fail(DEAD, times=1)
    assert house.breakers.report() == report
    if not report:
        house.fail(DEAD, times=2)
        assert house.breakers.report() == {"all": "open", "1": "open"}


@pytest.mark.parametrize(("everyone", "way"), [(True, "all"), (False, "1")])
def test_a_pause_is_kept(house: House, capsys: pytest.CaptureFixture[str], *, everyone: bool, way: str) -> None:
    """No call before it is over, of that VDN or of all; it is told once, and calls flow again after it."""
    configure_logging("info", "json")
    house.fail(UpstreamOverloaded("busy", retry_after_s=21600, pause_s=21600, one_vdn=not everyone), times=1)
    house.clock.advance(600)
    assert house.refused(1).retry_after_s == 21000
    assert (house.call(2) is None) is not everyone
    assert house.breakers.report() == {way: "paused"}
    assert counted(house.numbers, "upstream_pause_seconds") == {way: 21000}
    assert counted(house.numbers, "upstream_refused_calls") == {f"{way} pause": 2 if everyone else 1}
    house.clock.advance(21000)
    assert (house.call(1), house.call(2)) == (None, None)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"], line["vdn"], line["until"]) for line in lines] == [
        ("upstream_paused", "warning", way, "2026-01-02T09:04:05+00:00")
    ]
    assert "restarts" in lines[0]["note"]


def test_after_a_pause_the_circuit_may_still_be_open(house: House) -> None:
    """Each has its own time, and callers hear of the longer one."""
    house.fail(DEAD, times=2)
    house.fail(UpstreamOverloaded("busy", retry_after_s=2, pause_s=2), times=1)
    assert house.refused().retry_after_s == 5
    house.clock.advance(3)
    assert house.refused().retry_after_s == 2
    house.clock.advance(2)
    assert house.call() is None


def test_openings_and_closings_are_logged_once_each(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """A warning says why and for how long, an information that it is over; refusals say nothing."""
    configure_logging("info", "json")
    house.fail(DATABASE)
    for _ in range(10):
        house.refused()
    house.clock.advance(5)
    house.fail(DATABASE, times=1)
    house.clock.advance(10)
    house.call()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"], line["vdn"]) for line in lines] == [
        ("upstream_stopped", "warning", "1"),
        ("upstream_stopped", "warning", "1"),
        ("upstream_resumed", "info", "1"),
    ]
    assert [line["for_s"] for line in lines[:2]] == [5.0, 10.0]
    assert lines[0]["last_failure"] == "upstream-failed: CC-iSales failed with result code 0200006."
    assert lines[2]["after_s"] == 15.0


def test_of_many_threads_one_is_the_probe(house: House) -> None:
    """Forty threads that ask at the same moment get one permit between them."""
    house.fail(DEAD)
    house.clock.advance(5.0)
    start = threading.Barrier(40)
    admitted: list[Admission] = []

    def ask() -> None:
        start.wait(10)
        try:
            admitted.append(house.breakers.admit(1, 8.0))
        except UpstreamOverloaded:
            return

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(admitted) == 1
