"""What is counted, with `prometheus_client`. Every label has few values: no caller can make new ones."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

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
        self._seconds = Histogram(
            "campaign_gateway_request_duration_seconds",
            "Time from a request to its answer.",
            ["endpoint"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._lookups = Counter(
            "campaign_gateway_cache_lookups",
            "Pages asked of the cache, by outcome (hit, stale, miss, or collapsed into another fetch) and tier.",
            ["outcome", "tier"],
            registry=self.registry,
        )
        self._lookup_counters: dict[tuple[str, str], Counter] = {}
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
        self._seconds.labels(endpoint).observe(seconds)

    def requests_counter(self, endpoint: str, status: int) -> Callable[[float], None]:
        """Return a function that counts one good request of so many seconds, quicker than `request` does."""
        requests, seconds_taken = self._requests.labels(endpoint, str(status), ""), self._seconds.labels(endpoint)

        def count(seconds: float) -> None:
            requests.inc()
            seconds_taken.observe(seconds)

        return count

    def lookup(self, outcome: str, tier: str) -> None:
        """Count one page asked of the cache. `tier` is where it was found, empty when it was fetched."""
        counter = self._lookup_counters.get((outcome, tier))
        if counter is None:
            counter = self._lookup_counters[outcome, tier] = self._lookups.labels(outcome, tier)
        counter.inc()

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

    def unreadable_entry(self) -> None:
        """Count one cache entry that could not be used."""
        self._rubbish.inc()

    def fetch(self, vdn: int, outcome: str, seconds: float) -> None:
        """Count one page asked of CC-iSales. `outcome` is `ok` or the name of a problem type."""
        self._fetches.labels(str(vdn), outcome).inc()
        self._fetch_seconds.observe(seconds)

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
        return generate_latest(self.registry)
