"""What is counted of the page cache, in this process and in the Redis that several share."""

from collections.abc import Callable, Collection

from gateway.telemetry.known_labels import CALL_OUTCOMES, LOOKUPS, SHARED_FAULTS, SHARED_OPERATIONS
from gateway.telemetry.numbers import Numbers, Over


class CacheNumbers(Numbers):
    """The numbers of pages and of where they are kept."""

    def __init__(self) -> None:
        super().__init__()
        self._lookups = self._counter(
            "cache_lookups",
            "Pages asked of the cache, by outcome (hit, stale, miss, or collapsed into another fetch), and of those"
            " found by rung (fresh, stale-while-revalidate, stale-if-error) and tier (process, shared).",
            "outcome",
            "rung",
            "tier",
            known=LOOKUPS,
        )
        self._refreshes = self._counter(
            "cache_refreshes",
            "Fetches in the background, by outcome: ok or a problem type.",
            "outcome",
            known=zip(CALL_OUTCOMES, strict=True),
        )
        self._shared_faults = self._counter(
            "shared_cache_faults",
            "Operations on the shared cache that failed, by kind of fault.",
            "kind",
            known=zip(SHARED_FAULTS, strict=True),
        )
        self._operation_faults = self._counter(
            "shared_cache_operation_faults",
            "Operations on the shared cache that failed, by what was to be done (look, lease, store, slot, signature,"
            " limit, listen, purge).",
            "operation",
            known=zip(SHARED_OPERATIONS, strict=True),
        )
        self._rubbish = self._counter(
            "cache_unreadable_entries",
            "Cache entries that were deleted because they are not ours, damaged or of another format.",
        )

    def refresh(self, outcome: str) -> None:
        """Count one fetch in the background. `outcome` is `ok` or the name of a problem type."""
        self._refreshes.labels(outcome).inc()

    def shared_fault(self, kind: str, operation: str) -> None:
        """Count one failed operation on the shared cache."""
        self._shared_faults.labels(kind).inc()
        self._operation_faults.labels(operation).inc()

    def unreadable_entry(self) -> None:
        """Count one cache entry that could not be used."""
        self._rubbish.inc()

    def watch_shared_cache(self, state: Callable[[], str], failing: Callable[[], Collection[str]]) -> None:
        """Read how the shared cache is whenever the numbers are asked for: `off`, `ok` or `failing`.

        `failing` returns the operations that fail by themselves.
        """

        def up() -> list[tuple[tuple[str, ...], float]]:
            now = state()
            return [] if now == "off" else [((), float(now != "failing"))]

        meaning = (
            "Whether the shared cache is used: 1, or 0 while it, or one kind of operation on it, is left alone because"
            " it failed. Absent without one."
        )
        self._report_gauge(Over.LEAST, "shared_cache_up", meaning, up)

        def operations() -> list[tuple[tuple[str, ...], float]]:
            bad = failing()
            return [] if state() == "off" else [((name,), float(name not in bad)) for name in SHARED_OPERATIONS]

        meaning = (
            "Whether an operation on the shared cache (as in shared_cache_operation_faults) is tried: 1, or 0 while it"
            " is not because it alone failed. Absent without a shared cache."
        )
        self._report_gauge(Over.LEAST, "shared_cache_operation_up", meaning, operations, "operation")

    def watch_memory(
        self, held_bytes: Callable[[], float], pages: Callable[[], float], evictions: Callable[[], float]
    ) -> None:
        """Read how much this process holds whenever the numbers are asked for."""
        self._gauge(Over.SUM, "cache_held_bytes", "Bytes of pages that are held in processes.").set_function(held_bytes)
        self._gauge(Over.SUM, "cache_held_pages", "Pages that are held in processes.").set_function(pages)
        self._report_counter("cache_evicted_pages", "Pages that had to make room for others.", evictions)
