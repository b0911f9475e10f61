"""What turns a report red."""

import dataclasses

import pytest

from tests.soak.announced import Window
from tests.soak.answers import Seen
from tests.soak.callers import Ledger
from tests.soak.calls import Required, Upstream
from tests.soak.clients import Client
from tests.soak.mix import Page, Request
from tests.soak.report import judge, report
from tests.soak.run import Outcome
from tests.soak.usage import Sample

CLIENT = Client("one-1", dict, (1,))
LIMITED = Client("limited", dict, (1,), limited=True)
PAGE = Page(1, "running", "", 2, 10)
ASKED = Request(CLIENT, PAGE.query(with_vdn=False), PAGE)
REFUSED = Request(CLIENT, "vdn=2", None, "forbidden")
RIGHT = Seen("200 hit", rows=10, tag='"a"')
TIMEOUT = Seen("504 upstream-timeout", problem="upstream-timeout")


def outcome(*entries: tuple[Request, float, Seen], leak: float = 0.0, upstream: int = 1) -> Outcome:
    """Return what came of ten seconds in which CC-iSales hung from 3 to 5; each request took 0.1 s."""
    ledger = Ledger()
    for request, began, seen in [(ASKED, 1.0, RIGHT), (ASKED, 1.0, Seen("200 miss", rows=10)), *entries]:
        ledger.enter(request, began, began + 0.1, seen)
    samples = [Sample(float(at), "A worker", 7, 80.0 + leak * at, 40, 30) for at in range(100)]
    windows = [Window("hang", 3.0, 5.0), Window("redis-hangs", 0.0, 100.0)]
    needed = Required(1, 1)
    return Outcome(7, 100.0, 60.0, 0.0, 100.0, ledger, windows, Upstream(upstream), needed, samples)


def red(made: Outcome) -> str:
    """Return the report of an outcome that is not good."""
    verdict = judge(made)
    assert verdict.faults
    text = report(made, verdict)
    assert "NOT MET" in text
    return text


def test_a_good_soak_is_green() -> None:
    """Problems of clients' own making, and those that a fault announces at its time, are as they should be."""
    made = outcome(
        (ASKED, 4.0, TIMEOUT),
        (REFUSED, 50.0, Seen("403 forbidden", problem="forbidden")),
        (Request(LIMITED, "", PAGE), 50.0, Seen("429 rate-limited", problem="rate-limited")),
    )
    verdict = judge(made)
    assert verdict.faults == []
    text = report(made, verdict)
    assert "NOT MET" not in text
    assert "| hang | 1 | 2 | upstream-timeout, upstream-overloaded | 1 |" in text
    assert "| 504 upstream-timeout | 1 |" in text
    assert "| slowest answer | 0.1 s: " in text
    assert "| rows of a foreign VDN | 0 of 20 | 0 | ok |" in text
    assert "| 49 s | 80, 40, 30 |" in text
    assert "| A worker 7 | 99 s | 80.0 to 80.0 MiB | 80 MiB | 40 to 40 | 40 |" in text


@pytest.mark.parametrize(
    ("request_", "began", "seen"),
    [
        (ASKED, 50.0, TIMEOUT),
        (ASKED, 2.0, TIMEOUT),
        (ASKED, 4.0, Seen("502 upstream-failed", problem="upstream-failed")),
        (ASKED, 4.0, Seen("500 internal-error", problem="internal-error")),
        (ASKED, 4.0, Seen("429 rate-limited", problem="rate-limited")),
        (ASKED, 4.0, Seen("401 unauthenticated", problem="unauthenticated")),
        (ASKED, 4.0, Seen("no answer", wrong="no answer: TimeoutError()")),
        (ASKED, 4.0, dataclasses.replace(TIMEOUT, wrong="a problem as text/html")),
        (ASKED, 4.0, dataclasses.replace(RIGHT, wrong="other campaigns than on this page")),
        (REFUSED, 4.0, RIGHT),
        (REFUSED, 50.0, Seen("503 upstream-overloaded", problem="upstream-overloaded")),
    ],
)
def test_an_answer_that_nothing_announces_turns_it_red(request_: Request, began: float, seen: Seen) -> None:
    """At the wrong time, of another fault, of another client, or with anything about it that no fault excuses."""
    made = outcome((request_, began, seen))
    assert len(judge(made).unannounced) == 1
    assert f"got {seen.kind}" in red(made)


def test_a_foreign_row_turns_it_red() -> None:
    """One is enough, in a page that is right in all else."""
    assert "1 of 30 rows were of another VDN" in red(outcome((ASKED, 50.0, dataclasses.replace(RIGHT, foreign=1))))


def test_a_leak_turns_it_red() -> None:
    """A process that grows by one mebibyte a second fails the report."""
    assert "A worker (process 7, 99 s) grew by" in red(outcome(leak=1.0))


def test_calls_without_need_turn_it_red() -> None:
    """Two calls where one is enough fail the report."""
    assert "2 good calls, and 1 were required" in red(outcome(upstream=2))


def test_a_traceback_in_a_log_turns_it_red() -> None:
    """One traceback fails the report, whatever callers got."""
    made = outcome()
    made.tracebacks.append("Traceback (most recent call last)")
    assert "**In the gateways' logs: 1**" in red(made)
