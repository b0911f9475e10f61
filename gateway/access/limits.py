"""How often a client may ask for what no fresh page answers: so many times in any minute.

The library limits decides, with its moving window: never more than the limit in any sixty seconds, and it is known when
the next request is possible. Its fixed window and its sliding counter would let up to twice as many pass in a minute.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final, Protocol

from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter, RateLimiter

from gateway.access.windows import ProcessWindows
from gateway.counted import counted
from gateway.errors import RateLimited
from gateway.telemetry.metrics import Metrics

WINDOW_S: Final = 60


@dataclass(frozen=True, slots=True)
class Quota:
    """What a client has left of its `limit` after one more request, which was counted if it was `allowed`.

    `remaining` more are possible now, and one more than that when the oldest one is a minute old, `frees_in_s` seconds
    from now.
    """

    client: str
    limit: int
    allowed: bool
    remaining: int
    frees_in_s: float

    @property
    def whole_seconds(self) -> int:
        """`frees_in_s` as headers have it: whole, never too early, and at least 1."""
        return max(1, ceil(self.frees_in_s))

    def require(self) -> None:
        """Raise RateLimited unless the request was allowed."""
        if not self.allowed:
            allowed = counted(self.limit, "request")
            raise RateLimited(
                f"Client {self.client!r} may make {allowed} a minute that no fresh page answers, and all of them were "
                f"made in the last minute. The next one is possible in {self.whole_seconds} s.",
                retry_after_s=self.whole_seconds,
            )


class SharedWindows(Protocol):
    """The requests of the last minute in all processes. Trouble with what keeps them is never an error."""

    def take(self, client: str, limit: int) -> Quota | None:
        """Count one request of `client`, unless `limit` of them were made in the last minute.

        `None`: nobody keeps count over the processes now, and each counts for itself.
        """
        ...


class RequestLimits:
    """Counts the requests of clients: in `shared`, where processes share a count, and in this process.

    While there is trouble with `shared`, this process lets each client have its whole limit, of which it takes off what
    it has let pass in the last minute. `clock` is monotonic.
    """

    def __init__(self, shared: SharedWindows | None, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._shared = shared
        self._own = MovingWindowRateLimiter(ProcessWindows(clock))
        self._metrics = metrics

    def take(self, client: str, limit: int) -> Quota:
        """Count one request of `client`, unless `limit` of them (at least 1) were made in the last minute."""
        quota = self._take_shared(client, limit) or take(self._own, client, limit)
        if not quota.allowed:
            self._metrics.rate_limited(client)
        return quota

    def _take_shared(self, client: str, limit: int) -> Quota | None:
        if self._shared is None:
            return None
        quota = self._shared.take(client, limit)
        if quota is None:
            self._metrics.rate_limit_fault()
        elif quota.allowed:
            # For the case that the shared count is lost in the next minute.
            take(self._own, client, limit)
        return quota


def take(limiter: RateLimiter, client: str, limit: int, namespace: str = "") -> Quota:
    """Count one request of `client` with a `limiter` whose storage has times as seconds from now."""
    item = RateLimitItemPerMinute(limit, namespace=namespace)
    allowed = limiter.hit(item, client)
    frees_in_s, remaining = limiter.get_window_stats(item, client)
    return Quota(client, limit, allowed, remaining if allowed else 0, frees_in_s)
