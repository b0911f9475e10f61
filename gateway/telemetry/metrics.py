"""All that is counted, with `prometheus_client`. Every label has few values: no caller can make many new ones."""

import platform
from collections.abc import Callable
from typing import Final

from prometheus_client import ProcessCollector

from gateway import __version__
from gateway.telemetry.cache_numbers import CacheNumbers
from gateway.telemetry.caller_numbers import CallerNumbers
from gateway.telemetry.durations import Notes
from gateway.telemetry.known_labels import LISTING
from gateway.telemetry.numbers import Over
from gateway.telemetry.snapshot import Snapshot, exposition, snapshot_of
from gateway.telemetry.upstream_numbers import UpstreamNumbers

_OF_PROCESSES: Final = (
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_cpu_seconds",
    "process_open_fds",
    "process_max_fds",
)
"""What is told of each worker by itself, and goes with it."""


class Metrics(CallerNumbers, CacheNumbers, UpstreamNumbers):
    """The numbers of one app. Until it is shared over workers, `/metrics` is that of this process."""

    def __init__(self) -> None:
        super().__init__()
        self.over_workers: Callable[[], Snapshot] = self.snapshot
        """Returns the numbers of all workers of the server."""
        self._gauge(
            Over.MOST, "build_info", "The version of the gateway and of Python; always 1.", "version", "python"
        ).labels(__version__, platform.python_version()).set(1)
        ProcessCollector(registry=self.registry)
        self.over.update(dict.fromkeys(_OF_PROCESSES, Over.SUM))
        self.worker = "0"
        """What this process is called among the workers of its server."""

    def pages_answered(self, status: int, outcome: str, rung: str, tier: str) -> Callable[[float], None]:
        """Return what counts one request for campaigns of so many seconds, and the look-up that answered it.

        It does what `request` does for others, at a tenth of the cost.
        """
        way = (status, outcome, rung, tier)
        notes = self._notes.get(way)
        if notes is None:
            notes = self._notes.setdefault(way, self._notes_of(*way))
        return notes.note

    def _notes_of(self, status: int, outcome: str, rung: str, tier: str) -> Notes:
        requests = self._requests.labels(LISTING, str(status), "")
        lookups = self._lookups.labels(outcome, rung, tier)

        def settled(seconds: list[float]) -> None:
            requests.inc(len(seconds))
            lookups.inc(len(seconds))
            self._seconds.observe(LISTING, seconds)

        return Notes(settled)

    def watch_settings(self, success: Callable[[], float], loaded_at: Callable[[], float]) -> None:
        """Show whether the last reload was good (1, else 0), and when the settings in force were loaded."""
        self._gauge(
            Over.LEAST,
            "settings_reload_success",
            "Whether the last reading of the settings was good: 1, or 0 and those before are in force.",
        ).set_function(success)
        self._gauge(
            Over.LEAST,
            "settings_last_reload_timestamp_seconds",
            "When the settings in force were loaded, seconds since 1970.",
        ).set_function(loaded_at)

    def watch_log(self, dropped: Callable[[], float]) -> None:
        """Read how many log lines were dropped whenever the numbers are asked for."""
        meaning = "Log lines that were not written because nobody read standard error fast enough."
        self._report_counter("log_lines_dropped", meaning, dropped)

    def snapshot(self) -> Snapshot:
        """Return the numbers of this process as they are now."""
        for notes in list(self._notes.values()):
            notes.settle()
        return snapshot_of(self.registry, self.over, self.worker)

    def exposition(self, accept: str | None) -> tuple[bytes, str]:
        """Return all numbers in the format that the header `Accept` asks for, and its media type."""
        return exposition(self.over_workers(), accept)
