"""What changes while the simulator runs; shared by the interface, the control endpoints and the server."""

from dataclasses import dataclass, field
from threading import Event

from gateway.simulator.calls import Calls
from gateway.simulator.fault_kinds import FAULT_KINDS
from gateway.simulator.faults import FaultSwitch


@dataclass
class SimulatorState:
    """The counts, the faults, the seconds that each answer takes at least, and whether the server is about to stop."""

    latency_s: float = 0.0
    calls: Calls = field(default_factory=Calls)
    faults: FaultSwitch = field(default_factory=lambda: FaultSwitch(FAULT_KINDS))
    stopping: Event = field(default_factory=Event)

    def pause(self, seconds: float) -> None:
        """Wait for `seconds`, or until the server stops."""
        if seconds > 0:
            self.stopping.wait(seconds)
