"""One way: which of pause and circuit refuses, and in which words."""

from gateway.isales.circuit import CircuitPolicy
from gateway.isales.verdict import Verdict
from gateway.isales.way import Change, Way

POLICY = CircuitPolicy(failure_ratio=0.5, min_calls=1, window_s=30.0, open_s=5.0, open_max_s=60.0)
FAILURE = "upstream-unreachable: CC-iSales refused the connection."


def stopped(vdn: int | None = 1) -> Way:
    """Return a way whose circuit opened at 0."""
    way = Way(vdn, POLICY)
    assert way.settle(way.admit(0.0, 8.0), Verdict.BAD, FAILURE, 0.0) == Change(way.label, "stopped", 5.0, FAILURE)
    return way


def test_an_open_circuit_says_since_when_for_whom_why_and_until_when() -> None:
    """The words of the refusal are all that a person on call needs to begin with."""
    for vdn, label, whom in ((1, "1", "VDN 1"), (None, "all", "all VDNs")):
        refusal = stopped(vdn).refusal(2.5)
        assert refusal is not None
        assert (refusal.way, refusal.reason, refusal.wait_s) == (label, "circuit", 2.5)
        assert refusal.detail == (
            f"Calls to CC-iSales for {whom} were stopped 2 s ago because too many failed, the last one with"
            " upstream-unreachable: CC-iSales refused the connection. The next one is tried in 3 s."
        )


def test_silence_is_told_to_the_circuit_as_such() -> None:
    """Three calls without an answer stop a way that would wait for a hundred bad ones."""
    way = Way(1, CircuitPolicy(failure_ratio=0.5, min_calls=100, window_s=30.0, open_s=5.0, open_max_s=60.0))
    ends = [Verdict.BAD, Verdict.BAD, Verdict.BAD, Verdict.UNANSWERED, Verdict.UNANSWERED, Verdict.UNANSWERED]
    changes = [way.settle(way.admit(0.0, 8.0), verdict, FAILURE, 0.0) for verdict in ends]
    assert changes == [None] * 5 + [Change("1", "stopped", 5.0, FAILURE)]


def test_a_probe_under_way_is_named() -> None:
    """Others are told that one call is finding out."""
    way = stopped()
    way.admit(5.0, 8.0)
    refusal = way.refusal(6.0)
    assert refusal is not None
    assert refusal.detail.endswith("One is under way to see whether they work again.")
    assert refusal.wait_s == 1.0


def test_a_probe_that_succeeds_is_told_with_how_long_it_took() -> None:
    """The change says for how long calls were stopped; an ordinary success changes nothing."""
    way = stopped()
    assert way.settle(way.admit(7.0, 8.0), Verdict.GOOD, "", 7.5) == Change("1", "resumed", 7.5)
    assert way.refusal(7.5) is None
    assert way.settle(way.admit(8.0, 8.0), Verdict.GOOD, "", 8.0) is None


def test_a_probe_that_says_nothing_is_followed_by_another() -> None:
    """The way stays half-open and no call is refused until the next has its turn."""
    way = stopped()
    assert way.settle(way.admit(5.0, 8.0), Verdict.NOTHING, "", 5.0) is None
    assert way.refusal(5.0) is None


def test_a_pause_refuses_until_it_is_over() -> None:
    """What is left of it is told, in whole seconds that are never too few."""
    way = Way(None, POLICY)
    assert way.pause(7.0, 0.0) == Change("all", "paused", 7.0, "Retry-After")
    refusal = way.refusal(0.5)
    assert refusal is not None
    assert (refusal.reason, refusal.wait_s) == ("pause", 6.5)
    assert refusal.detail == "CC-iSales asked for a pause in the calls for all VDNs (Retry-After); 7 s of it are left."
    assert (way.refusal(7.0), way.paused_s(7.0)) == (None, 0.0)


def test_a_pause_tells_what_asked_for_it() -> None:
    """It is named by what the longest one in force was asked for with."""
    way = Way(1, POLICY)
    way.pause(2.0, 0.0, "result code 0200022")
    refusal = way.refusal(0.0)
    assert refusal is not None
    assert "for VDN 1 (result code 0200022); 2 s" in refusal.detail
    way.pause(60.0, 0.0)
    way.pause(2.0, 0.0, "result code 0200022")
    refusal = way.refusal(0.0)
    assert refusal is not None
    assert "(Retry-After); 60 s" in refusal.detail


def test_the_later_end_of_two_pauses_counts() -> None:
    """A pause is never made shorter, and one that ends at about the same time is no news."""
    way = Way(1, POLICY)
    way.pause(100.0, 0.0)
    assert way.pause(7.0, 1.0) is None
    assert way.paused_s(1.0) == 99.0
    assert way.pause(100.0, 0.5) is None
    assert way.pause(100.0, 50.0) == Change("1", "paused", 100.0, "Retry-After")


def test_the_longer_of_pause_and_circuit_speaks() -> None:
    """A call may go when both are over, so the longer wait is the true one."""
    way = stopped()
    way.pause(3.0, 0.0)
    refusals = [way.refusal(now) for now in (0.0, 4.0)]
    assert [refusal and (refusal.reason, refusal.wait_s) for refusal in refusals] == [
        ("circuit", 5.0),
        ("circuit", 1.0),
    ]
    way.pause(60.0, 0.0)
    refusal = way.refusal(0.0)
    assert refusal is not None
    assert (refusal.reason, refusal.wait_s) == ("pause", 60.0)
