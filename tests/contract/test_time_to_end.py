"""How long the end of a gateway may take, in each way to deploy it: who waits for whom, and kills last."""

import inspect
import re
from collections.abc import Callable

import pytest
from granian.server.common import AbstractServer

from gateway.reload.signals import CRASH_LOOP_S, END_LIMIT_S, START_LIMIT_S
from gateway.settings import load_settings
from tests.support.compose import composed
from tests.support.containerfile import Containerfile
from tests.support.gateway import PROJECT, VARIABLES
from tests.support.manifests import pod
from tests.support.units import SERVICE, service_variables

KILL_TIMEOUT = "GRANIAN_WORKERS_KILL_TIMEOUT"
SETTINGS = load_settings({**VARIABLES, "GATEWAY__ISALES__BASE_URL": "http://127.0.0.1:9"}, PROJECT)
ANSWERED_S = SETTINGS.http.drain_s + SETTINGS.isales.deadline_s
"""After so long the last request of a process that was told to end has its answer."""

MAKEFILE = dict(re.findall(r"^export (\w+) \?= (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def systemd_s() -> float:
    """Return after how long systemd kills the service."""
    (limit,) = SERVICE.every("TimeoutStopSec")
    return float(limit)


def compose_s() -> float:
    """Return after how long Compose kills the container."""
    return float(composed()["services"]["gateway"]["stop_grace_period"].removesuffix("s"))


def kubernetes_s() -> float:
    """Return how long after SIGTERM Kubernetes kills the pod: what comes before that is part of its time."""
    spec = pod("campaign-gateway")["spec"]
    (container,) = spec["containers"]
    return float(spec["terminationGracePeriodSeconds"] - container["lifecycle"]["preStop"]["sleep"]["seconds"])


def test_all_ways_to_serve_have_the_same_variables() -> None:
    """What `make serve` exports is what the image and the unit set; Compose and Kubernetes add nothing of granian."""
    image = Containerfile().environment
    assert len(MAKEFILE) >= 5
    assert MAKEFILE.items() <= image.items()
    assert MAKEFILE.items() <= service_variables().items()
    (container,) = pod("campaign-gateway")["spec"]["containers"]
    added = {*composed()["services"]["gateway"]["environment"], *(variable["name"] for variable in container["env"])}
    assert not {name for name in added if name.startswith("GRANIAN")}


def test_callers_are_answered_before_a_worker_gives_up() -> None:
    """And one that waits for its replacement first has the time for them too, before granian kills it."""
    assert ANSWERED_S < END_LIMIT_S < float(MAKEFILE[KILL_TIMEOUT])
    assert float(MAKEFILE[KILL_TIMEOUT]) > START_LIMIT_S + ANSWERED_S


@pytest.mark.parametrize("killed_after_s", [systemd_s, compose_s, kubernetes_s], ids=lambda asked: asked.__name__)
def test_a_worker_that_hangs_is_killed_by_granian_first(killed_after_s: Callable[[], float]) -> None:
    """What watches over the processes waits for longer, so that the other workers end in good order."""
    assert float(MAKEFILE[KILL_TIMEOUT]) + 3 <= killed_after_s()


def test_no_reload_is_a_crash_loop() -> None:
    """When granian looks at workers that died, the last one that it started is older than those that end it."""
    assert f"self.respawned_wrks.get(idx, 0) <= {CRASH_LOOP_S} " in inspect.getsource(AbstractServer)
    assert float(MAKEFILE["GRANIAN_RESPAWN_INTERVAL"]) > CRASH_LOOP_S
