"""What changes while the simulator runs; shared by the interface, the control endpoints and the server."""

import time
from dataclasses import dataclass, field
from threading import Event

from gateway.simulator.calls import Calls
from gateway.simulator.fault_kinds import FAULT_KINDS
from gateway.simulator.faults import FaultSwitch
from gateway.simulator.listing import Listings

_LOOK_S = 0.02


@dataclass
class SimulatorState:
    """The counts, the faults, and what else can be changed.

    Each answer takes at least `latency_s` seconds; the clock is `clock_ahead_s` seconds ahead of that of the set-up;
    `revoked` access keys are refused; `stopping` tells whether the server is about to stop.
    """

    latency_s: float = 0.0
    clock_ahead_s: float = 0.0
    revoked: frozenset[str] = frozenset()
    calls: Calls = field(default_factory=Calls)
    faults: FaultSwitch = field(default_factory=lambda: FaultSwitch(FAULT_KINDS))
    listings: Listings = field(default_factory=Listings)
    stopping: Event = field(default_factory=Event)

    def pause(self, seconds: float) -> None:
        """Wait for `seconds`, or until the server stops."""
        if seconds > 0:
            self.stopping.wait(seconds)

    def pause_for_latency(self, began: float) -> None:
        """Wait until `latency_s` have passed since `began` (monotonic seconds), whatever that is set to meanwhile."""
        while (left := began + self.latency_s - time.monotonic()) > 0 and not self.stopping.wait(min(left, _LOOK_S)):
            pass
