"""Ways that are locked because CC-iSales, or what guards it, lets nothing through (HTTP 403 and 418)."""

import json

import pytest

from gateway.errors import UpstreamForbidden, UpstreamRefusedCredentials
from gateway.telemetry.log import configure_logging
from tests.unit.isales.breakers import DATABASE, House
from tests.unit.isales.vendor import counted

FORBIDDEN = UpstreamForbidden("The way to CC-iSales is forbidden (HTTP 403).")


@pytest.fixture
def house() -> House:
    """Return two VDNs."""
    return House()


def forbidden(house: House, vdn: int = 1) -> UpstreamForbidden:
    """Make a call that is not let through; return what its caller gets."""
    house.outcome = FORBIDDEN
    before = house.calls
    error = house.call(vdn)
    assert isinstance(error, UpstreamForbidden)
    assert (house.calls, error.sent) == (before + 1, True)
    house.outcome = None
    return error


def refused(house: House, vdn: int = 1) -> UpstreamForbidden:
    """Make a call that must not go; return what its caller gets."""
    before = house.calls
    error = house.call(vdn)
    assert isinstance(error, UpstreamForbidden)
    assert (house.calls, error.sent) == (before, False)
    return error


def test_one_call_that_is_not_let_through_locks_its_vdn(house: House) -> None:
    """No other goes for five minutes, whoever asks, and each caller is told of the lock and of its end."""
    assert forbidden(house).retry_after_s == 300
    house.clock.advance(100)
    told = refused(house)
    assert told.retry_after_s == 200
    assert told.detail.startswith(FORBIDDEN.detail)
    assert "No call for VDN 1 is made for now; the next one is tried in 200 s." in told.detail
    assert house.call(2) is None
    assert house.breakers.report() == {"1": "locked"}
    assert counted(house.numbers, "upstream_refused_calls") == {"1 locked": 1}


def test_a_second_vdn_that_is_not_let_through_locks_all(house: House) -> None:
    """What turns both away is the address: both wait for the end of the lock, and one probe is made for both."""
    forbidden(house, 1)
    forbidden(house, 2)
    assert house.breakers.report() == {"all": "locked", "1": "locked", "2": "locked"}
    house.clock.advance(299)
    refused(house, 1)
    house.clock.advance(1)
    assert forbidden(house, 1).retry_after_s == 600
    refused(house, 2)


def test_an_answer_in_between_shows_that_it_is_not_the_address(house: House) -> None:
    """A VDN that is turned away by itself costs the others nothing, whatever the answer to them is."""
    for _ in range(4):
        forbidden(house, 1)
        assert house.call(2) is None
        house.outcome = UpstreamRefusedCredentials("no")
        assert isinstance(house.call(2), UpstreamRefusedCredentials)
        house.outcome = None
        house.clock.advance(3600)
    assert forbidden(house, 2).retry_after_s == 300
    assert house.breakers.report().keys() == {"1", "2"}


def test_the_first_good_probe_ends_it(house: House) -> None:
    """The lock after that begins with its first length again."""
    for seconds in (300, 600, 1200, 2400, 3600, 3600):
        assert forbidden(house).retry_after_s == seconds
        house.clock.advance(seconds)
    assert (house.call(), house.call()) == (None, None)
    assert house.breakers.report() == {}
    assert forbidden(house).retry_after_s == 300


def test_a_probe_that_fails_in_another_way_is_followed_soon(house: House) -> None:
    """Whoever answers with a failure lets calls through, so that the circuit's own time counts."""
    forbidden(house)
    house.clock.advance(300)
    house.fail(DATABASE, times=1)
    assert house.refused().retry_after_s == 5


def test_a_probe_that_says_nothing_is_followed_by_another(house: House) -> None:
    """A bug of ours ends no lock."""
    forbidden(house)
    house.clock.advance(300)
    house.outcome = RuntimeError("a bug")
    assert house.call() is house.outcome
    assert house.breakers.report() == {"1": "locked"}
    forbidden(house)


def test_calls_that_were_under_way_add_nothing(house: House) -> None:
    """Ten that come back from the same lock count as one."""
    admissions = [house.breakers.admit(1, 8.0) for _ in range(10)]
    waits = [house.breakers.settle(admission, FORBIDDEN) for admission in admissions]
    assert waits == [300.0] * 10
    assert counted(house.numbers, "upstream_circuit_openings") == {"1": 1}


def test_a_longer_retry_after_is_kept(house: House) -> None:
    """Where the answer says for how long, no call goes before."""
    house.outcome = UpstreamForbidden("locked", retry_after_s=7200)
    error = house.call()
    assert isinstance(error, UpstreamForbidden)
    assert error.retry_after_s == 7200


def test_a_question_that_a_firewall_stops_locks_nothing(house: House) -> None:
    """It may be what was searched for: the way is as it was."""
    house.outcome = UpstreamForbidden("hostile", of_query=True)
    assert isinstance(house.call(), UpstreamForbidden)
    house.outcome = None
    assert house.call() is None


def test_it_is_logged_as_an_error_with_what_to_do(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Once for each lock, for how long, and why."""
    configure_logging("info", "json")
    forbidden(house)
    refused(house)
    (line,) = (json.loads(text) for text in capsys.readouterr().err.splitlines())
    assert (line["event"], line["level"], line["vdn"], line["for_s"]) == ("upstream_locked", "error", "1", 300.0)
    assert line["detail"] == FORBIDDEN.detail
    assert "doctor" in line["remedy"]
