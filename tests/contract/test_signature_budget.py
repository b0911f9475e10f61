"""The budget of refused signatures, of one process and of all that share a Redis: one suite for both."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from gateway.isales.signature_budget import (
    LONGEST_PAUSE_S,
    MOST_BEFORE_ASKING,
    WINDOW_S,
    OwnSignatureBudget,
    SignatureBudget,
    Turn,
)
from gateway.shared_store.address import StoreAddress
from gateway.shared_store.backend import KEY_PREFIX
from gateway.shared_store.signature_budget import RedisSignatureBudget
from gateway.shared_store.store import shared_store
from tests.support.clock import FakeClock
from tests.support.redis_server import RedisServer
from tests.support.shared_tier import Faults

LEASE_S = 10.0
# Redis' clock goes on while the test runs.
NEARLY = 1.0


@dataclass(frozen=True)
class Subject:
    """A budget, and how its time is made to pass."""

    budget: SignatureBudget
    advance: Callable[[float], None]

    def ask(self, pair: str = "current", tenant: str = "t", *, at_once: bool = False) -> Turn:
        """Ask."""
        turn = self.budget.ask(tenant, pair, LEASE_S, at_once=at_once)
        assert turn is not None
        return Turn(*turn)

    def refuse(self, signatures: int = 1, pair: str = "current", first_pause_s: float = 2.0) -> float:
        """Have a call refused; return for how long the pair is not shown."""
        pause_s = self.budget.refused("t", pair, signatures, first_pause_s)
        assert pause_s is not None
        return pause_s


def redis_budget(redis: RedisServer) -> tuple[RedisSignatureBudget, Callable[[], None]]:
    """Return the budget of one more process, and what closes it."""
    store = shared_store(Flask("test"), StoreAddress(redis.url, "http://isales"), Faults())
    budget = RedisSignatureBudget(store, WINDOW_S, MOST_BEFORE_ASKING, LONGEST_PAUSE_S)
    return budget, store.backend.close


@pytest.fixture(params=["own", "shared"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """Return each kind."""
    if request.param == "own":
        clock = FakeClock()
        yield Subject(OwnSignatureBudget(clock), clock.advance)
        return
    redis: RedisServer = request.getfixturevalue("redis")
    budget, close = redis_budget(redis)

    def advance(seconds: float) -> None:
        """Have all times in Redis be so much longer ago."""
        with redis.client() as client:
            for key in client.keys(f"{KEY_PREFIX}signatures:*"):
                for name, times in client.hgetall(key).items():
                    if not name.endswith(b":refusals"):
                        earlier = (int(float(at)) - round(seconds * 1000) for at in times.split())
                        client.hset(key, name, " ".join(map(str, earlier)))

    yield Subject(budget, advance)
    close()


def test_one_asks_at_a_time(subject: Subject) -> None:
    """Who asks first has the turn until it is settled or its time is over; other tenants and pairs have their own."""
    assert subject.ask().granted
    assert subject.ask() == Turn(granted=False, asking=True)
    assert subject.ask(tenant="other").granted
    assert subject.ask(pair="previous").granted
    subject.budget.settled("t", "current", accepted=False)
    assert subject.ask().granted
    subject.advance(LEASE_S + NEARLY)
    assert subject.ask().granted


def test_several_may_ask_where_that_is_said(subject: Subject) -> None:
    """As many as the asker says, and each that is refused or settled makes room."""
    asks = [Turn(*(subject.budget.ask("t", "current", LEASE_S, 3) or ())) for _ in range(5)]
    assert [turn.granted for turn in asks] == [True, True, True, False, False]
    assert asks[-1].asking
    subject.budget.settled("t", "current", accepted=False)
    assert Turn(*(subject.budget.ask("t", "current", LEASE_S, 3) or ())).granted
    assert subject.refuse() == 2.0
    assert subject.refuse() == pytest.approx(2.0, abs=NEARLY)
    assert subject.ask().refusals == 1


def test_pauses_double_after_each_refusal(subject: Subject) -> None:
    """From two seconds to ten minutes, and each is told to whoever asks meanwhile."""
    for expected in (2.0, 4.0, 8.0):
        assert subject.ask().granted
        assert subject.refuse() == expected
        turn = subject.ask()
        assert not turn.granted
        assert expected - NEARLY <= turn.wait_s <= expected
        subject.advance(expected + NEARLY)
    for expected in (16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 600.0, 600.0):
        subject.advance(WINDOW_S)
        assert subject.ask().granted
        assert subject.refuse() == expected
        subject.advance(expected)


def test_at_most_five_in_any_five_minutes(subject: Subject) -> None:
    """Also where each call shows two: before one goes, at most three lie within the window, and the time is told."""
    for signatures in (2, 2):
        assert subject.ask().granted
        subject.refuse(signatures)
        subject.advance(10.0)
    turn = subject.ask()
    assert (turn.granted, turn.refusals) == (False, 2)
    assert WINDOW_S - 20.0 - NEARLY <= turn.wait_s <= WINDOW_S - 20.0 + NEARLY
    assert not subject.ask(at_once=True).granted
    subject.advance(WINDOW_S - 20.0 + NEARLY)
    assert subject.ask().granted


def test_calls_that_were_under_way_only_count(subject: Subject) -> None:
    """Ten that were refused at once make one pause, and fill the window."""
    assert [round(subject.refuse()) for _ in range(10)] == [2] * 10
    subject.advance(2.0 + NEARLY)
    turn = subject.ask()
    assert (turn.granted, turn.refusals) == (False, 1)
    assert turn.wait_s > WINDOW_S - 10.0


def test_an_accepted_signature_ends_it(subject: Subject) -> None:
    """The next refusal begins with the first pause again."""
    for _ in range(2):
        assert subject.ask().granted
        subject.refuse()
        subject.advance(4.0 + NEARLY)
    assert subject.ask().granted
    subject.budget.settled("t", "current", accepted=True)
    assert subject.ask().granted
    assert subject.refuse() == 2.0


def test_a_change_is_asked_about_at_once(subject: Subject) -> None:
    """A pause does not keep a pair back that may have become the good one, and one call finds out."""
    assert subject.ask().granted
    assert subject.refuse(first_pause_s=60.0) == 60.0
    assert not subject.ask().granted
    assert subject.ask(at_once=True).granted
    assert subject.ask(at_once=True).asking


def test_processes_share_it(redis: RedisServer) -> None:
    """What one is refused keeps the others back, and what one is accepted lets them go."""
    (one, close_one), (two, close_two) = redis_budget(redis), redis_budget(redis)
    one.ask("t", "current", LEASE_S)
    assert Turn(*(two.ask("t", "current", LEASE_S) or ())).asking
    one.refused("t", "current", 1, 60.0)
    assert not Turn(*(two.ask("t", "current", LEASE_S) or ())).granted
    one.settled("t", "current", accepted=True)
    assert Turn(*(two.ask("t", "current", LEASE_S) or ())).granted
    close_one()
    close_two()


@pytest.mark.parametrize(
    "garbage", [b"text", {"current:next_at": "soon", "refused_at": "x y", "current:refusals": "-"}]
)
def test_what_is_none_of_ours_is_passed_over(redis: RedisServer, garbage: bytes | dict[str, str]) -> None:
    """Something else under the name, or times that no clock of Redis' has shown, keep nobody back."""
    budget, close = redis_budget(redis)
    budget.ask("t", "current", LEASE_S)
    with redis.client() as client:
        (key,) = client.keys(f"{KEY_PREFIX}signatures:*")
        client.delete(key)
        if isinstance(garbage, bytes):
            client.set(key, garbage)
        else:
            client.hset(key, mapping={**garbage, "current:asking_until": "9" * 18})
    assert Turn(*(budget.ask("t", "current", LEASE_S) or ())).granted
    close()


def test_trouble_with_redis_is_told(redis_to_hurt: RedisServer) -> None:
    """Then nobody keeps count over the processes, and each counts for itself."""
    budget, close = redis_budget(redis_to_hurt)
    redis_to_hurt.kill()
    assert budget.ask("t", "current", LEASE_S) is None
    assert budget.refused("t", "current", 1, 2.0) is None
    budget.settled("t", "current", accepted=True)
    close()
