"""How numbers are made and put together: each has a name by Prometheus' conventions and few values of its labels."""

from collections.abc import Callable, Iterable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from gateway.telemetry.reported import Report, Reported

PREFIX = "campaign_gateway_"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Over(StrEnum):
    """What becomes of a number over the workers of one server.

    `TOTAL` is the sum over those that are and were, `LATEST` the greatest of them; all others are of those that are:
    their sum, the greatest, the least, or the one that is furthest from 0.
    """

    TOTAL = "total"
    LATEST = "latest"
    SUM = "sum"
    MOST = "most"
    LEAST = "least"
    FURTHEST = "furthest"


class Numbers:
    """A registry of one app's own, so that several apps in one process do not mix, and what is in it.

    The methods that make a number return the one of that name where there is one: after a reload it is watched anew.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.over: dict[str, Over] = {}
        """What becomes of gauges over several workers, by name; all else is a `TOTAL`."""
        self._gauges: dict[str, Gauge] = {}
        self._reported: dict[str, Reported] = {}

    def _counter(self, name: str, meaning: str, *labels: str, known: Iterable[tuple[str, ...]] = ()) -> Counter:
        """Make a counter that begins at 0 for the `known` values of its labels, and else with what is counted first."""
        counter = Counter(PREFIX + name, meaning, labels, registry=self.registry)
        for values in known:
            counter.labels(*values)
        return counter

    def _histogram(self, name: str, meaning: str) -> Histogram:
        return Histogram(PREFIX + name, meaning, buckets=SECONDS, registry=self.registry)

    def _gauge(self, over: Over, name: str, meaning: str, *labels: str) -> Gauge:
        name = PREFIX + name
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, meaning, labels, registry=self.registry)
        self.over[name] = over
        return self._gauges[name]

    def _report_gauge(self, over: Over, name: str, meaning: str, report: Report, *labels: str) -> None:
        self.over[PREFIX + name] = over
        self._report(GaugeMetricFamily, name, meaning, report, *labels)

    def _report_counter(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        self._report(CounterMetricFamily, name, meaning, lambda: [((), read())])

    def _report(
        self,
        family: type[CounterMetricFamily | GaugeMetricFamily],
        name: str,
        meaning: str,
        report: Report,
        *labels: str,
    ) -> None:
        name = PREFIX + name
        if name not in self._reported:
            self._reported[name] = Reported(family, name, meaning, *labels)
            self.registry.register(self._reported[name])
        self._reported[name].report = report
