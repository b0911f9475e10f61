"""Points in time, as a Prometheus gauge that is read when the numbers are asked for."""

from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class Timestamps(Collector):
    """A gauge of seconds since 1970. `report` returns, for each, the values of the two `labels` and then the time."""

    def __init__(
        self, name: str, meaning: str, labels: tuple[str, str], report: Callable[[], Iterable[tuple[str, str, float]]]
    ) -> None:
        self._name = name
        self._meaning = meaning
        self._labels = labels
        self._report = report

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return what Prometheus is told."""
        family = GaugeMetricFamily(self._name, self._meaning, labels=self._labels)
        for one, other, timestamp in self._report():
            family.add_metric([one, other], timestamp)
        return [family]
