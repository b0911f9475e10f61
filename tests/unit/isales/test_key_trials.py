"""Which keys are shown to CC-iSales, when, and by how many calls at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import UpstreamFailed, UpstreamOverloaded, UpstreamRefusedCredentials, UpstreamTimeout
from gateway.isales.credentials import key_pairs
from gateway.isales.key_trials import KeyTrials
from gateway.isales.known_credentials import KnownCredentials
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.second_signature import in_turn, in_turn_after_wait, with_credentials
from gateway.isales.send import Send, VendorAnswer
from gateway.isales.signature_budget import NO_SHARED_BUDGET
from gateway.model import Deadline
from gateway.settings.model import Secret, Tenant
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until
from tests.unit.isales.vendor import QUERY, TENANT, counted, tenant

ROTATING = tenant(previous_access_key="OLD", previous_secret_key=Secret("an-older-secret"))
ANSWER = VendorAnswer({})


class House:
    """Calls to a CC-iSales that takes the signatures of `good` access keys, and holds calls while `gate` is closed.

    A key of which `gates` has one has a gate of its own. Its clock is `ahead_s` seconds ahead. `in_a_row` is the most
    signatures that it refused without taking any.
    """

    def __init__(self, *good: str) -> None:
        self.clock = FakeClock()
        self.numbers = UpstreamNumbers()
        self.good = set(good)
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.gates: dict[str, threading.Event] = {}
        self.shown: list[str] = []
        self.ahead_s = 0.0
        self.in_a_row = 0
        self._refused_in_a_row = 0
        self._lock = threading.Lock()
        self.trials = KeyTrials(KnownCredentials(self.numbers, self.clock), NO_SHARED_BUDGET, self.numbers, self.clock)
        self.slots = threading.Semaphore(100)
        self.queue = 0
        send = in_turn_after_wait(with_credentials(self._send, self.trials), self.trials)
        self.send = in_turn(self._in_slot(send), self.trials)

    def _in_slot(self, send: Send) -> Send:
        def send_in_slot(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
            with self._lock:
                self.queue += 1
            with self.slots:
                return send(request, deadline)

        return send_in_slot

    def _send(self, request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        key = request.signed_with.keys.access_key
        self.shown.append(key)
        self.gates.get(key, self.gate).wait(10)
        if self.error:
            raise self.error
        ahead_s = self.ahead_s - request.signed_with.clock_ahead_s
        good = key in self.good and not ahead_s
        with self._lock:
            self._refused_in_a_row = 0 if good else self._refused_in_a_row + 1
            self.in_a_row = max(self.in_a_row, self._refused_in_a_row)
        if not good:
            raise UpstreamRefusedCredentials("CC-iSales answered HTTP 401.", clock_ahead_s=ahead_s)
        return ANSWER

    def ask(self, of: Tenant = TENANT) -> Exception | None:
        """Make a call; return what it raised."""
        try:
            self.send(campaigns_request(QUERY, of), Deadline.after(8.0, self.clock))
        except (UpstreamRefusedCredentials, UpstreamTimeout, UpstreamFailed, UpstreamOverloaded) as error:
            return error
        return None

    def refusals_in(self, seconds: int, of: Tenant = TENANT, each_s: float = 0.1) -> int:
        """Have callers come all the time for so long; return how many signatures were refused."""
        before = self.refused(of)
        for _ in range(round(seconds / each_s)):
            self.ask(of)
            self.clock.advance(each_s)
        return self.refused(of) - before

    def refused(self, of: Tenant) -> int:
        """Return how many signatures were."""
        return int(counted(self.numbers, "upstream_refused_signatures").get(str(of.vdn), 0))


def test_a_wrong_key_is_shown_ever_less_often() -> None:
    """Ten callers a second: five refused signatures at most in the first five minutes, and an hour later two."""
    house = House()
    assert house.refusals_in(1) == 1
    assert 2 <= 1 + house.refusals_in(299) <= 5
    house.refusals_in(3300, each_s=1.0)
    assert house.refusals_in(300, each_s=1.0) <= 2
    assert counted(house.numbers, "upstream_keys_refused") == {"1": 1}


def test_two_wrong_pairs_are_shown_no_more_often() -> None:
    """During a rotation both pairs together have the same budget."""
    house = House()
    assert 2 <= house.refusals_in(300, ROTATING) <= 5
    house.refusals_in(3300, ROTATING, each_s=1.0)
    assert house.refusals_in(300, ROTATING, each_s=1.0) <= 4


def test_callers_in_between_get_the_problem_at_once() -> None:
    """They are told what was refused and when the next try is, and CC-iSales hears nothing of them."""
    house = House()
    house.ask()
    error = house.ask()
    assert isinstance(error, UpstreamRefusedCredentials)
    assert not error.sent
    assert error.detail.startswith("CC-iSales answered HTTP 401. Its clock and the time that was signed agree.")
    assert error.detail.endswith("the next one is tried within 2 s.")
    assert house.shown == ["AK"]


def test_other_tenants_notice_nothing() -> None:
    """Keys of one tenant that are refused hold up no call of another."""
    house = House("AK-2")
    house.ask()
    other = tenant(vdn=2, access_key="AK-2")
    assert [house.ask(other) for _ in range(20)] == [None] * 20


def test_the_key_that_becomes_good_is_found_by_the_next_try() -> None:
    """From then on all calls go."""
    house = House()
    house.ask()
    house.good = {"AK"}
    assert house.ask() is not None
    house.clock.advance(2)
    assert [house.ask() for _ in range(5)] == [None] * 5
    assert counted(house.numbers, "upstream_keys_refused") == {}


def test_a_few_first_calls_find_out() -> None:
    """A crowd with a wrong key shows it three times, one with a good key waits for the first of them and then goes."""
    house = House()
    house.gate.clear()
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(house.ask) for _ in range(20)]
        wait_until(lambda: house.trials.waiting == 17)
        house.gate.set()
        errors = [call.result(10) for call in calls]
    assert house.shown == ["AK"] * 3
    assert 3 + house.refusals_in(296) <= 4
    assert all(isinstance(error, UpstreamRefusedCredentials) for error in errors)
    house = House("AK")
    with ThreadPoolExecutor(20) as pool:
        assert [call.result(10) for call in [pool.submit(house.ask) for _ in range(20)]] == [None] * 20


SEVERAL = [tenant(vdn=vdn, access_key=f"AK-{vdn}") for vdn in range(1, 7)]


def test_a_wrong_clock_is_found_out_by_a_few_calls_of_all_tenants() -> None:
    """Where a crowd of good keys comes first, fewer signatures than lock an address are refused in a row."""
    house = House(*(each.access_key for each in SEVERAL))
    house.ahead_s = 1200.0
    house.gate.clear()
    with ThreadPoolExecutor(18) as pool:
        calls = [pool.submit(house.ask, of) for of in SEVERAL * 3]
        wait_until(lambda: len(house.shown) + house.trials.waiting >= 18)
        assert len(house.shown) == 4
        house.gate.set()
        assert [call.result(10) for call in calls] == [None] * 18
    assert house.in_a_row <= 4


def test_a_tenant_whose_first_calls_hang_leaves_a_place_to_others() -> None:
    """Before anything was accepted one tenant has fewer places than all have; a place is had again after its call."""
    house = House("AK", "AK-2")
    house.gate.clear()
    with ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(house.ask) for _ in range(4)]
        wait_until(lambda: (len(house.shown), house.trials.waiting) == (3, 1))
        house.error = UpstreamFailed("x")
        calls.append(pool.submit(house.ask, SEVERAL[1]))
        wait_until(lambda: len(house.shown) == 4)
        house.gate.set()
        assert all(isinstance(call.result(10), UpstreamFailed) for call in calls)
    house.error = None
    assert [house.ask(of) for of in (TENANT, SEVERAL[1])] == [None] * 2


def test_calls_that_say_nothing_of_signatures_give_their_places_back() -> None:
    """However many tenants begin with failures, the next one's first call does not wait."""
    house = House("AK-6")
    house.error = UpstreamFailed("x")
    for of in SEVERAL[:5]:
        assert house.ask(of) is house.error
    house.error = None
    assert house.ask(SEVERAL[5]) is None


