"""When the identity provider's keys are read, and which are known in between."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog

from gateway.access.key_cache import LEAST_PAUSE_S, PAUSE_S, WAIT_S, KeyCache
from gateway.errors import InternalError
from tests.support.clock import FakeClock
from tests.support.identity_provider import EC, RSA, jwk, jwks
from tests.support.waiting import wait_until

HOUR = 3600.0


class Source:
    """A provider that gives `answer`, or raises it, and counts how often it is asked; `gate` holds it up."""

    def __init__(self) -> None:
        self.answer: bytes | Exception = jwks(jwk("old", RSA))
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()
        self.clock = FakeClock()
        self.counted: list[str] = []
        self.keys = KeyCache(self.read, "https://id.example.com/jwks", HOUR, self.counted.append, self.clock)

    def has(self, key_id: str | None) -> bool:
        """Tell whether a key of this name is known, after having looked for it."""
        return bool(self.keys.find(key_id).named(key_id))

    def read(self) -> bytes:
        """Answer as the test has set it."""
        self.asked += 1
        assert self.gate.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def source() -> Source:
    """Return a provider with one key, `old`."""
    return Source()


def test_keys_are_read_at_first_need_and_kept(source: Source) -> None:
    """Nothing is asked before the first token, once for it, and not again within the hour."""
    assert (source.asked, source.keys.state()) == (0, "unknown")
    for _ in range(5):
        assert source.has("old")
        source.clock.advance(HOUR / 5 - 1)
    assert (source.asked, source.keys.state(), source.counted) == (1, "ok", ["ok"])


def test_old_keys_are_refreshed_behind_the_back_of_a_request(source: Source) -> None:
    """The request that finds them old does not wait, and no second refresh begins meanwhile."""
    source.keys.find("old")
    source.answer = jwks(jwk("new", EC))
    source.clock.advance(HOUR)
    source.gate.clear()
    for _ in range(3):
        assert source.has("old")
    wait_until(lambda: source.asked == 2)
    source.gate.set()
    wait_until(lambda: source.has("new"))
    assert not source.has("old")
    assert source.asked == 2


def test_attack_unknown_keys_ask_every_five_seconds_at_most(source: Source) -> None:
    """However many keys are made up, the provider is asked twelve times a minute, and each is looked for once."""
    assert source.has("old")
    for second in range(60):
        source.clock.advance(1)
        for number in range(10):
            assert not source.has(f"made-up-{second}-{number}")
    assert source.asked == 1 + 60 / LEAST_PAUSE_S


def test_a_wrong_name_asks_once_a_minute(source: Source) -> None:
    """A caller that goes on with one wrong name of a key is no burden for the provider."""
    assert source.has("old")
    for minute in range(1, 4):
        for _ in range(int(PAUSE_S)):
            source.clock.advance(1)
            assert not source.has("mistyped")
        assert source.asked == 1 + minute


def test_a_wrong_name_does_not_delay_a_rotated_key(source: Source) -> None:
    """A key that came just after somebody had named a wrong one is known seconds later, not after the minute."""
    assert source.has("old")
    source.clock.advance(LEAST_PAUSE_S)
    assert not source.has("mistyped")
    source.answer = jwks(jwk("new", EC))
    assert not source.has("new")
    source.clock.advance(LEAST_PAUSE_S)
    assert source.has("new")
    assert source.asked == 3


def test_a_name_that_came_while_keys_were_read_is_looked_for_again(source: Source) -> None:
    """The reading that it waited for may have begun before the provider had that key."""
    assert source.has("old")
    source.clock.advance(LEAST_PAUSE_S)
    source.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(source.has, "mistyped")
        wait_until(lambda: source.asked == 2)
        second = pool.submit(source.has, "new")
        source.gate.set()
        assert not first.result(10)
        assert not second.result(10)
    source.answer = jwks(jwk("new", EC))
    source.clock.advance(LEAST_PAUSE_S)
    assert source.has("new")


def test_keys_that_do_not_fit_are_read_anew(source: Source) -> None:
    """Who names no key, or one that has none, may look again when the signature does not fit: once a minute."""
    assert source.has(None)
    source.answer = jwks(jwk("new", EC))
    source.clock.advance(LEAST_PAUSE_S)
    assert source.has(None)
    assert source.asked == 1
    assert set(source.keys.find(None, anew=True).by_id) == {"new"}
    source.clock.advance(LEAST_PAUSE_S)
    source.keys.find(None, anew=True)
    assert source.asked == 2


def test_who_needs_the_same_reading_waits_for_it(source: Source) -> None:
    """Ten requests at the start make one reading, and all of them get its key."""
    source.gate.clear()
    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(source.keys.find, "old") for _ in range(10)]
        wait_until(lambda: source.asked == 1)
        source.gate.set()
        assert all(len(one.result(10).named("old")) == 1 for one in waiting)
    assert source.asked == 1


def test_nobody_waits_for_a_provider_that_hangs(source: Source) -> None:
    """Who needs a reading waits for as long as `wait` does and no longer; then what is known counts."""
    waited: list[float] = []

    def wait(reading: threading.Event, seconds: float) -> bool:
        waited.append(seconds)
        return reading.wait(0.01)

    keys = KeyCache(source.read, "there", HOUR, source.counted.append, source.clock, wait)
    source.gate.clear()
    for _ in range(3):
        with pytest.raises(InternalError):
            keys.find("old")
    assert (source.asked, waited) == (1, [WAIT_S] * 3)
    source.gate.set()
    wait_until(lambda: keys.state() == "ok")
    assert keys.find("old").named("old")
    source.clock.advance(PAUSE_S)
    source.gate.clear()
    assert not keys.find("made-up").named("made-up")
    assert keys.find("old").named("old")
    source.gate.set()
    wait_until(lambda: source.counted == ["ok", "ok"])
    assert (source.asked, len(waited)) == (2, 4)


@pytest.mark.parametrize(
    "trouble", [OSError("no route"), TimeoutError("late"), ValueError("HTTP 500"), KeyError("a bug"), b"<html>", b"{}"]
)
def test_old_keys_stay_through_trouble(source: Source, trouble: bytes | Exception) -> None:
    """Outage and rubbish are said once a minute and counted; the keys that were known stay good all the time."""
    source.keys.find("old")
    source.answer = trouble
    source.clock.advance(HOUR)
    with structlog.testing.capture_logs() as events:
        assert source.has("old")
        wait_until(lambda: source.keys.state() == "failing")
        source.clock.advance(PAUSE_S - 1)
        assert source.has("old")
    assert [event["event"] for event in events] == ["token_keys_failed"]
    assert (source.asked, source.counted) == (2, ["ok", "failed"])
    source.answer = jwks(jwk("new", EC))
    source.clock.advance(1)
    wait_until(lambda: source.has("new"))
    assert (source.keys.state(), source.asked) == ("ok", 3)


def test_without_any_keys_it_is_not_the_callers_fault(source: Source) -> None:
    """Before the first good reading the error is ours; it is tried anew after some seconds, not for each request."""
    source.answer = OSError("no route")
    for _ in range(3):
        with pytest.raises(InternalError) as caught:
            source.keys.find("old")
    assert (source.asked, caught.value.retry_after_s) == (1, int(LEAST_PAUSE_S))
    source.answer = jwks(jwk("old", RSA))
    source.clock.advance(LEAST_PAUSE_S)
    assert source.has("old")


def test_a_change_of_keys_is_logged_once(source: Source) -> None:
    """The ids of the keys are in the log when they change, and only then."""
    with structlog.testing.capture_logs() as events:
        source.keys.load()
        source.keys.load()
        source.answer = jwks(jwk("new", EC), {"kty": "oct"})
        source.keys.load()
    assert [event["key_ids"] for event in events] == [["old"], ["new"]]
    assert "keys[1] is of no kind" in str(events[1]["left_out"])


def test_loading_says_what_is_wrong(source: Source) -> None:
    """The sentence has the place and the fault."""
    source.answer = b"rubbish"
    with pytest.raises(ValueError, match=r"from https://id\.example\.com/jwks: it is not JSON"):
        source.keys.load()
