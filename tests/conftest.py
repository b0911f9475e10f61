"""What all tests share: bytecode, signals, how hypothesis works, that no secret may be shown, and servers of Redis."""

import os
import signal
import sys

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
