"""How CC-iSales has been doing lately, by VDN, as seen from the calls that were made anyway."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import GatewayError, UpstreamRejectedParameters
from gateway.model import CampaignPage, CampaignQuery, Deadline, FetchPage
from gateway.telemetry.known_labels import OK, SUCCESS
from gateway.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class LastFetch:
    """The last fetch of a VDN: `ok` or the name of a problem type, and when it ended on the monotonic clock."""

    outcome: str
    at: float


class UpstreamHealth:
    """Remembers the last outcome of each VDN. It never calls CC-iSales itself."""

    def __init__(self, vdns: tuple[int, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self._last: dict[int, LastFetch | None] = dict.fromkeys(vdns)
        self._clock = clock
        self._lock = threading.Lock()

    def record(self, vdn: int, outcome: str) -> None:
        """Remember how a fetch for `vdn` ended."""
        with self._lock:
            self._last[vdn] = LastFetch(outcome, self._clock())

    def report(self) -> dict[int, tuple[str, float | None]]:
        """Return for each VDN the outcome of its last fetch (`unknown` before the first) and its age in seconds."""
        now = self._clock()
        with self._lock:
            last = dict(self._last)
        return {vdn: (seen.outcome, now - seen.at) if seen else ("unknown", None) for vdn, seen in last.items()}


def watched(
    fetch: FetchPage, health: UpstreamHealth, metrics: Metrics, clock: Callable[[], float] = time.monotonic
) -> FetchPage:
    """Wrap `fetch` so that every fetch is counted, timed and remembered, unless it was refused before a call."""

    def watched_fetch(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        started = clock()
        outcome, code = OK, SUCCESS
        asked = True
        try:
            return fetch(query, deadline)
        except GatewayError as error:
            outcome, code = error.name, error.upstream.code if error.upstream else ""
            asked = error.sent
            raise
        except BaseException:
            outcome, code = "internal-error", ""
            raise
        finally:
            if asked:
                metrics.fetch(query.vdn, outcome, clock() - started, code)
                # Parameters that CC-iSales refuses say nothing bad about CC-iSales.
                health.record(query.vdn, OK if outcome == UpstreamRejectedParameters.name else outcome)

    return watched_fetch
