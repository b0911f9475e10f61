"""Whether the settings in force are those of the files: what metrics and readiness tell of reloads."""

import time
from collections.abc import Callable, Mapping


class SettingsState:
    """Remembers how the last reload went. `wall` is seconds since 1970."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self.loaded_at = wall()
        """When the settings in force were loaded."""
        self.faults = 0
        """How many faults kept the last reload from taking effect."""

    def loaded(self) -> None:
        """Take note that settings were loaded and are in force."""
        self.loaded_at = self._wall()
        self.faults = 0

    def failed(self, faults: int) -> None:
        """Take note that settings had so many faults (at least 1) and that those before stay in force."""
        self.faults = faults

    def report(self) -> Mapping[str, object]:
        """Return what readiness shows."""
        if not self.faults:
            return {"status": "ok"}
        in_force_s = round(self._wall() - self.loaded_at, 1)
        return {"status": "failing", "faults": self.faults, "in_force_since_seconds": in_force_s}
