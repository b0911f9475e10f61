"""The units in `deploy/systemd`, run by a real systemd in a machine of its own: what it did there, step by step.

What is asserted here was seen by tests/support/guest.py, which runs inside; the machine starts once for all tests.
"""

from typing import Any

import pytest

from tests.support.image import Image
from tests.support.machine import report

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Start the machine, and return what was seen in it, by step."""
    folder = tmp_path_factory.mktemp("machine")
    # The folder is the machine's root, in which users other than root have to find their way.
    folder.chmod(0o755)
    found = report(image, folder)
    assert "error" not in found, "\n".join([found["error"], *found["log"]])
    return found


def test_systemd_has_nothing_to_say_about_the_units(seen: Seen) -> None:
    """`systemd-analyze verify` is content with the service, its health check and the timer."""
    assert (seen["verified"]["units"], seen["verified"]["code"], seen["verified"]["said"]) == (3, 0, "")


def test_the_service_is_started_when_it_answers(seen: Seen) -> None:
    """It serves campaigns under all its restrictions, and its health check has begun."""
    assert seen["started"]["start"] == {"code": 0, "said": ""}
    assert (seen["started"]["healthz"], seen["started"]["campaigns"]) == (200, 200)
    assert seen["started"]["timer"] == "active"


def test_the_service_has_no_rights(seen: Seen) -> None:
    """A user that exists for it alone, no capability, filtered system calls, nothing that can be written."""
    started = seen["started"]
    assert 61184 <= started["user"] <= 65519, "the range of dynamic users"
    assert (set(started["capabilities"]), started["no_new_privileges"], started["seccomp"]) == ({"0"}, "1", "2")
    assert started["root_is_read_only"]


def test_the_service_may_do_what_it_needs(seen: Seen) -> None:
    """Its threads are scheduled as it wants, and it has a place to share numbers in: nothing is warned about."""
    assert seen["started"]["batch"]
    assert seen["started"]["warnings"] == []


def test_secrets_are_for_the_service_alone(seen: Seen) -> None:
    """Each file of the folder is a credential that only the service's user can read, and the gateway is content."""
    secrets = seen["secrets"]
    assert secrets["names"] == ["secrets_client-web", "secrets_isales-ak-1", "secrets_isales-sk-1"]
    assert (secrets["folder"], secrets["owner_is_user"], secrets["in_environment"]) == ("0o500", True, False)


def test_commands_work_for_root_with_the_secrets_of_the_service(seen: Seen) -> None:
    """While it runs, the doctor finds the way to CC-iSales good with the very same settings."""
    assert seen["commanded"]["code"] == 0, seen["commanded"]["said"]


def test_a_reload_with_faulty_settings_changes_nothing(seen: Seen) -> None:
    """It fails, says why, and the same processes go on."""
    reload = seen["faulty_reload"]
    assert (reload["reload"]["code"], reload["same_processes"], reload["healthz"]) == (1, True, 200)
    assert any("nonsense" in line for line in seen["log"])


def test_a_reload_is_not_noticed_by_callers(seen: Seen) -> None:
    """A client that was added is known afterwards, to the same processes, and every request got its answer."""
    reload = seen["reloaded"]
    assert (reload["reload"]["code"], reload["same_processes"], reload["answers"]) == (0, True, [200])
    assert reload["new_client"] == [401, 200]


def test_new_code_is_not_noticed_by_callers(seen: Seen) -> None:
    """Another worker serves afterwards, and every request before, between and after got its answer."""
    assert (seen["tuned"]["code"], seen["tuned"]["said"], seen["tuned"]["tcp_migrate_req"]) == (0, "", "1")
    renewed = seen["renewed"]
    assert (renewed["kill"]["code"], renewed["another_worker"], renewed["same_granian"]) == (0, True, True)
    assert renewed["answers"] == [200]


def test_a_gateway_that_does_not_answer_is_started_again(seen: Seen) -> None:
    """The health check leaves a good one alone, and has a silent one replaced."""
    assert seen["looked_at_while_healthy"]["look"]["code"] == 0
    assert seen["looked_at_while_healthy"]["same_processes"]
    silent = seen["looked_at_while_silent"]
    assert (silent["look"]["code"], silent["active_again"], silent["healthz"]) == (0, True, 200)
    assert (silent["others"], silent["restarts"]) == (True, "1")


def test_a_stop_is_in_good_order(seen: Seen) -> None:
    """Nothing had to be killed, and nobody looks after it any more."""
    stopped = seen["stopped"]
    assert (stopped["stop"]["code"], stopped["result"], stopped["status"]) == (0, "success", "0")
    assert (stopped["state"], stopped["timer"]) == ("inactive", "inactive")


def test_a_port_in_use_is_said(seen: Seen) -> None:
    """The service does not start beside whoever has its port."""
    assert seen["port_in_use"]["start"]["code"] == 1
    assert seen["port_in_use"]["said"]


def test_a_restart_is_not_noticed_by_callers_where_systemd_holds_the_listener(seen: Seen) -> None:
    """Connections wait for the next gateway, so each request gets its answer; without the socket there is none."""
    restarted = seen["restarted"]
    assert (restarted["installed"]["code"], restarted["restart"]) == (0, {"code": 0, "said": ""}), restarted
    assert (restarted["others"], restarted["answers"]) == (True, [200])
    assert (restarted["stop"]["code"], restarted["state"]) == (0, "inactive")
