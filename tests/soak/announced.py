"""Which problems callers may get, by what is wrong at that moment. Pure.

The contract announces them: each fault has its problems, while it is under way and for a while after. What is
nowhere here, as a Redis that hangs or a gateway that restarts, is no excuse for any error.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.isales.signature_budget import MOST_BEFORE_ASKING, WINDOW_S

DEADLINE_S = 3.0
"""`isales.deadline_s` of the gateways."""

BREAKER_OPEN_MAX_S = 2.0
"""`isales.breaker_open_max_s` of the gateways."""

FLIGHT_S = DEADLINE_S + 1.0
"""Whoever joins a fetch that began while CC-iSales was ill gets its failure, at the latest when its time is up."""

CIRCUIT_S = FLIGHT_S + BREAKER_OPEN_MAX_S + 1.0
"""The last call to fail may open a circuit once more, which a call closes after its time."""

RESPAWN_S = 4.0
"""A worker that is back is left alone by nginx for up to three seconds, and there may be no other."""

OVERLOADED = "upstream-overloaded"
REFUSED = "upstream-refused-credentials"
UNREACHABLE = "upstream-unreachable"
BROKEN_CONTRACT = "upstream-broken-contract"
FAILED = "upstream-failed"
TIMEOUT = "upstream-timeout"


@dataclass(frozen=True)
class Announced:
    """A problem that callers may get of a fault, up to `after_s` seconds after it."""

    problem: str
    after_s: float


def _of_calls(problem: str) -> tuple[Announced, ...]:
    """Return what is announced where calls fail with this problem, and are stopped when too many have."""
    return Announced(problem, FLIGHT_S), Announced(OVERLOADED, CIRCUIT_S)


ANNOUNCED: Mapping[str, tuple[Announced, ...]] = {
    # CC-iSales: its time
    "latency": (Announced(TIMEOUT, FLIGHT_S), Announced(OVERLOADED, CIRCUIT_S)),
    "hang": _of_calls(TIMEOUT),
    "drip": _of_calls(TIMEOUT),
    "drip-headers": _of_calls(TIMEOUT),
    # its connections
    "stopped": _of_calls(UNREACHABLE),
    "reset-before": _of_calls(UNREACHABLE),
    "reset-in-headers": _of_calls(UNREACHABLE),
    "reset-in-body": _of_calls(UNREACHABLE),
    # its form
    "short-body": _of_calls(BROKEN_CONTRACT),
    "not-json": _of_calls(BROKEN_CONTRACT),
    "html": _of_calls(BROKEN_CONTRACT),
    "bom": _of_calls(BROKEN_CONTRACT),
    "gzip-bomb": _of_calls(BROKEN_CONTRACT),
    "redirect": _of_calls(BROKEN_CONTRACT),
    # what it says
    "http-500": _of_calls(FAILED),
    "http-429": (Announced(OVERLOADED, CIRCUIT_S),),
    "http-503": (Announced(OVERLOADED, CIRCUIT_S),),
    "http-401": _of_calls(REFUSED),
    "keys-revoked": _of_calls(REFUSED),
    "result-code": _of_calls(FAILED),
    "parameters-rejected": (Announced("upstream-rejected-parameters", FLIGHT_S),),
    "clock-wrong": (),
    # Redis
    "redis-hangs": (),
    "redis-killed": (),
    # the gateways
    "worker-killed": (Announced("internal-error", RESPAWN_S),),
    "workers-replaced": (),
    "settings-reloaded": (),
    "rolling-restart": (),
}


@dataclass
class Window:
    """When a fault was under way, seconds of the monotonic clock; it goes on while `ended` is infinite.

    Keys of a VDN that it had refused often are shown to CC-iSales again from `refused_until` on.
    """

    fault: str
    began: float
    ended: float = field(default=math.inf)
    detail: str = ""
    refused_until: float = field(default=-math.inf)


def note_refusals(windows: Iterable[Window], refusals: Mapping[str, Sequence[float]]) -> None:
    """Take note in `windows` of what the times of `refusals`, by VDN, mean for the time after.

    On a busy machine more calls are under way when keys are revoked than a gateway has refused in five minutes; and so
    are there where one such fault follows another.
    """
    refusing = [window for window in windows if REFUSED in {announced.problem for announced in ANNOUNCED[window.fault]}]
    for window in refusing:
        spans = [
            (max(each.began, window.ended - WINDOW_S), each.ended + 1.0)
            for each in refusing
            if each.began <= window.began
        ]
        counts = [
            sum(any(began <= at <= ended for began, ended in spans) for at in times) for times in refusals.values()
        ]
        if max(counts, default=0) > MOST_BEFORE_ASKING:
            window.refused_until = window.ended + WINDOW_S


def excuse(problem: str, began: float, ended: float, windows: Iterable[Window]) -> Window | None:
    """Return a fault that announces `problem` to a request that was under way from `began` to `ended`."""
    for window in windows:
        for announced in ANNOUNCED[window.fault]:
            until = window.ended + announced.after_s
            if announced.problem == REFUSED:
                until = max(until, window.refused_until)
            is_then = window.began <= ended and began <= until
            if announced.problem == problem and is_then:
                return window
    return None


def without_excuse(windows: Sequence[Window], began: float, ended: float) -> float:
    """Return for how many seconds between `began` and `ended` no problem of any kind was announced."""
    spans = sorted(
        (window.began, window.ended + max(announced.after_s for announced in ANNOUNCED[window.fault]))
        for window in windows
        if ANNOUNCED[window.fault]
    )
    quiet, at = 0.0, began
    for first, last in spans:
        quiet += max(0.0, min(first, ended) - at)
        at = max(at, min(last, ended))
    return quiet + max(0.0, ended - at)