def test_nobody_waits_long_for_the_first_call() -> None:
    """Where it takes more than a second the others go too."""
    house = House("AK")
    house.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(house.ask, ROTATING)
        wait_until(lambda: house.shown)
        second = pool.submit(house.ask, ROTATING)
        house.clock.advance(0.9)
        wait_until(lambda: house.trials.waiting == 1)
        house.clock.advance(0.2)
        wait_until(lambda: len(house.shown) == 2)
        house.gate.set()
        assert (first.result(10), second.result(10)) == (None, None)


@pytest.mark.parametrize("error", [UpstreamTimeout("late"), UpstreamFailed("x")])
def test_a_first_call_that_fails_otherwise_holds_nobody_back(error: Exception) -> None:
    """Nothing was said of the keys, so all go."""
    house = House("AK")
    house.error = error
    assert house.ask() is error
    house.error = None
    house.gate.clear()
    with ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(house.ask) for _ in range(5)]
        wait_until(lambda: len(house.shown) == 6)
        house.gate.set()
        assert [call.result(10) for call in calls] == [None] * 5


def test_a_call_that_was_not_made_proves_nothing() -> None:
    """The next ones still wait for the first."""
    house = House()
    house.error = UpstreamOverloaded("no slot", sent=False)
    assert house.ask(ROTATING) is house.error
    house.error = None
    house.gate.clear()
    with ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(house.ask, ROTATING) for _ in range(5)]
        wait_until(lambda: house.trials.waiting == 4)
        house.gate.set()
        assert all(call.result(10) for call in calls)
    assert house.shown == ["AK", "AK", "OLD"]


