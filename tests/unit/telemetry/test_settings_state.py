"""What is told of reloads."""

from gateway.telemetry.settings_state import SettingsState
from tests.support.clock import FakeClock


def test_faults_show_until_a_good_reload() -> None:
    """How many there are, and since when the settings are in force that have no faults."""
    clock = FakeClock()
    state = SettingsState(clock)
    began = clock()
    assert (state.report(), state.loaded_at, state.faults) == ({"status": "ok"}, began, 0)
    clock.advance(5)
    state.failed(2)
    assert state.report() == {"status": "failing", "faults": 2, "in_force_since_seconds": 5.0}
    assert state.loaded_at == began
    state.loaded()
    assert (state.report(), state.loaded_at) == ({"status": "ok"}, began + 5)
