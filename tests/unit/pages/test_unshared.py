"""Pages that the shared tier never got, or has lost: they are put there as soon as it takes them."""

import queue
import threading
from collections.abc import Callable

from gateway.model import CampaignQuery
from gateway.pages.shared import Landing
from gateway.pages.unshared import MOST, Unshared
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House, OtherProcesses
from tests.support.redis_server import redis_server
from tests.support.shared_tier import shared_tier, wait_until_heard
from tests.support.waiting import wait_until

OLD, NEW = page_of(1), page_of(2)
PATIENCE_S = 20.0


class Recovering(OtherProcesses):
    """A shared tier that is there, and in trouble until it has `leases`. Of purges it hears when it is asked again."""

    def __init__(self, *, leases: bool = False) -> None:
        super().__init__(leases=leases)
        self.heard: list[bool] = [True, False]
        self.as_it_hears: Callable[[], object] = lambda: None

    def state(self) -> str:
        """Return what it would say itself."""
        return "ok" if self.leases else "failing"

    def hear_purges(self) -> bool:
        """Tell what the test has set, and at last that it has heard."""
        self.done.append("hear")
        self.as_it_hears()
        return self.heard.pop() if len(self.heard) > 1 else self.heard[0]


def test_a_page_that_landed_while_redis_was_in_trouble_is_there_for_all_afterwards() -> None:
    """Else another process would go on with the page before, for as long as that is fresh or CC-iSales fails."""
    with redis_server() as server, shared_tier(server.url) as first, shared_tier(server.url) as second:
        one, two = House(shared=first), House(shared=second)
        two.answer = OLD
        assert two.ask().page == one.ask().page == OLD
        wait_until_heard(server, 2)
        server.fill()
        one.answer = NEW
        one.clock.advance(100)
        assert one.ask().page == NEW
        assert two.ask().page == OLD
        server.make_room()
        wait_until(lambda: two.ask().page == NEW, PATIENCE_S)
        assert (len(one.fetched), len(two.fetched)) == (1, 1)


def test_a_page_that_the_shared_tier_has_lost_is_put_there_again() -> None:
    """With its age and the time that its fetch took, as who looks there finds out; others are told before."""
    others = Recovering(leases=True)
    house = House(shared=others)
    house.ask()
    landed = others.found
    assert landed is not None
    others.found = None
    house.cache.doubted(house.key(QUERY))
    house.clock.advance(5)
    assert house.ask().age_s == 5
    wait_until(lambda: others.found == landed._replace(age_s=5.0), PATIENCE_S)
    # It asks no more than it has to: whether purges were missed could not be known at first.
    assert others.done == ["announce", "land", "hear", "land", "hear", "announce", "land"]
    assert len(house.fetched) == 1


def test_a_page_that_lands_during_a_look_is_not_taken_for_lost() -> None:
    """What the look has found is older, but so is the look."""
    others = Recovering(leases=True)
    house = House(shared=others)
    house.ask()
    assert others.found is not None
    others.found = others.found._replace(age_s=10.0)
    lost: list[str] = []
    house.tiers.lost = lambda key, _: lost.append(key)
    house.cache.doubted(house.key(QUERY))
    house.answer = NEW

    def land() -> None:
        others.after_a_look = lambda: None
        house.clock.advance(20)
        house.fetches.here(house.key(QUERY), QUERY, house.clock())

    others.after_a_look = land
    held = house.tiers.adopt(house.key(QUERY), QUERY)
    assert held is not None
    assert (held.page(), lost) == (NEW, [])


def test_what_was_purged_for_good_meanwhile_is_not_put_there() -> None:
    """The lease is given up all the same."""
    others = Recovering()
    others.heard = [True]
    house = House(shared=others)
    house.ask()
    others.as_it_hears = lambda: house.cache.purge(1, hard=True)
    others.leases = True
    wait_until(lambda: "land" in others.done, PATIENCE_S)
    assert others.found is None
    assert others.done == ["hear", "land"]


def test_what_is_there_already_is_not_told_again() -> None:
    """A look in a moment of trouble has not found it; all processes that looked then would tell all others of it."""
    others = Recovering(leases=True)
    house = House(shared=others)
    house.ask()
    landed, others.found = others.found, None
    house.cache.doubted(house.key(QUERY))
    house.ask()
    looks: queue.SimpleQueue[None] = queue.SimpleQueue()
    others.after_a_look = lambda: looks.put(None)
    others.found = landed
    looks.get(timeout=PATIENCE_S)
    # A second one comes when it is done with the first.
    house.tiers.lost(house.key(QUERY), QUERY)
    looks.get(timeout=PATIENCE_S)
    assert others.done == ["announce", "land"]


def test_where_no_tier_is_shared_nothing_is_tried() -> None:
    """There is nobody to tell."""
    others = OtherProcesses()
    house = House(shared=others)
    house.ask()
    others.leases = True
    house.cache.doubted(house.key(QUERY))
    house.ask()
    assert others.done == []


def test_each_is_tried_until_it_is_done() -> None:
    """In trouble the others wait for another turn, and come first then: one page's trouble is not that of all."""
    tried: queue.SimpleQueue[str] = queue.SimpleQueue()
    noted = threading.Event()
    landings = {"a": [Landing.DONE, Landing.OVERTAKEN, Landing.NOT_SHARED], "b": [Landing.DONE] * 2}

    def share(key: str, query: CampaignQuery) -> Landing:
        noted.wait(PATIENCE_S)
        tried.put(key)
        return landings[key].pop()

    unshared = Unshared(share)
    for key in "aba":
        unshared.note(key, QUERY)
    noted.set()
    assert [tried.get(timeout=PATIENCE_S) for _ in range(4)] == ["a", "b", "a", "a"]
    unshared.note("b", QUERY)
    assert tried.get(timeout=PATIENCE_S) == "b"
    unshared.close()
    unshared.note("a", QUERY)
    assert tried.empty()


def test_what_is_noted_while_it_is_put_there_is_put_there_again() -> None:
    """That may be a newer page."""
    tried: queue.SimpleQueue[str] = queue.SimpleQueue()

    def share(key: str, query: CampaignQuery) -> Landing:
        if tried.empty():
            unshared.note(key, query)
        tried.put(key)
        return Landing.DONE

    unshared = Unshared(share)
    unshared.note("a", QUERY)
    wait_until(lambda: tried.qsize() == 2, PATIENCE_S)
    unshared.close()


def test_they_are_bounded() -> None:
    """Of too many those are left out that were noted first."""
    tried: queue.SimpleQueue[str] = queue.SimpleQueue()
    noted = threading.Event()

    def share(key: str, query: CampaignQuery) -> Landing:
        tried.put(key)
        noted.wait(PATIENCE_S)
        return Landing.DONE

    unshared = Unshared(share)
    unshared.note("first", QUERY)
    assert tried.get(timeout=PATIENCE_S) == "first"
    for number in range(MOST + 1):
        unshared.note(str(number), QUERY)
    noted.set()
    assert [tried.get(timeout=PATIENCE_S) for _ in range(MOST)] == [str(number) for number in range(1, MOST + 1)]
    unshared.close()
