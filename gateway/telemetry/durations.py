"""How long requests took, as a Prometheus histogram, and a way to note one more at next to no cost."""

import math
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

SETTLE_AT = 1000


class Durations(Collector):
    """A histogram of seconds by endpoint. It takes many at once, which `prometheus_client`'s own does not.

    `bounds` are the upper bounds of its buckets, ascending; one without an end is added.
    """

    def __init__(self, name: str, meaning: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._meaning = meaning
        self._bounds = bounds
        self._taken: dict[str, tuple[list[int], float]] = {}
        self._lock = threading.Lock()

    def observe(self, endpoint: str, seconds: Iterable[float]) -> None:
        """Count requests to `endpoint` that took so many seconds each."""
        ordered = sorted(seconds)
        within = [*(bisect_right(ordered, bound) for bound in self._bounds), len(ordered)]
        with self._lock:
            counts, total = self._taken.get(endpoint, ([0] * len(within), 0.0))
            counts = [count + more for count, more in zip(counts, within, strict=True)]
            self._taken[endpoint] = (counts, total + math.fsum(ordered))

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Return what Prometheus is told."""
        family = HistogramMetricFamily(self._name, self._meaning, labels=["endpoint"])
        with self._lock:
            taken = dict(self._taken)
        for endpoint, (counts, total) in taken.items():
            bounds = [*map(str, map(float, self._bounds)), "+Inf"]
            family.add_metric([endpoint], list(zip(bounds, map(float, counts), strict=True)), total)
        return [family]


class Notes:
    """Durations that are noted now and told to `settled` later, many at once, when somebody asks or there are many.

    Noting one is an append to a deque, which no other thread can tear apart, so it needs no lock; a counter with one
    takes ten times as long.
    """

    def __init__(self, settled: Callable[[list[float]], None]) -> None:
        self._settled = settled
        self._noted: deque[float] = deque()
        self._lock = threading.Lock()

    def note(self, seconds: float) -> None:
        """Note one."""
        self._noted.append(seconds)
        if len(self._noted) >= SETTLE_AT:
            self.settle()

    def settle(self) -> None:
        """Tell all that are noted."""
        # Others append meanwhile, but only who has the lock takes away: as many as there are now can be taken.
        with self._lock:
            taken = [self._noted.popleft() for _ in range(len(self._noted))]
            if taken:
                self._settled(taken)
