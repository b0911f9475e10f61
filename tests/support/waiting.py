"""Waiting for what another thread does."""

import threading
import time
from collections.abc import Callable

OFTEN_S = 0.001
SELDOM_S = 0.02


def wait_until(condition: Callable[[], object], limit_s: float = 10.0, least_s: float = 0.0) -> None:
    """Return as soon as `condition` holds; fail when it does not within `limit_s` seconds.

    What takes longer is looked at less often, and never sooner than after `least_s` seconds: to look may cost more than
    what is waited for.
    """
    began = time.monotonic()
    pause = threading.Event()
    while not condition():
        waited_s = time.monotonic() - began
        assert waited_s < limit_s, "what was waited for did not come true"
        pause.wait(max(least_s, min(SELDOM_S, OFTEN_S + waited_s / 50)))
