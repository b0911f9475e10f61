"""Whether a failed call is worth another attempt, and after which wait. Pure."""

from dataclasses import dataclass
from typing import Final

from gateway.errors import UpstreamError

BASE_S: Final = 0.1
LONGEST_S: Final = 1.0
HAIR_S: Final = 0.01
"""So much later than CC-iSales asked for, lest rounding makes it too early."""

LEAST_ATTEMPT_S: Final = 0.05


def least_attempt_s() -> float:
    """Return the seconds without which no attempt makes sense, where nothing is known of how long calls take."""
    return LEAST_ATTEMPT_S


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `max_attempts` attempts for one page, the first included."""

    max_attempts: int

    def wait_s(self, error: UpstreamError, attempts: int, left_s: float, attempt_s: float, luck: float) -> float | None:
        """Return the seconds to wait before the next attempt, `None` if there should be none.

        `attempts` were made, the last ended in `error`; `left_s` are left until the deadline, of which an attempt needs
        `attempt_s`. The wait is `luck` (0 to 1) of a limit that doubles from 0.1 s to 1 s with each attempt ("full
        jitter"), or what CC-iSales asked for if that is longer.
        """
        if error.retryable_in_s is None or attempts >= self.max_attempts:
            return None
        asked_s = error.retryable_in_s + HAIR_S if error.retryable_in_s else 0.0
        most_s = left_s - attempt_s
        if asked_s > most_s:
            return None
        jitter_s = luck * min(LONGEST_S, BASE_S * 2.0 ** (attempts - 1))
        return max(asked_s, min(jitter_s, most_s))
