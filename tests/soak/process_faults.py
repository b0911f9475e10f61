"""What is done to the gateways: workers killed and replaced, settings reloaded, both restarted one after the other."""

import os
import signal
import time

from gateway.reload.signals import CRASH_LOOP_S
from tests.soak.faults import Lane, Play
from tests.soak.stack import LIMIT_S, Gateway, Stack
from tests.support.waiting import wait_until

OLD_ENOUGH_S = CRASH_LOOP_S + 0.5
"""granian ends where a worker dies sooner after it took another's place: for what watches over granian to mend."""

FORGIVEN_S = 3.5
"""nginx leaves a gateway that failed a request alone for up to three seconds; without another it answers 500."""

LOOK_AGAIN_S = 0.1

RELOADED_S = 1.0
"""A reload is over by then."""


class Targets:
    """The gateways that are hurt: both for the first third, then B alone, so that A shows what it holds with age."""

    def __init__(self, stack: Stack, seconds: float) -> None:
        self._both_until = time.monotonic() + seconds / 3
        self._gateways = stack.gateways

    def now(self) -> list[Gateway]:
        """Return those that may be hurt now."""
        return self._gateways if time.monotonic() < self._both_until else self._gateways[-1:]


def of_gateways(stack: Stack, targets: Targets) -> dict[str, Play]:
    """Return what is done to gateways."""

    def killed(lane: Lane) -> None:
        gateway = lane.source.choice(targets.now())
        if lane.pause(OLD_ENOUGH_S):
            return
        victim = gateway.worker()
        with lane.window("worker-killed", gateway.name):
            os.kill(victim, signal.SIGKILL)
            _wait_for_another_than(gateway, victim)
        lane.pause(FORGIVEN_S)

    def replaced(lane: Lane) -> None:
        gateway = lane.source.choice(targets.now())
        before = gateway.worker()
        with lane.window("workers-replaced", gateway.name):
            gateway.served.process.send_signal(signal.SIGHUP)
            _wait_for_another_than(gateway, before)

    def reloaded(lane: Lane) -> None:
        with lane.window("settings-reloaded", "all"):
            # It hurts no process, so all have it.
            for gateway in stack.gateways:
                os.kill(gateway.worker(), signal.SIGHUP)
            lane.pause(RELOADED_S)

    def rolled(lane: Lane) -> None:
        gateways = targets.now()
        with lane.window("rolling-restart", ", ".join(gateway.name for gateway in gateways)):
            for gateway in gateways:
                stack.take_out(gateway)
                gateway.stop()
                gateway.start()
                stack.put_back(gateway)

    return {
        "worker-killed": killed,
        "workers-replaced": replaced,
        "settings-reloaded": reloaded,
        "rolling-restart": rolled,
    }


def _wait_for_another_than(gateway: Gateway, before: int) -> None:
    """Return when one worker serves, and it is not the one of `before`."""

    def replaced() -> bool:
        # To look is to go through all processes of the machine.
        time.sleep(LOOK_AGAIN_S)
        now = gateway.served.worker_pids()
        return len(now) == 1 and before not in now

    wait_until(replaced, LIMIT_S)
