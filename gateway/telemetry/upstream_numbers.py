"""What is counted of the way to CC-iSales."""

import math
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping

from gateway.telemetry.known_labels import CALL_OUTCOMES, DRIFT_KINDS, FETCHES, KEYS, REFUSED_CALLS, SLOT_REFUSALS
from gateway.telemetry.numbers import Numbers, Over

MOST_RESULT_CODES = 50
"""So many result codes have a number of their own; CC-iSales' interface description has fewer."""

RESULT_CODE = re.compile(r"[0-9][0-9-]{5,6}[0-9]\Z")
OTHER = "other"


class UpstreamNumbers(Numbers):
    """The numbers of fetches, attempts, the call budget, circuits, signatures and drift."""

    def __init__(self) -> None:
        super().__init__()
        self._fetches = self._counter(
            "upstream_fetches",
            "Pages asked of CC-iSales, by VDN, outcome (ok or a problem type) and its result code (empty: none).",
            "vdn",
            "outcome",
            "result_code",
        )
        self._codes: set[str] = set()
        self._codes_lock = threading.Lock()
        self._fetch_seconds = self._histogram(
            "upstream_fetch_duration_seconds", "Time that CC-iSales took for one page, waiting for a slot included."
        )
        self._attempts = self._counter(
            "upstream_attempts",
            "Attempts to get a page from CC-iSales, retries included, by outcome: ok or a problem type.",
            "outcome",
            known=zip(CALL_OUTCOMES, strict=True),
        )
        self._retries = self._counter("upstream_retries", "Calls to CC-iSales that were made once more.")
        self._retries_over_budget = self._counter(
            "upstream_retries_over_budget",
            "Calls to CC-iSales that were not made once more because isales.retry_budget was used up.",
        )
        self._slot_seconds = self._histogram(
            "upstream_slot_wait_seconds",
            "Time that callers waited for a slot of the call budget, those included who got none.",
        )
        self._slot_refusals = self._counter(
            "upstream_slot_refusals",
            "Calls not made for want of a slot or of time: queue_too_long, no_slot_in_time or too_late_to_start.",
            "reason",
            known=zip(SLOT_REFUSALS, strict=True),
        )
        self._openings = self._counter(
            "upstream_circuit_openings",
            "Times that calls to CC-iSales were stopped, after a failed probe too, by VDN or `all`.",
            "vdn",
        )
        self._refused_calls = self._counter(
            "upstream_refused_calls",
            "Calls to CC-iSales not made, by whose way was closed (VDN or `all`) and why: circuit, pause, locked.",
            "vdn",
            "reason",
        )
        self._circuits = self._gauge(
            Over.MOST,
            "upstream_circuit_state",
            "The circuit towards CC-iSales, by VDN or `all`: 0 closed, 1 half-open, 2 open.",
            "vdn",
        )
        self._pauses = self._gauge(
            Over.MOST,
            "upstream_pause_seconds",
            "Seconds that CC-iSales wants no calls for yet (Retry-After), by VDN or `all`.",
            "vdn",
        )
        self._ways: set[str] = set()
        self._signatures = self._counter(
            "upstream_signatures",
            "Signatures that CC-iSales accepted, by VDN and key pair: current, previous.",
            "vdn",
            "key",
        )
        self._refused_signatures = self._counter(
            "upstream_refused_signatures", "Signatures that CC-iSales refused (HTTP 401), by VDN.", "vdn"
        )
        self._keys_refused = self._gauge(
            Over.MOST,
            "upstream_keys_refused",
            "Whether CC-iSales refuses all keys of a VDN (1), so that it is asked ever less often; else 0.",
            "vdn",
        )
        self._clock_ahead = self._gauge(
            Over.FURTHEST,
            "upstream_clock_skew_seconds",
            "By how much CC-iSales' clock is ahead of ours, as measured when it refused a signature; 0: good enough.",
        )
        self._certificate_expires = self._gauge(
            Over.LEAST,
            "upstream_certificate_expiry_timestamp_seconds",
            "When the certificate of CC-iSales, or one above it, expires, in seconds since 1970; absent before the "
            "first TLS connection.",
        )
        # 0 would be a certificate that is long over.
        self._certificate_expires.set(math.nan)
        self._drift = self._counter(
            "upstream_drift",
            "Things in CC-iSales' answers that its interface description does not have, by kind.",
            "kind",
            known=zip(DRIFT_KINDS, strict=True),
        )

    def begin(self, vdns: Iterable[int]) -> None:
        """Have what is counted by VDN begin at 0 for these."""
        for vdn in map(str, vdns):
            for outcome, code in FETCHES:
                self._fetches.labels(vdn, outcome, code)
            for key in KEYS:
                self._signatures.labels(vdn, key)
            self._refused_signatures.labels(vdn)
            self._keys_refused.labels(vdn)

    def fetch(self, vdn: int, outcome: str, seconds: float, result_code: str = "") -> None:
        """Count one page asked of CC-iSales. `outcome` is `ok` or the name of a problem type."""
        self._fetches.labels(str(vdn), outcome, self._bounded(result_code)).inc()
        self._fetch_seconds.observe(seconds)

    def attempt(self, outcome: str) -> None:
        """Count one attempt. `outcome` is `ok` or the name of a problem type."""
        self._attempts.labels(outcome).inc()

    def retry(self) -> None:
        """Count one call that was made once more."""
        self._retries.inc()

    def retry_over_budget(self) -> None:
        """Count one call that was not made once more because the budget for that was used up."""
        self._retries_over_budget.inc()

    def slot_wait(self, seconds: float) -> None:
        """Note how long one caller waited for a slot of the call budget."""
        self._slot_seconds.observe(seconds)

    def slot_refusal(self, reason: str) -> None:
        """Count one call that was not made for want of a slot or of time."""
        self._slot_refusals.labels(reason).inc()

    def watch_slots(
        self,
        in_use: Callable[[], float],
        waiting: Mapping[str, Callable[[], float]],
        budget: float,
        *,
        shared: bool,
    ) -> None:
        """Read the call budget of this process whenever the numbers are asked for; `waiting` is by priority.

        `budget` is how many slots there are, in all processes together if `shared`.
        """
        self._gauge(
            Over.MOST if shared else Over.SUM,
            "upstream_slots",
            "Slots of the call budget: calls to CC-iSales that may be made at once.",
        ).set(budget)
        self._gauge(Over.SUM, "upstream_slots_in_use", "Slots of the call budget that this server holds.").set_function(
            in_use
        )
        callers = self._gauge(
            Over.SUM,
            "upstream_slots_waiting",
            "Callers that wait for a slot of the call budget, by priority.",
            "priority",
        )
        for priority, read in waiting.items():
            callers.labels(priority).set_function(read)

    def watch_way(self, way: str, state: Callable[[], float], paused_s: Callable[[], float]) -> None:
        """Read the state of a circuit and what is left of a pause whenever the numbers are asked for.

        `way` is a VDN or `all`. What is counted of it begins at 0.
        """
        self._circuits.labels(way).set_function(state)
        self._pauses.labels(way).set_function(paused_s)
        self._ways.add(way)
        self._openings.labels(way)
        for reason in REFUSED_CALLS:
            self._refused_calls.labels(way, reason)

    def watch_only(self, ways: Collection[str]) -> None:
        """Show the circuits and pauses of these ways and of no others, which are gone."""
        for way in self._ways.difference(ways):
            self._circuits.remove(way)
            self._pauses.remove(way)
        self._ways.intersection_update(ways)

    def circuit_opened(self, way: str) -> None:
        """Count one opening of the circuit of a VDN, or of `all`."""
        self._openings.labels(way).inc()

    def call_refused(self, way: str, reason: str) -> None:
        """Count one call that was not made because of a VDN's way or that of `all`. `reason`: see there."""
        self._refused_calls.labels(way, reason).inc()

    def signature(self, vdn: int, key: str) -> None:
        """Count one signature that CC-iSales accepted. `key` is `current` or `previous`."""
        self._signatures.labels(str(vdn), key).inc()

    def signature_refused(self, vdn: int, signatures: int) -> None:
        """Count so many signatures for `vdn` that CC-iSales refused."""
        self._refused_signatures.labels(str(vdn)).inc(signatures)

    def keys_refused(self, vdn: int, *, refused: bool) -> None:
        """Show whether CC-iSales refuses all keys of `vdn`."""
        self._keys_refused.labels(str(vdn)).set(float(refused))

    def clock_ahead(self, seconds: float) -> None:
        """Show by how much CC-iSales' clock is ahead of ours."""
        self._clock_ahead.set(seconds)

    def certificate_expires(self, at: float) -> None:
        """Show when the certificate of CC-iSales expires, seconds since 1970."""
        self._certificate_expires.set(at)

    def drift(self, kind: str) -> None:
        """Count one thing in an answer of CC-iSales that is not as its interface description says."""
        self._drift.labels(kind).inc()

    def _bounded(self, code: str) -> str:
        """Return the label for a result code; whatever CC-iSales sends, there are few of them."""
        if not code or code in self._codes:
            return code
        with self._codes_lock:
            if len(self._codes) < MOST_RESULT_CODES and RESULT_CODE.match(code):
                self._codes.add(code)
            return code if code in self._codes else OTHER
