"""The clocks that all parts are given."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clocks:
    """The two clocks: `wall` for signatures (aware), `monotonic` for ages and deadlines (seconds).

    `sleep` waits for so many seconds of `monotonic`.
    """

    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
