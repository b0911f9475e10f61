"""No calls to CC-iSales while they are in vain or unwanted: a circuit breaker, and the pauses that it asks for.

Each VDN has a way of its own, and there is one for all. A call goes only if both ways admit it, and its end is
judged for both.
"""

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from gateway.errors import GatewayError, UpstreamError, UpstreamForbidden, UpstreamOverloaded
from gateway.isales.circuit import CircuitPolicy, CircuitState, Permit
from gateway.isales.request import VendorRequest
from gateway.isales.send import Send, VendorAnswer
from gateway.isales.verdict import Verdict, judge
from gateway.isales.way import Change, Refusal, Way
from gateway.model import Deadline
from gateway.settings.model import IsalesSettings
from gateway.telemetry.upstream_numbers import UpstreamNumbers


@dataclass(frozen=True, slots=True)
class Admission:
    """The permits of one call."""

    vdn: int
    of_vdn: Permit
    of_all: Permit


class Breakers:
    """The ways of the given VDNs and of all, for the threads of this process. Other processes have their own.

    Breakers that follow others after a reload get from `make_way` the ways that they share, and with them the `lock`.
    """

    def __init__(
        self,
        settings: IsalesSettings,
        vdns: Iterable[int],
        metrics: UpstreamNumbers,
        clock: Callable[[], float],
        wall: Callable[[], datetime],
        make_way: Callable[[int | None, CircuitPolicy], Way] = Way,
        lock: "threading.Lock | None" = None,  # a function until Python 3.13
    ) -> None:
        policy = CircuitPolicy(
            settings.breaker_failure_ratio,
            settings.breaker_min_calls,
            settings.breaker_window_s,
            settings.breaker_open_s,
            settings.breaker_open_max_s,
        )
        self._all = make_way(None, policy)
        self._of_vdn = {vdn: make_way(vdn, policy) for vdn in vdns}
        self._locked_pause_s = settings.locked_pause_s
        self._forbidden: set[int] = set()
        self._metrics = metrics
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock() if lock is None else lock
        for way in (self._all, *self._of_vdn.values()):
            metrics.watch_way(way.label, partial(self._state, way), partial(self._paused_s, way))

    def look(self, vdn: int) -> None:
        """Raise `UpstreamOverloaded`, or `UpstreamForbidden` after a lock, if no call for `vdn` may go now."""
        with self._lock:
            refusal = self._refusal(vdn, self._clock())
        if refusal is not None:
            raise self._refused(refusal)

    def admit(self, vdn: int, patience_s: float) -> Admission:
        """Return the permits for a call for `vdn` that gives up after `patience_s`, or raise as `look` does.

        What comes of the call must be told to `settle`.
        """
        with self._lock:
            now = self._clock()
            refusal = self._refusal(vdn, now)
            if refusal is None:
                return Admission(vdn, self._of_vdn[vdn].admit(now, patience_s), self._all.admit(now, patience_s))
        raise self._refused(refusal)

    def settle(self, admission: Admission, error: BaseException | None) -> float:
        """Take note that the call ended with `error`, or with an answer if that is `None`.

        Returns for how many seconds no call for that VDN is made now, 0 if one may go.
        """
        judgement = judge(error)
        failure = f"{error.name}: {error.detail}" if isinstance(error, GatewayError) else ""
        of_vdn = self._of_vdn[admission.vdn]
        with self._lock:
            now = self._clock()
            changes = []
            if isinstance(error, UpstreamForbidden) and not error.of_query:
                changes += self._lock_ways(admission, error.detail, now, error.retry_after_s or 0)
            elif judgement.whole is Verdict.GOOD:
                self._forbidden.clear()
            changes += [
                self._all.settle(admission.of_all, judgement.whole, failure, now),
                of_vdn.settle(admission.of_vdn, judgement.vdn, failure, now),
            ]
            if isinstance(error, UpstreamOverloaded) and error.pause_s is not None:
                changes.append((of_vdn if error.one_vdn else self._all).pause(error.pause_s, now, error.asked_by))
            refusal = self._refusal(admission.vdn, now)
        for change in changes:
            if change is not None:
                self._tell(change)
        return 0.0 if refusal is None else refusal.wait_s

    def report(self) -> Mapping[str, str]:
        """Return by VDN or `all` what a way that is not open to calls is: `paused`, `locked`, `open` or `half-open`."""
        with self._lock:
            now = self._clock()
            ways = {way.label: _word(way, now) for way in (self._all, *self._of_vdn.values())}
        return {label: word for label, word in ways.items() if word}

    def _lock_ways(self, admission: Admission, failure: str, now: float, least_s: float) -> list[Change | None]:
        """Lock the way of that VDN, and that of all once a second VDN is not let through and none was in between.

        What turns one VDN away may be its keys; what turns away another as well is our address.
        """
        self._forbidden.add(admission.vdn)
        seconds = max(self._locked_pause_s, least_s)
        changes = [self._of_vdn[admission.vdn].lock(admission.of_vdn, seconds, failure, now)]
        if len(self._forbidden) > 1:
            changes.append(self._all.lock(admission.of_all, seconds, failure, now))
        return changes

    def _refusal(self, vdn: int, now: float) -> Refusal | None:
        refusals = [way.refusal(now) for way in (self._all, self._of_vdn[vdn])]
        return max(filter(None, refusals), key=lambda refusal: refusal.wait_s, default=None)

    def _refused(self, refusal: Refusal) -> UpstreamError:
        self._metrics.call_refused(refusal.way, refusal.reason)
        kind = UpstreamForbidden if refusal.reason == "locked" else UpstreamOverloaded
        return kind(refusal.detail, retry_after_s=max(1, math.ceil(refusal.wait_s)), sent=False)

    def _tell(self, change: Change) -> None:
        log = structlog.get_logger("gateway.isales")
        if change.kind == "stopped":
            self._metrics.circuit_opened(change.way)
            log.warning("upstream_stopped", vdn=change.way, for_s=change.seconds, last_failure=change.why)
        elif change.kind == "locked":
            self._metrics.circuit_opened(change.way)
            remedy = "see what flask isales doctor says; more calls may prolong a lock"
            log.error("upstream_locked", vdn=change.way, for_s=change.seconds, detail=change.why, remedy=remedy)
        elif change.kind == "paused":
            until = self._wall() + timedelta(seconds=change.seconds)
            log.warning(
                "upstream_paused",
                vdn=change.way,
                for_s=change.seconds,
                until=until.isoformat(timespec="seconds"),
                reason=f"CC-iSales asked for it with {change.why}",
                note="this process forgets it when it restarts",
            )
        else:
            log.info("upstream_resumed", vdn=change.way, after_s=round(change.seconds, 1))

    def _state(self, way: Way) -> float:
        with self._lock:
            return way.state(self._clock()).value

    def _paused_s(self, way: Way) -> float:
        with self._lock:
            return way.paused_s(self._clock())


def refuse_while_open(send: Send, breakers: Breakers) -> Send:
    """Return `send` without the calls that would be refused anyway, so that those do not queue for a slot first."""

    def send_unless_refused(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        breakers.look(request.tenant.vdn)
        return send(request, deadline)

    return send_unless_refused


def with_breaker(send: Send, breakers: Breakers) -> Send:
    """Return `send` with each call admitted first and judged by how it ends."""

    def send_if_admitted(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        admission = breakers.admit(request.tenant.vdn, deadline.remaining())
        try:
            answer = send(request, deadline)
        except UpstreamForbidden as error:
            wait_s = breakers.settle(admission, error)
            raise error.again(retry_after_s=math.ceil(wait_s) or None) from None
        except BaseException as error:
            breakers.settle(admission, error)
            raise
        breakers.settle(admission, None)
        return answer

    return send_if_admitted


def _word(way: Way, now: float) -> str:
    if way.paused_s(now):
        return "paused"
    state = way.state(now)
    if way.is_locked:
        return "locked"
    return "" if state is CircuitState.CLOSED else state.name.lower().replace("_", "-")
