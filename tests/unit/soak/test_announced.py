"""Which problems faults announce, and when."""

import math

import pytest

from gateway.simulator.fault_kinds import FAULT_KINDS
from tests.soak.announced import (
    ANNOUNCED,
    CIRCUIT_S,
    FLIGHT_S,
    REFUSED,
    RESPAWN_S,
    Window,
    excuse,
    note_refusals,
    without_excuse,
)
from tests.soak.answers import STATUS_OF
from tests.soak.upstream_faults import FAULTS

HANG = Window("hang", 100.0, 110.0)


@pytest.mark.parametrize(
    ("problem", "began", "ended", "excused"),
    [
        ("upstream-timeout", 105.0, 106.0, True),
        ("upstream-timeout", 95.0, 100.0, True),
        ("upstream-timeout", 95.0, 99.9, False),
        ("upstream-timeout", 110.0 + FLIGHT_S, 120.0, True),
        ("upstream-timeout", 110.1 + FLIGHT_S, 120.0, False),
        ("upstream-overloaded", 110.0 + CIRCUIT_S, 120.0, True),
        ("upstream-overloaded", 110.1 + CIRCUIT_S, 120.0, False),
        ("upstream-failed", 105.0, 106.0, False),
        ("internal-error", 105.0, 106.0, False),
        ("", 105.0, 106.0, False),
    ],
)
def test_a_problem_is_announced_by_its_fault_at_its_time_only(
    problem: str, began: float, ended: float, *, excused: bool
) -> None:
    """Another problem, an earlier request and one that came too late have no excuse."""
    assert excuse(problem, began, ended, [HANG]) is (HANG if excused else None)


def test_one_of_several_faults_is_enough() -> None:
    """A fault that goes on has no end."""
    killed = Window("worker-killed", 104.0)
    assert killed.ended == math.inf
    assert excuse("internal-error", 500.0, 501.0, [HANG, killed]) is killed


@pytest.mark.parametrize(
    "fault",
    ["redis-hangs", "redis-killed", "workers-replaced", "settings-reloaded", "rolling-restart", "clock-wrong"],
)
@pytest.mark.parametrize("problem", sorted(STATUS_OF))
def test_some_faults_excuse_nothing(fault: str, problem: str) -> None:
    """Trouble with Redis, reloads, restarts and clocks are never an error for a caller."""
    assert excuse(problem, 0.0, 1.0, [Window(fault, 0.0)]) is None


@pytest.mark.parametrize(
    ("fault", "refusals", "excused"), [("keys-revoked", 4, True), ("keys-revoked", 3, False), ("hang", 4, False)]
)
def test_keys_that_were_refused_often_are_refused_for_longer(fault: str, refusals: int, *, excused: bool) -> None:
    """More than a gateway shows in five minutes, of one VDN, and while keys were wrong."""
    windows = [Window(fault, 100.0, 101.0)]
    note_refusals(windows, {"1": [100.5] * refusals, "2": [100.5] * 3, "3": [99.0] * 9})
    assert (excuse(REFUSED, 400.0, 401.0, windows) is not None) is excused
    assert excuse("upstream-failed", 400.0, 401.0, windows) is None
    assert excuse(REFUSED, 402.0, 403.0, windows) is None


def test_refusals_of_faults_that_follow_each_other_count_together() -> None:
    """A gateway counts those of five minutes, whatever was wrong."""
    windows = [Window("keys-revoked", 100.0, 101.0), Window("hang", 101.0, 102.0), Window("http-401", 102.0, 103.0)]
    note_refusals(windows, {"1": [100.5, 100.6, 102.5, 102.6]})
    assert excuse(REFUSED, 402.0, 403.0, windows) is windows[2]
    late = [Window("keys-revoked", 100.0, 101.0), Window("http-401", 500.0, 501.0)]
    note_refusals(late, {"1": [100.5, 100.6, 500.5, 500.6]})
    assert excuse(REFUSED, 600.0, 601.0, late) is None


def test_the_table_speaks_of_problems_and_faults_that_there_are() -> None:
    """Each problem is one of the API, and each fault of the simulator one that it knows."""
    assert {one.problem for announced in ANNOUNCED.values() for one in announced} <= set(STATUS_OF)
    assert set(FAULTS) <= set(ANNOUNCED)
    assert {fault.kind for fault in FAULTS.values()} <= set(FAULT_KINDS)


def test_the_time_without_any_announced_problem_is_what_the_windows_leave() -> None:
    """Windows overlap, last longer than they are under way, and may excuse nothing."""
    windows = [
        Window("worker-killed", 10.0, 20.0),
        Window("worker-killed", 15.0, 18.0),
        Window("redis-hangs", 0.0, 100.0),
        Window("parameters-rejected", 90.0, 99.0),
    ]
    assert without_excuse(windows, 0.0, 100.0) == 10.0 + (90.0 - 20.0 - RESPAWN_S)
    assert without_excuse([], 0.0, 100.0) == 100.0
    assert without_excuse([Window("hang", 0.0)], 0.0, 100.0) == 0.0
