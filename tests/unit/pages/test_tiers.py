"""Where the two tiers meet: which of two pages stays, and what a purge in between means."""

from collections.abc import Callable

import pytest

from gateway.errors import UpstreamFailed, UpstreamTimeout
from gateway.model import CacheOutcome, Deadline
from gateway.pages.codec import encode
from gateway.pages.fetcher import LOOKS
from gateway.pages.freshness import Lifetimes
from gateway.pages.held import HeldPage
from gateway.pages.shared import Lease, NoSharedTier
from gateway.pages.tiers import Tiers
from tests.support.campaigns import page_of
from tests.support.clock import FakeClock
from tests.support.page_cache import QUERY, House

OLD, NEW = page_of(1), page_of(2)


class OtherProcesses(NoSharedTier):
    """A shared tier with what others have put there; it takes nothing, as a Redis that is full."""

    def __init__(self) -> None:
        super().__init__()
        self.found: tuple[bytes, float] | None = None
        self.after_a_look: Callable[[], object] = lambda: None
        self.followed = 0
        self.leased_elsewhere = False

    def get(self, key: str) -> tuple[bytes, float] | None:
        """Return what there is, and let the test do something then."""
        found = self.found
        self.after_a_look()
        return found

    def try_lead(self, key: str) -> Lease | None:
        """Return a lease, unless another process is said to have it."""
        return None if self.leased_elsewhere else super().try_lead(key)

    def follow(self, key: str, deadline: Deadline) -> None:
        """Find nobody to follow."""
        self.followed += 1


@pytest.fixture
def others() -> OtherProcesses:
    """Return what the other processes have."""
    return OtherProcesses()


def test_an_older_page_of_the_others_does_not_replace_a_newer_one(others: OtherProcesses) -> None:
    """A Redis that takes no writes keeps the page of an hour ago; while CC-iSales fails, callers get the better one."""
    house = House(shared=others)
    house.answer = NEW
    house.ask()
    house.clock.advance(20)
    house.answer = UpstreamTimeout("hangs")
    others.found = (encode(house.key(QUERY), OLD), 3000.0)
    house.ask()
    house.clock.advance(3)
    served = house.ask()
    assert (served.outcome, served.age_s) == (CacheOutcome.STALE, 23.0)
    assert served.rendered == house.cache._tiers._render(NEW)  # noqa: SLF001 -- the bytes of the page


def test_a_page_that_is_good_for_an_hour_does_not_go_with_one_that_is_good_for_seconds(others: OtherProcesses) -> None:
    """A failure behind which there is a page in this process stays a page, whatever the others have left."""
    house = House(shared=others)
    house.ask()
    house.clock.advance(100)
    house.answer = UpstreamFailed("down")
    others.found = (encode(house.key(QUERY), OLD), 3670.0)
    house.ask()
    house.clock.advance(30)
    others.found = None
    assert house.ask().age_s == 130.0


def test_a_newer_page_of_the_others_is_taken(others: OtherProcesses) -> None:
    """What another process has fetched since is served with its age."""
    house = House(shared=others)
    house.ask()
    house.clock.advance(100)
    others.found = (encode(house.key(QUERY), NEW), 2.0)
    served = house.ask()
    assert (served.outcome, served.age_s, len(house.fetched)) == (CacheOutcome.HIT, 2.0, 1)


def test_a_page_that_was_purged_while_it_was_taken_does_not_stay(others: OtherProcesses) -> None:
    """Redis had answered when it was purged; it must not come back with that answer."""
    house = House(shared=others)
    house.cache.subscribe()
    others.found = (encode(house.key(QUERY), OLD), 1.0)

    def purge() -> None:
        if others.found is not None:
            others.found = None
            house.cache.purge(1)

    others.after_a_look = purge
    house.answer = NEW
    house.ask()
    assert house.ask().rendered == house.cache._tiers._render(NEW)  # noqa: SLF001 -- the bytes of the page
    assert len(house.fetched) == 1


def test_nothing_is_held_that_was_asked_for_before_a_purge() -> None:
    """However late the purge comes."""
    house = House()
    tiers: Tiers = house.cache._tiers  # noqa: SLF001 -- what is tested
    held: HeldPage = tiers.make(house.key(QUERY), OLD, Lifetimes(15, 60, 3600))
    before = tiers.generation
    house.cache.purge(1)
    assert not tiers.hold(held, before)
    assert tiers.hold(held, tiers.generation)


def test_a_tier_that_gives_neither_page_nor_lease_is_left_alone_in_the_end(others: OtherProcesses) -> None:
    """No caller is held by a Redis that says of everything that it is not there."""
    others.leased_elsewhere = True
    house = House(shared=others)
    assert house.ask().outcome is CacheOutcome.MISS
    assert others.followed == LOOKS


class Ticking(FakeClock):
    """A clock that goes on with each look at it."""

    def __call__(self) -> float:
        """Return the seconds, a little later each time."""
        self.advance(0.02)
        return super().__call__()


@pytest.mark.parametrize("age_s", [14.80 + number * 0.01 for number in range(20)])
def test_a_page_at_the_end_of_its_time_is_not_given_as_a_new_one(others: OtherProcesses, age_s: float) -> None:
    """It may become stale between the look and the answer; its age is told all the same."""
    house = House(shared=others, lifetimes=Lifetimes(15, 0, 3600), clock=Ticking())
    others.found = (encode(house.key(QUERY), OLD), age_s)
    served = house.cache.serve(QUERY, Deadline.after(5))
    assert served.outcome is CacheOutcome.MISS or served.age_s >= age_s
