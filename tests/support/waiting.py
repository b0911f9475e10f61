"""Waiting for what another thread does."""

import threading
import time
from collections.abc import Callable

OFTEN_S = 0.001
SELDOM_S = 0.05
SHARE = 3.0
"""So many times as long as a look takes, it is not looked again, but for `LONGEST_S` at most."""
LONGEST_S = 0.1


def wait_until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    """Return as soon as `condition` holds; fail when it does not within `limit_s` seconds.

    What takes longer is looked at less often, and so is where a look takes long: it may cost more than what is waited
    for.
    """
    began = looked = time.monotonic()
    pause = threading.Event()
    while not condition():
        now = time.monotonic()
        assert now - began < limit_s, "what was waited for did not come true"
        pause.wait(max(min(SELDOM_S, OFTEN_S + (now - began) / 50), min(LONGEST_S, SHARE * (now - looked))))
        looked = time.monotonic()
