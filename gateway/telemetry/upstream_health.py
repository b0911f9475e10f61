"""How CC-iSales has been doing lately, by VDN, as seen from the calls that were made anyway."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.errors import GatewayError, UpstreamRejectedParameters
from gateway.model import CampaignPage, CampaignQuery, Deadline, FetchPage
from gateway.telemetry.known_labels import OK, SUCCESS
from gateway.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class LastFetch:
    """The last fetch of a VDN: `ok` or the name of a problem type, and when it ended on the monotonic clock.

    `left_out` says how many campaigns of its page could not be used, and `sent` how many there were.
    """

    outcome: str
    at: float
    left_out: int = 0
    sent: int = 0


class VdnHealth(NamedTuple):
    """How a VDN is: the outcome of its last fetch (`unknown` before the first), its age, and its campaigns left out.

    The age is in seconds, `None` before the first fetch.
    """

    outcome: str
    age_s: float | None
    left_out: int = 0
    sent: int = 0


NEVER_FETCHED: Final = VdnHealth("unknown", None)


class UpstreamHealth:
    """Remembers the last outcome of each VDN. It never calls CC-iSales itself."""

    def __init__(self, vdns: tuple[int, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self._last: dict[int, LastFetch | None] = dict.fromkeys(vdns)
        self._clock = clock
        self._lock = threading.Lock()

    def record(self, vdn: int, outcome: str, page: CampaignPage | None = None) -> None:
        """Remember how a fetch for `vdn` ended, and the `page` that came of it."""
        left_out, used = (page.left_out, len(page.campaigns)) if page else (0, 0)
        with self._lock:
            self._last[vdn] = LastFetch(outcome, self._clock(), left_out, left_out + used)

    def report(self) -> dict[int, VdnHealth]:
        """Return how each VDN is."""
        now = self._clock()
        with self._lock:
            last = dict(self._last)
        return {
            vdn: VdnHealth(seen.outcome, now - seen.at, seen.left_out, seen.sent) if seen else NEVER_FETCHED
            for vdn, seen in last.items()
        }


def watched(
    fetch: FetchPage, health: UpstreamHealth, metrics: Metrics, clock: Callable[[], float] = time.monotonic
) -> FetchPage:
    """Wrap `fetch` so that every fetch is counted, timed and remembered, unless it was refused before a call."""

    def watched_fetch(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        started = clock()
        outcome, code = OK, SUCCESS
        asked = True
        page: CampaignPage | None = None
        try:
            page = fetch(query, deadline)
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
                health.record(query.vdn, OK if outcome == UpstreamRejectedParameters.name else outcome, page)
        return page

    return watched_fetch