def test_the_current_keys_of_a_rotation_are_tried_ever_less_often() -> None:
    """After a minute, then two more, then four, and every ten minutes at last; each call gets its page."""
    house = House("OLD")
    tried_at = []
    for second in range(3600):
        before = house.shown.count("AK")
        assert house.ask(ROTATING) is None
        if house.shown.count("AK") > before:
            tried_at.append(second)
        house.clock.advance(1.0)
    assert tried_at == [0, 60, 180, 420, 900, 1500, 2100, 2700, 3300]
    assert counted(house.numbers, "upstream_keys_refused") == {}


def test_keys_that_stop_being_good_are_left_for_the_others_at_once() -> None:
    """The pause of the current keys does not hold up the moment at which a rotation happens."""
    house = House("OLD")
    assert house.ask(ROTATING) is None
    house.good = {"AK"}
    assert house.ask(ROTATING) is None
    assert house.shown == ["AK", "OLD", "OLD", "AK"]


def test_a_crowd_of_calls_whose_keys_are_revoked_is_one_refusal() -> None:
    """Those that were under way make no pause longer, and fill the window of five minutes."""
    house = House("AK")
    assert house.ask() is None
    house.gate.clear()
    house.good = set()
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(house.ask) for _ in range(8)]
        wait_until(lambda: len(house.shown) == 9)
        house.gate.set()
        assert all(call.result(10) for call in calls)
    assert house.refusals_in(298) == 0
    house.good = {"AK"}
    house.clock.advance(3)
    assert house.ask() is None


def queue_in(house: House, of: Tenant, change: Callable[[], None]) -> list[Exception | None]:
    """Have eight calls go through one slot, one of them on its way, before `change` happens; return how they end."""
    assert house.ask(of) is None
    house.slots = threading.Semaphore(1)
    house.queue = 0
    house.gate.clear()
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(house.ask, of) for _ in range(8)]
        wait_until(lambda: (house.queue, len(house.shown)) == (8, 2))
        change()
        house.gate.set()
        return [call.result(10) for call in calls]


def test_calls_that_wait_for_a_slot_do_not_show_keys_that_are_revoked_meanwhile() -> None:
    """Of a queue one signature is refused; the others are told so, and count for nothing."""
    house = House("AK")
    errors = queue_in(house, TENANT, house.good.clear)
    assert house.shown == ["AK"] * 2
    assert all(isinstance(error, UpstreamRefusedCredentials) for error in errors)
    assert sum(isinstance(error, UpstreamRefusedCredentials) and error.sent for error in errors) == 1
    house.good = {"AK"}
    house.clock.advance(2)
    assert [house.ask() for _ in range(3)] == [None] * 3


