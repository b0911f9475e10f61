"""What is counted, with `prometheus_client`. Every label has few values: no caller can make many new ones."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.telemetry.durations import Durations, Notes
from gateway.telemetry.timestamps import Timestamps

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one app, in a registry of its own so that several apps in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "campaign_gateway_requests",
            "Requests answered, by endpoint, status and problem type (empty for none).",
            ["endpoint", "status", "problem"],
            registry=self.registry,
        )
        self._seconds = Durations(
            "campaign_gateway_request_duration_seconds", "Time from a request to its answer.", SECONDS
        )
        self.registry.register(self._seconds)
        self._notes: list[Notes] = []
        self._lookups = Counter(
            "campaign_gateway_cache_lookups",
            "Pages asked of the cache, by outcome (hit, stale, miss, or collapsed into another fetch) and tier.",
            ["outcome", "tier"],
            registry=self.registry,
        )
        self._refreshes = Counter(
            "campaign_gateway_cache_refreshes",
            "Refreshes of stale pages in the background, by outcome: ok or a problem type.",
            ["outcome"],
            registry=self.registry,
        )
        self._shared_faults = Counter(
            "campaign_gateway_shared_cache_faults",
            "Operations on the shared cache that failed, by kind of fault.",
            ["kind"],
            registry=self.registry,
        )
        self._rubbish = Counter(
            "campaign_gateway_cache_unreadable_entries",
            "Cache entries that were deleted because they are not ours, damaged or of another format.",
            registry=self.registry,
        )
        self._fetches = Counter(
            "campaign_gateway_upstream_fetches",
            "Pages asked of CC-iSales, by VDN and outcome: ok or a problem type.",
            ["vdn", "outcome"],
            registry=self.registry,
        )
        self._fetch_seconds = Histogram(
            "campaign_gateway_upstream_fetch_duration_seconds",
            "Time that CC-iSales took for one page, waiting for a slot included.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._slot_seconds = Histogram(
            "campaign_gateway_upstream_slot_wait_seconds",
            "Time that callers waited for a slot of the call budget, those included who got none.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._slot_refusals = Counter(
            "campaign_gateway_upstream_slot_refusals",
            "Calls not made for want of a slot or of time: queue_too_long, no_slot_in_time or too_late_to_start.",
            ["reason"],
            registry=self.registry,
        )
        self._openings = Counter(
            "campaign_gateway_upstream_circuit_openings",
            "Times that calls to CC-iSales were stopped, after a failed probe too, by VDN or `all`.",
            ["vdn"],
            registry=self.registry,
        )
        self._refused_calls = Counter(
            "campaign_gateway_upstream_refused_calls",
            "Calls to CC-iSales that were not made, by whose way was closed (VDN or `all`) and why (circuit, pause).",
            ["vdn", "reason"],
            registry=self.registry,
        )
        self._circuits = Gauge(
            "campaign_gateway_upstream_circuit_state",
            "The circuit towards CC-iSales, by VDN or `all`: 0 closed, 1 half-open, 2 open.",
            ["vdn"],
            registry=self.registry,
        )
        self._pauses = Gauge(
            "campaign_gateway_upstream_pause_seconds",
            "Seconds that CC-iSales wants no calls for yet (Retry-After), by VDN or `all`.",
            ["vdn"],
            registry=self.registry,
        )
        self._retries = Counter(
            "campaign_gateway_upstream_retries",
            "Calls to CC-iSales that were made once more.",
            registry=self.registry,
        )
        self._retries_over_budget = Counter(
            "campaign_gateway_upstream_retries_over_budget",
            "Calls to CC-iSales that were not made once more because isales.retry_budget was used up.",
            registry=self.registry,
        )
        self._signatures = Counter(
            "campaign_gateway_upstream_signatures",
            "Signatures that CC-iSales accepted, by VDN and key pair: current, previous.",
            ["vdn", "key"],
            registry=self.registry,
        )
        self._clock_ahead = Gauge(
            "campaign_gateway_upstream_clock_skew_seconds",
            "By how much CC-iSales' clock is ahead of ours, as measured when it refused a signature; 0: good enough.",
            registry=self.registry,
        )
        self._rate_limited = Counter(
            "campaign_gateway_rate_limited", "Requests over a limit, by client.", ["client"], registry=self.registry
        )
        self._rate_limit_faults = Counter(
            "campaign_gateway_rate_limit_faults",
            "Requests that only this process counted against a limit because the shared count was out of reach.",
            registry=self.registry,
        )
        self._drift = Counter(
            "campaign_gateway_upstream_drift",
            "Things in CC-iSales' answers that its interface description does not have, by kind.",
            ["kind"],
            registry=self.registry,
        )

        self._token_checks = Counter(
            "campaign_gateway_token_checks",
            "Bearer tokens that were verified, by outcome: ok or the reason of the refusal.",
            ["outcome"],
            registry=self.registry,
        )
        self._token_key_reads = Counter(
            "campaign_gateway_token_key_reads",
            "Readings of the identity provider's keys, by outcome: ok or failed.",
            ["outcome"],
            registry=self.registry,
        )

    def request(self, endpoint: str, status: int, problem: str, seconds: float) -> None:
        """Count one answered request. `problem` is the name of its problem type, or empty."""
        self._requests.labels(endpoint, str(status), problem).inc()
        self._seconds.observe(endpoint, [seconds])

    def hits_counter(self, endpoint: str, status: int, outcome: str, tier: str) -> Callable[[float], None]:
        """Return a function that counts one request of so many seconds, and the look-up that answered it.

        It does what `request` and `lookup` do at a tenth of their cost.
        """
        requests, lookups = self._requests.labels(endpoint, str(status), ""), self._lookups.labels(outcome, tier)

        def settled(seconds: list[float]) -> None:
            requests.inc(len(seconds))
            lookups.inc(len(seconds))
            self._seconds.observe(endpoint, seconds)

        notes = Notes(settled)
        self._notes.append(notes)
        return notes.note

    def lookup(self, outcome: str, tier: str) -> None:
        """Count one page asked of the cache. `tier` is where it was found, empty when it was fetched."""
        self._lookups.labels(outcome, tier).inc()

    def refresh(self, outcome: str) -> None:
        """Count one refresh in the background. `outcome` is `ok` or the name of a problem type."""
        self._refreshes.labels(outcome).inc()

    def shared_fault(self, kind: str) -> None:
        """Count one failed operation on the shared cache."""
        self._shared_faults.labels(kind).inc()

    def watch_memory(
        self, held_bytes: Callable[[], float], pages: Callable[[], float], evictions: Callable[[], float]
    ) -> None:
        """Read how much this process holds whenever the numbers are asked for."""
        for name, meaning, read in (
            ("held_bytes", "Bytes of pages that this process holds.", held_bytes),
            ("held_pages", "Pages that this process holds.", pages),
            ("evicted_pages", "Pages that had to make room for others since the start.", evictions),
        ):
            Gauge(f"campaign_gateway_cache_{name}", meaning, registry=self.registry).set_function(read)

    def watch_turns(self, waiting: Callable[[], float]) -> None:
        """Read how many requests wait for their turn whenever the numbers are asked for."""
        meaning = "Requests that wait for their turn to be worked on; not those that wait for CC-iSales."
        Gauge("campaign_gateway_requests_waiting", meaning, registry=self.registry).set_function(waiting)

    def unreadable_entry(self) -> None:
        """Count one cache entry that could not be used."""
        self._rubbish.inc()

    def fetch(self, vdn: int, outcome: str, seconds: float) -> None:
        """Count one page asked of CC-iSales. `outcome` is `ok` or the name of a problem type."""
        self._fetches.labels(str(vdn), outcome).inc()
        self._fetch_seconds.observe(seconds)

    def slot_wait(self, seconds: float) -> None:
        """Note how long one caller waited for a slot of the call budget."""
        self._slot_seconds.observe(seconds)

    def slot_refusal(self, reason: str) -> None:
        """Count one call that was not made for want of a slot or of time."""
        self._slot_refusals.labels(reason).inc()

    def watch_slots(self, in_use: Callable[[], float], waiting: Mapping[str, Callable[[], float]]) -> None:
        """Read the call budget of this process whenever the numbers are asked for; `waiting` is by priority."""
        Gauge(
            "campaign_gateway_upstream_slots_in_use",
            "Slots of the call budget that this process holds.",
            registry=self.registry,
        ).set_function(in_use)
        callers = Gauge(
            "campaign_gateway_upstream_slots_waiting",
            "Callers in this process that wait for a slot of the call budget, by priority.",
            ["priority"],
            registry=self.registry,
        )
        for priority, read in waiting.items():
            callers.labels(priority).set_function(read)

    def watch_way(self, way: str, state: Callable[[], float], paused_s: Callable[[], float]) -> None:
        """Read the state of a circuit and what is left of a pause whenever the numbers are asked for.

        `way` is a VDN or `all`.
        """
        self._circuits.labels(way).set_function(state)
        self._pauses.labels(way).set_function(paused_s)

    def circuit_opened(self, way: str) -> None:
        """Count one opening of the circuit of a VDN, or of `all`."""
        self._openings.labels(way).inc()

    def call_refused(self, way: str, reason: str) -> None:
        """Count one call that was not made because of a VDN's way or that of `all`. `reason`: `circuit`, `pause`."""
        self._refused_calls.labels(way, reason).inc()

    def retry(self) -> None:
        """Count one call that was made once more."""
        self._retries.inc()

    def retry_over_budget(self) -> None:
        """Count one call that was not made once more because the budget for that was used up."""
        self._retries_over_budget.inc()

    def signature(self, vdn: int, key: str) -> None:
        """Count one signature that CC-iSales accepted. `key` is `current` or `previous`."""
        self._signatures.labels(str(vdn), key).inc()

    def clock_ahead(self, seconds: float) -> None:
        """Show by how much CC-iSales' clock is ahead of ours."""
        self._clock_ahead.set(seconds)

    def rate_limited(self, client: str) -> None:
        """Count one request that was refused because its client was over its limit."""
        self._rate_limited.labels(client).inc()

    def rate_limit_fault(self) -> None:
        """Count one request that only this process counted because the shared count was out of reach."""
        self._rate_limit_faults.inc()

    def watch_clients(self, report: Callable[[], Iterable[tuple[str, str, float]]]) -> None:
        """Read when credentials were last good whenever the numbers are asked for: client, kind, seconds since 1970."""
        self.registry.register(
            Timestamps(
                "campaign_gateway_client_last_seen_timestamp_seconds",
                "When a client's credential (current or previous key, or token) was last good; 0: not since the start.",
                ("client", "credential"),
                report,
            )
        )

    def token_check(self, outcome: str) -> None:
        """Count one bearer token that was verified. `outcome` is `ok` or the reason of the refusal."""
        self._token_checks.labels(outcome).inc()

    def token_key_read(self, outcome: str) -> None:
        """Count one reading of the identity provider's keys. `outcome` is `ok` or `failed`."""
        self._token_key_reads.labels(outcome).inc()

    def drift(self, kind: str) -> None:
        """Count one thing in an answer of CC-iSales that is not as its interface description says."""
        self._drift.labels(kind).inc()

    def exposition(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        for notes in self._notes:
            notes.settle()
        return generate_latest(self.registry)
