"""Both ways of a call together, with what is counted and logged, and the two wrappers."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.errors import (
    InternalError,
    Pause,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
    UpstreamResult,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.isales.breaker import Admission, Breakers, refuse_while_open, with_breaker
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.send import Send, VendorAnswer
from gateway.model import CampaignQuery, Deadline
from gateway.telemetry.log import configure_logging
from tests.support.clock import FakeClock
from tests.unit.isales.vendor import isales_settings, tenant

ANSWER = VendorAnswer({}, 0.0)
DEAD = UpstreamUnreachable("CC-iSales refused the connection.")
DATABASE = UpstreamFailed("CC-iSales failed with result code 0200006.", upstream=UpstreamResult("0200006", ""))
MIN_CALLS = 3


class Numbers:
    """A meter that the test reads."""

    def __init__(self) -> None:
        self.states: dict[str, Callable[[], float]] = {}
        self.pauses: dict[str, Callable[[], float]] = {}
        self.openings: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()

    def watch_way(self, way: str, state: Callable[[], float], paused_s: Callable[[], float]) -> None:
        """Keep what to read."""
        self.states[way], self.pauses[way] = state, paused_s

    def circuit_opened(self, way: str) -> None:
        """Count."""
        self.openings[way] += 1

    def call_refused(self, way: str, reason: str) -> None:
        """Count."""
        self.refused[way, reason] += 1


class House:
    """Breakers for the VDNs 1 and 2 around an upstream that ends each call as `outcome` says."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.numbers = Numbers()
        settings = isales_settings("http://127.0.0.1", breaker_min_calls=MIN_CALLS)
        self.breakers = Breakers(
            settings, (1, 2), self.numbers, self.clock, lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        )
        self.outcome: BaseException | None = None
        self.calls = 0
        self.send: Send = refuse_while_open(with_breaker(self._send, self.breakers), self.breakers)

    def _send(self, _request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        self.calls += 1
        if self.outcome is not None:
            raise self.outcome
        return ANSWER

    def call(self, vdn: int = 1, *, shortened: bool = False) -> BaseException | None:
        """Make a call; return what it raised."""
        request = campaigns_request(CampaignQuery(vdn), tenant(vdn=vdn))
        try:
            self.send(request, Deadline(self.clock() + 8.0, self.clock, shortened=shortened))
        except BaseException as error:  # noqa: BLE001 -- the wrappers pass everything on
            return error
        return None

    def refused(self, vdn: int = 1) -> UpstreamOverloaded:
        """Make a call that must be refused; return how."""
        before = self.calls
        error = self.call(vdn)
        assert isinstance(error, UpstreamOverloaded)
        assert (self.calls, error.sent, error.pause) == (before, False, None)
        return error

    def fail(self, error: BaseException, vdn: int = 1, times: int = MIN_CALLS) -> None:
        """Have calls fail."""
        self.outcome = error
        for _ in range(times):
            assert self.call(vdn) is error
        self.outcome = None


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
    assert {way: read() for way, read in house.numbers.states.items()} == {"all": 2.0, "1": 2.0, "2": 0.0}
    assert house.numbers.openings == {"all": 1, "1": 1}
    assert house.numbers.refused == {("all", "circuit"): 2}


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


def test_a_shortened_deadline_is_not_counted(house: House) -> None:
    """Timeouts of callers in a hurry stop nobody; others do."""
    house.outcome = UpstreamTimeout("too late")
    for _ in range(20):
        assert house.call(shortened=True) is house.outcome
    house.fail(UpstreamTimeout("too late"))
    house.refused()


@pytest.mark.parametrize(("everyone", "way"), [(True, "all"), (False, "1")])
def test_a_pause_is_kept(house: House, capsys: pytest.CaptureFixture[str], *, everyone: bool, way: str) -> None:
    """No call before it is over, of that VDN or of all; it is told once, and calls flow again after it."""
    configure_logging("info", "json")
    house.fail(UpstreamOverloaded("busy", retry_after_s=21600, pause=Pause(21600, everyone)), times=1)
    house.clock.advance(600)
    assert house.refused(1).retry_after_s == 21000
    assert (house.call(2) is None) is not everyone
    assert house.breakers.report() == {way: "paused"}
    assert house.numbers.pauses[way]() == 21000.0
    assert house.numbers.refused[way, "pause"] == (2 if everyone else 1)
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
    house.fail(UpstreamOverloaded("busy", retry_after_s=2, pause=Pause(2, everyone=True)), times=1)
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


OUTCOMES: list[BaseException | None] = [
    None,
    DEAD,
    DATABASE,
    RuntimeError("bug"),
    UpstreamOverloaded("busy", retry_after_s=7, pause=Pause(7, everyone=True)),
    UpstreamOverloaded("busy", retry_after_s=20, pause=Pause(20, everyone=False)),
]


class BreakersMachine(RuleBasedStateMachine):
    """Calls of two VDNs begin and end in any order; what is admitted must fit what the ways say."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.pending: list[tuple[Admission, bool]] = []
        self.paused_until = {"all": float("-inf"), "1": float("-inf"), "2": float("-inf")}

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 5.0, 10.0, 40.0]))
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.house.clock.advance(seconds)

    @rule(vdn=st.sampled_from([1, 2]))
    def begin(self, vdn: int) -> None:
        """Ask for a call: none goes on a way that is open, paused, or has a probe under way."""
        report = self.house.breakers.report()
        words = {report.get("all"), report.get(str(vdn))}
        before = len(self.pending)
        try:
            admission = self.house.breakers.admit(vdn, 1000.0)
        except UpstreamOverloaded as error:
            refused_s = error.retry_after_s or 0
        else:
            refused_s = 0
            self._admitted(admission, words, probe_of_all="all" in report)
        assert (refused_s > 0) is (len(self.pending) == before)
        assert refused_s <= 60
        assert refused_s == 0 or words != {None}

    def _admitted(self, admission: Admission, words: set[str | None], *, probe_of_all: bool) -> None:
        now = self.house.clock.now
        assert words <= {None, "half-open"}
        assert all(now >= self.paused_until[way] for way in ("all", str(admission.vdn)))
        assert not (probe_of_all and any(probing for _, probing in self.pending)), "one probe of all at a time"
        self.pending.append((admission, probe_of_all))

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def end(self, data: st.DataObject, outcome: BaseException | None) -> None:
        """End any pending call in any way."""
        admission, _ = self.pending.pop(data.draw(st.integers(0, len(self.pending) - 1)))
        clock = self.house.clock
        self.house.breakers.settle(admission, outcome, Deadline(clock() + 1.0, clock))
        if isinstance(outcome, UpstreamError) and outcome.pause is not None:
            way = "all" if outcome.pause.everyone else str(admission.vdn)
            self.paused_until[way] = max(self.paused_until[way], clock() + outcome.pause.seconds)

    @invariant()
    def pauses_agree(self) -> None:
        """Compare what is left of each pause with what CC-iSales asked for."""
        for way, until in self.paused_until.items():
            assert self.house.numbers.pauses[way]() == max(0.0, until - self.house.clock.now)


TestBreakersMachine = BreakersMachine.TestCase
