"""What nobody has published, as it was set."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.simulator.app import SimulatorConfig
from gateway.simulator.campaigns import campaigns_of
from gateway.simulator.envelope import page_of
from gateway.simulator.faults import Fault
from gateway.simulator.guard import Guard
from gateway.simulator.guesses import Guesses
from gateway.simulator.keys import Keys, Tenant
from gateway.simulator.query import CampaignQuery, ParameterError, read_query
from gateway.simulator.server import SimulatorServer
from gateway.simulator.signature import ReceivedRequest, SignatureError, authorization

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENTS = Callable[..., Any]


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """Run one that stands still, locks after three, and wants five minutes between two calls of a VDN."""
    guesses = Guesses(lock_after=3, lock_s=60.0, call_every_s=300.0)
    tenants = (Tenant((1,), "ak-1", "sk-1"), Tenant((2, 3), "ak-2", "sk-2"))
    with SimulatorServer(SimulatorConfig(tenants, now=lambda: NOON, guesses=guesses)) as server:
        yield server


def test_an_address_is_locked_after_so_many_wrong_signatures(simulator: SimulatorServer, ask: MOMENTS) -> None:
    """Three in a row lock it for good ones too, with bodies as Spring writes them, and for a minute."""
    for _ in range(3):
        response, body = ask(headers={"Authorization": "auth-v2/ak-1/x/host/y"})
        document = json.loads(body)
        assert response.status == document["status"] == 401
        assert document["error"] == "Unauthorized"
        assert document["timestamp"] == int(NOON.timestamp() * 1000)
        assert document["path"] == "/rest/isales/v1/openapi/campaigns/1"
    response, body = ask()
    assert (response.status, json.loads(body)["error"]) == (403, "Forbidden")
    counts = simulator.calls.snapshot()
    assert (counts["refused"], counts["locked"]) == (3, 1)
    simulator.clock_ahead_s = 61.0
    assert ask(timestamp="2026-03-01T12:01:01Z")[0].status == 200


def test_a_good_signature_ends_the_row(simulator: SimulatorServer, ask: MOMENTS) -> None:
    """Two wrong ones, a good one and two wrong ones lock nothing."""
    wrong = {"Authorization": "auth-v2/ak-1/x/host/y"}
    statuses = [ask(headers=wrong)[0].status for _ in range(2)]
    statuses += [ask(vdn=2, key=2)[0].status]
    statuses += [ask(headers=wrong)[0].status for _ in range(2)]
    assert statuses == [401, 401, 200, 401, 401]
    assert ask()[0].status == 200


def test_a_vdn_that_calls_too_often(ask: MOMENTS) -> None:
    """The second call within five minutes is 429, and another VDN's is not."""
    assert ask()[0].status == 200
    response, body = ask()
    assert (response.status, json.loads(body)["message"]) == (429, "called too often")
    assert ask(vdn=2, key=2)[0].status == 200


def test_nothing_is_locked_where_it_is_off() -> None:
    """With `--lock-after 0` no number of refused signatures locks an address."""
    guard = Guard(Guesses(lock_after=0))
    for _ in range(100):
        guard.refused("a", NOON)
        assert not guard.is_locked("a", NOON)


@pytest.mark.parametrize(("window_s", "off_s", "good"), [(300.0, 301, False), (300.0, 300, True), (0.0, 10**8, True)])
def test_the_window_of_the_clock(window_s: float, off_s: int, *, good: bool) -> None:
    """So far a signature's time may be off; 0 is any."""
    request = ReceivedRequest("GET", "/x", "", {"host": "h"})
    signed = authorization(request, "ak", "sk", "2026-03-01T12:00:00Z", ["host"])
    arrived = ReceivedRequest("GET", "/x", "", {"host": "h", "authorization": signed})
    keys = Keys([Tenant((1,), "ak", "sk")], window_s=window_s)
    if good:
        assert keys.verified(arrived, NOON + timedelta(seconds=off_s)).access_key == "ak"
    else:
        with pytest.raises(SignatureError, match="more than 5 minutes"):
            keys.verified(arrived, NOON + timedelta(seconds=off_s))


@pytest.mark.parametrize(
    ("comparison", "name", "found"),
    [
        ("contains", "Spring sale", True),
        ("contains", "spring SALE", False),
        ("ignore-case", "spring SALE", True),
        ("exact", "Spring sale", False),
        ("exact", "Spring sale 2026 1-248", True),
        ("exact", "", True),
    ],
)
def test_names_are_compared_as_was_set(comparison: str, name: str, *, found: bool) -> None:
    """In part, without regard to case, or as a whole; no name is all."""
    query = CampaignQuery(name, 0, 0, "", "", 1, 10, None)
    assert bool(page_of(campaigns_of(1), query, comparison)["totalSize"]) is found


def test_status_v2_is_taken_and_may_be_required() -> None:
    """It changes nothing; where it is required its absence is an empty parameter."""
    query = "status=0&deviceType=0&curPage=1&rowsPerPage=10"
    assert read_query(f"{query}&statusV2=7") == read_query(query)
    assert read_query(f"{query}&statusV2=", status_v2_required=True) == read_query(query)
    with pytest.raises(ParameterError) as caught:
        read_query(query, status_v2_required=True)
    assert caught.value.code == "02000001"


@pytest.mark.parametrize("wrong", [{"lock_after": -1}, {"clock_window_s": -0.1}, {"name_comparison": "soundex"}])
def test_what_cannot_be_set_is_refused(wrong: dict[str, Any]) -> None:
    """With the name, the value, and what may be given."""
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is .*; give "):
        Guesses(**wrong)


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (Fault("too-fast"), 200, '"0200022"'),
        (Fault("address-locked"), 403, "too many wrong signatures"),
        (Fault("firewall"), 418, "<title>Request denied"),
        (Fault("firewall", status=403), 403, "<title>Request denied"),
        (Fault("sample-2023"), 200, '"2023-11-05 3:01:12"'),
        (Fault("whole-floats"), 200, '"totalSize":250.0'),
    ],
)
def test_what_was_seen_of_it(simulator: SimulatorServer, ask: MOMENTS, fault: Fault, status: int, words: str) -> None:
    """Each answer that a second look has found can be had."""
    simulator.faults.arm(fault)
    response, body = ask()
    assert response.status == status
    assert words in body.decode()
