"""Waiting for what another thread does."""

import threading
import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    """Return as soon as `condition` holds; fail when it does not within `limit_s` seconds."""
    give_up = time.monotonic() + limit_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < give_up, "what was waited for did not come true"
        pause.wait(0.001)
