"""Numbers that are known elsewhere, read when they are asked for."""

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

Report = Callable[[], Iterable[tuple[tuple[str, ...], float]]]
"""Returns the values of the labels, and the number that goes with them."""


class Reported(Collector):
    """One metric, a counter or a gauge. `report` is called whenever the numbers are asked for."""

    def __init__(
        self, family: type[CounterMetricFamily | GaugeMetricFamily], name: str, meaning: str, *labels: str
    ) -> None:
        self._family = family
        self._name = name
        self._meaning = meaning
        self._labels = labels
        self.report: Report = tuple
        """After a reload it is another one."""

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        """Return what Prometheus is told."""
        family = self._family(self._name, self._meaning, labels=self._labels)
        for labels, value in self.report():
            family.add_metric(labels, value)
        return [family]
