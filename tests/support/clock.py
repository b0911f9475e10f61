"""Clocks that move when a test moves them."""

import time


class FakeClock:
    """Seconds that only `advance` adds to. Called like `time.monotonic`."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the current second."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += seconds


class LeapingClock(FakeClock):
    """Seconds as they pass, and besides those that `advance` adds: for real sockets without long waits."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def __call__(self) -> float:
        """Return the current second."""
        return time.monotonic() + self.now
