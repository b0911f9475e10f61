"""What all tests share: how hypothesis works here, that no secret may be shown, and servers of Redis."""

from hypothesis import HealthCheck, settings

# No time limits: a test that is slow on a busy machine is not wrong.
settings.register_profile("gateway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gateway")

pytest_plugins = ["tests.support.canaries", "tests.support.redis_fixtures"]
