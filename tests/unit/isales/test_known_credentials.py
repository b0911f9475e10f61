from structlog.testing import capture_logs

from gateway.isales.credentials import Credentials, key_pairs
from gateway.isales.known_credentials import KnownCredentials
from gateway.settings.model import Secret
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.support.clock import FakeClock
from tests.unit.isales.vendor import TENANT, counted, tenant

ROTATING = tenant(previous_access_key="OLD", previous_secret_key=Secret("an-older-secret"))
CURRENT, PREVIOUS = (Credentials(pair) for pair in key_pairs(ROTATING))


def test_it_begins_with_the_current_keys_and_our_clock() -> None:
    """Before anything is known, a call is signed with the current keys as of now."""
    assert KnownCredentials(UpstreamNumbers(), FakeClock()).best(ROTATING) == CURRENT


def test_previous_keys_that_worked_come_first_for_a_minute() -> None:
    """They are used until a minute is over, then one call and no more tries the current ones."""
    clock = FakeClock()
    known = KnownCredentials(UpstreamNumbers(), clock)
    known.accepted(ROTATING, PREVIOUS, refused=CURRENT)
    assert [known.best(ROTATING) for _ in range(3)] == [PREVIOUS] * 3
    clock.advance(59.9)
    assert known.best(ROTATING) == PREVIOUS
    clock.advance(0.1)
    assert [known.best(ROTATING) for _ in range(3)] == [CURRENT, PREVIOUS, PREVIOUS]
    known.accepted(ROTATING, PREVIOUS, refused=CURRENT)
    assert known.best(ROTATING) == PREVIOUS
    clock.advance(60)
    assert known.best(ROTATING) == CURRENT


def test_current_keys_that_work_stay() -> None:
    """Once the current keys were accepted, calls that were under way with the previous ones change nothing."""
    clock = FakeClock()
    known = KnownCredentials(UpstreamNumbers(), clock)
    known.accepted(ROTATING, PREVIOUS, refused=CURRENT)
    known.accepted(ROTATING, CURRENT)
    known.accepted(ROTATING, PREVIOUS)
    assert known.best(ROTATING) == CURRENT


def test_keys_are_of_a_tenant_and_the_clock_of_all() -> None:
    """What is learned of one VDN's keys says nothing of another's; what is learned of the clock does."""
    known = KnownCredentials(UpstreamNumbers(), FakeClock())
    other = tenant(vdn=2, previous_access_key="X", previous_secret_key=Secret("x"))
    known.accepted(ROTATING, Credentials(PREVIOUS.keys, 1200.0), refused=CURRENT)
    assert known.best(other) == Credentials(key_pairs(other)[0], 1200.0)


def test_a_tenant_that_has_no_previous_keys_any_more() -> None:
    """Whatever worked before, a tenant without previous keys is signed for with the current ones."""
    known = KnownCredentials(UpstreamNumbers(), FakeClock())
    known.accepted(ROTATING, PREVIOUS, refused=CURRENT)
    assert known.best(TENANT) == CURRENT


def test_keys_that_the_right_clock_does_not_save_come_second() -> None:
    """After a refusal by CC-iSales' own clock the next call begins with the other pair, if there is one."""
    known = KnownCredentials(UpstreamNumbers(), FakeClock())
    known.refused(TENANT, CURRENT)
    assert known.best(ROTATING) == CURRENT
    known.refused(ROTATING, CURRENT)
    assert known.best(ROTATING) == PREVIOUS
    known.refused(ROTATING, PREVIOUS)
    assert known.best(ROTATING) == CURRENT


def test_each_change_is_said_once_and_shown() -> None:
    """A clock that differs is warned about once for many calls, and again only when it differs by another amount."""
    numbers, shown = UpstreamNumbers(), []
    known = KnownCredentials(numbers, FakeClock())
    with capture_logs() as logs:
        for ahead, before in ((1200.2, 0.0), (1200.9, 0.0), (2400.0, 1200.2), (0.0, 2400.0), (0.0, 2400.0)):
            known.accepted(TENANT, Credentials(CURRENT.keys, ahead), refused=Credentials(CURRENT.keys, before))
            shown.append(counted(numbers, "upstream_clock_skew_seconds").get("", 0.0))
        assert [(line["event"], line["log_level"]) for line in logs] == [
            ("clocks_differ", "warning"),
            ("clocks_differ", "warning"),
            ("clocks_agree_again", "info"),
        ]
    assert [logs[0]["isales_ahead_s"], logs[2]["isales_was_ahead_s"]] == [1200.2, 2400.0]
    assert "NTP" in logs[0]["remedy"]
    assert (shown, known.best(TENANT).clock_ahead_s) == ([1200.2, 1200.2, 2400.0, 0.0, 0.0], 0.0)


def test_a_call_that_was_under_way_does_not_take_the_clock_back() -> None:
    """Who was accepted at once by the clock of before has learned nothing."""
    known = KnownCredentials(UpstreamNumbers(), FakeClock())
    known.accepted(TENANT, Credentials(CURRENT.keys, 1200.0), refused=CURRENT)
    known.accepted(TENANT, CURRENT)
    assert known.best(TENANT).clock_ahead_s == 1200.0


def test_changes_of_keys_are_said_and_signatures_counted() -> None:
    """Going over to the previous keys is a warning, coming back is said too; no line shows a key."""
    numbers = UpstreamNumbers()
    known = KnownCredentials(numbers, FakeClock())
    with capture_logs() as logs:
        known.accepted(ROTATING, CURRENT)
        for _ in range(2):
            known.accepted(ROTATING, PREVIOUS, refused=CURRENT)
        known.accepted(ROTATING, CURRENT)
    assert [(line["event"], line["vdn"]) for line in logs] == [
        ("signing_with_previous_keys", 1),
        ("signing_with_current_keys", 1),
    ]
    assert "OLD" not in str(logs)
    assert counted(numbers, "upstream_signatures") == {"1 current": 2, "1 previous": 2}


def test_what_was_learned_of_keys_that_are_gone_is_forgotten() -> None:
    """After a rotation the secrets of before are held nowhere; what is known of others stays."""
    known = KnownCredentials(UpstreamNumbers(), FakeClock())
    other = tenant(vdn=2, previous_access_key="X", previous_secret_key=Secret("x"))
    for whose in (ROTATING, other):
        current, previous = (Credentials(pair) for pair in key_pairs(whose))
        known.accepted(whose, previous, refused=current)
    known.keep([ROTATING])
    assert known.best(ROTATING) == PREVIOUS
    assert known.best(other) == Credentials(key_pairs(other)[0])
    # A call that was under way meanwhile.
    known.refused(other, Credentials(key_pairs(other)[0]))
    assert known.best(other) == Credentials(key_pairs(other)[0])
