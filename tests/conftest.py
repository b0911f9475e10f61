"""What all tests share: how hypothesis works here, and that no secret may be shown."""

from hypothesis import HealthCheck, settings

# No time limits: a test that is slow on a busy machine is not wrong.
settings.register_profile("gateway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gateway")

pytest_plugins = ["tests.support.canaries"]
