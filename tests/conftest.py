"""What all tests share: bytecode, signals, garbage, hypothesis, which of them count lines, no secrets, and Redis."""

import gc
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

# Some machines have Python keep no bytecode. Each of the hundreds of processes that tests start would compile the whole
# gateway anew, a quarter of what its start costs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Whoever starts the tests in the background of a shell has them pass over Control-C, and all programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No time limits: a test that is slow on a busy machine is not wrong. Each run has other examples,
# also where `CI` is set, for which hypothesis has a profile of its own.
settings.register_profile(
    "gateway",
    deadline=None,
    derandomize=False,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=int(os.environ.get("LAW_EXAMPLES", "40")),
)
settings.load_profile("gateway")

pytest_plugins = ["tests.support.canaries", "tests.support.redis_fixtures"]

TESTS = Path(__file__).parent
COUNTED = (
    "unit",
    "scenarios/fronts/test_doctor.py",
    "scenarios/test_caching.py",
    "scenarios/test_export.py",
    "scenarios/test_operations.py",
    "scenarios/test_preconditions.py",
    "scenarios/test_summary.py",
    "scenarios/test_traces.py",
    "scenarios/test_waiting.py",
    "scenarios/test_watch.py",
    "scenarios/upstream/test_certificates.py",
    "scenarios/upstream/test_doctor.py",
    "scenarios/upstream/test_doctor_tls.py",
    "scenarios/upstream/test_tls.py",
)
"""Where it is counted which lines run: in unit tests, and in the scenarios that reach what no unit test does.

To follow each line doubles what a test of a whole gateway costs, and the others would add one line in a hundred. Laws
are not counted either: they run the same lines again and again, which the examples beside them have run.
"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count no lines for a law, or a test that is not among `COUNTED`."""
    stopped: list[Coverage] = []
    is_law = item.get_closest_marker("hypothesis") is not None
    if is_law or not any(item.path.is_relative_to(TESTS / place) for place in COUNTED):
        # In a process of pytest-xdist pytest-cov has two, and the one below goes on when the other one stops.
        while (counting := Coverage.current()) is not None:
            counting.stop()
            stopped.append(counting)
    try:
        return (yield)
    finally:
        for counting in reversed(stopped):
            counting.start()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have the garbage collector pass over the tests themselves and all modules.

    They stay until the end, and are so many that it would take the third of a second to look through them each time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
