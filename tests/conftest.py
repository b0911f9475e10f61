"""What all tests share: bytecode, signals, garbage, hypothesis, that no secret may be shown, and servers of Redis."""

import gc
import os
import signal
import sys
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# Some machines have Python keep no bytecode. Each of the hundreds of processes that tests start would compile the whole
# gateway anew, a quarter of what its start costs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Whoever starts the tests in the background of a shell has them pass over Control-C, and all programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No time limits: a test that is slow on a busy machine is not wrong.
settings.register_profile("gateway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gateway")

pytest_plugins = ["tests.support.canaries", "tests.support.redis_fixtures"]


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