def test_calls_that_wait_for_a_slot_go_over_to_the_other_keys() -> None:
    """In a rotation the first refusal is enough for all of them."""
    house = House("AK")

    def rotate() -> None:
        house.good = {"OLD"}

    assert queue_in(house, ROTATING, rotate) == [None] * 8
    assert house.shown == ["AK", "AK", *["OLD"] * 8]


def test_calls_that_wait_for_a_slot_wait_for_who_tries_the_other_keys() -> None:
    """Calls in the queue wait for the one that tries the other keys, and one at most that was under way is refused."""
    house = House("AK")
    assert house.ask(ROTATING) is None
    house.slots, house.queue, house.good = threading.Semaphore(2), 0, {"OLD"}
    house.gates["OLD"] = threading.Event()
    house.gate.clear()
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(house.ask, ROTATING) for _ in range(8)]
        wait_until(lambda: (house.queue, len(house.shown)) == (8, 3))
        house.gate.set()
        wait_until(lambda: house.trials.waiting)
        house.gates["OLD"].set()
        errors = [call.result(10) for call in calls]
    assert house.shown.count("AK") == 3
    assert sum(error is not None for error in errors) <= 1


def test_first_calls_that_wait_for_a_slot_look_again() -> None:
    """Of three who may find out whether the keys are good, the first one's refusal is enough."""
    house = House()
    house.slots = threading.Semaphore(1)
    house.gate.clear()
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(house.ask) for _ in range(3)]
        wait_until(lambda: (house.queue, len(house.shown)) == (3, 1))
        house.gate.set()
        assert all(isinstance(call.result(10), UpstreamRefusedCredentials) for call in calls)
    assert house.shown == ["AK"]


def test_first_calls_that_come_to_know_nothing_leave_their_places() -> None:
    """Else those who ask after a refusal would find them taken, for as long as a place is kept."""
    house = House("AK")
    house.error = UpstreamFailed("HTTP 500")
    house.gate.clear()
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(house.ask) for _ in range(3)]
        wait_until(lambda: len(house.shown) == 3)
        house.gate.set()
        assert all(isinstance(call.result(10), UpstreamFailed) for call in calls)
    house.error, house.good = None, set()
    assert isinstance(house.ask(), UpstreamRefusedCredentials)
    house.good = {"AK"}
    house.clock.advance(2)
    assert house.ask() is None


def test_calls_that_wait_for_a_slot_are_signed_by_the_clock_that_is_known_then() -> None:
    """A clock that is set meanwhile is found out by one refusal."""
    house = House("AK")

    def set_clock() -> None:
        house.ahead_s = 1200.0

    assert queue_in(house, TENANT, set_clock) == [None] * 8
    assert house.refused(TENANT) == 1


def test_one_of_those_that_waited_longer_than_the_pause_asks() -> None:
    """A slot that is had late is as good for a try as any other call."""
    house = House("AK")
    house.ask()
    house.slots = threading.Semaphore(0)
    with ThreadPoolExecutor(3) as pool:
        house.queue = 0
        calls = [pool.submit(house.ask) for _ in range(3)]
        wait_until(lambda: house.queue == 3)
        house.trials.refused(TENANT, key_pairs(TENANT)[0], 1, "Refused.")
        house.clock.advance(2)
        house.slots.release()
        assert [call.result(10) for call in calls] == [None] * 3
    assert house.shown == ["AK"] * 4


def test_what_is_known_of_keys_that_are_gone_is_forgotten() -> None:
    """New keys of the tenant are shown at once, and nothing of the old ones is held or shown as refused."""
    house = House("AK-NEW")
    house.ask()
    new = tenant(access_key="AK-NEW")
    house.trials.keep([new])
    assert counted(house.numbers, "upstream_keys_refused") == {}
    assert house.ask(new) is None
    # A call that was under way meanwhile.
    house.trials.refused(TENANT, key_pairs(TENANT)[0], 1, "late")
    assert not house.trials.is_refused(TENANT, key_pairs(TENANT)[0])
    assert counted(house.numbers, "upstream_keys_refused") == {}
