"""What all tests share: bytecode, how hypothesis works here, that no secret may be shown, and servers of Redis."""

import os
import sys

from hypothesis import HealthCheck, settings

# Some machines have Python keep no bytecode. Each of the hundreds of processes that tests start would compile the whole
# gateway anew, a quarter of what its start costs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No time limits: a test that is slow on a busy machine is not wrong.
settings.register_profile("gateway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gateway")

pytest_plugins = ["tests.support.canaries", "tests.support.redis_fixtures"]
