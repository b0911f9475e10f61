"""What is counted, with `prometheus_client`. Every label has few values: no caller can make new ones."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.telemetry.durations import Durations, Notes

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
        self._drift = Counter(
            "campaign_gateway_upstream_drift",
            "Things in CC-iSales' answers that its interface description does not have, by kind.",
            ["kind"],
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

    def drift(self, kind: str) -> None:
        """Count one thing in an answer of CC-iSales that is not as its interface description says."""
        self._drift.labels(kind).inc()

    def exposition(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        for notes in self._notes:
            notes.settle()
        return generate_latest(self.registry)
