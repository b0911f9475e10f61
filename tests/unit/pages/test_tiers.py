"""Where the two tiers meet: which of two pages stays, and what news and purges in between mean."""

from datetime import UTC, datetime

import pytest

from gateway.errors import UpstreamFailed, UpstreamTimeout
from gateway.model import CacheOutcome, CampaignPage, CampaignQuery, Deadline, RequestDirectives
from gateway.pages.codec import decode, encode
from gateway.pages.freshness import Lifetimes
from gateway.pages.held import HeldPage
from gateway.pages.shared import Found
from gateway.pages.tiers import DOUBT_S, JITTER
from tests.support.campaigns import page_of
from tests.support.clock import FakeClock
from tests.support.page_cache import QUERY, House, OtherProcesses

OLD, NEW, NEWEST = page_of(1), page_of(2), page_of(3)
AS_OF_MS = 1_800_000_000_000


@pytest.fixture
def others() -> OtherProcesses:
    """Return what the other processes have."""
    return OtherProcesses()


def found(house: House, page: CampaignPage, age_s: float, took_s: float = 0.0, as_of_ms: int = AS_OF_MS) -> Found:
    """Return `page` as it stands in the shared tier."""
    return Found(encode(house.key(QUERY), page, as_of_ms), age_s, took_s)


def hold(house: House, page: CampaignPage, began_at: float) -> HeldPage:
    """Have the house hold a page that was fetched now, by a fetch that began then."""
    held = house.tiers.make(house.key(QUERY), QUERY, page, began_at)
    assert house.tiers.hold(held)
    return held


def test_an_older_page_of_the_others_does_not_replace_a_newer_one(others: OtherProcesses) -> None:
    """A Redis that takes no writes keeps the page of an hour ago; while CC-iSales fails, callers get the better one."""
    house = House(shared=others)
    house.answer = NEW
    house.ask()
    house.clock.advance(20)
    house.answer = UpstreamTimeout("hangs")
    others.found = found(house, OLD, 3000.0)
    house.ask()
    house.cache.doubted(None)
    house.clock.advance(3)
    served = house.ask()
    assert (served.outcome, served.age_s, served.page) == (CacheOutcome.STALE, 23.0, NEW)


def test_a_page_that_is_good_for_an_hour_does_not_go_with_one_that_is_good_for_seconds(others: OtherProcesses) -> None:
    """A failure behind which there is a page in this process stays a page, whatever the others have left."""
    house = House(shared=others)
    house.ask()
    house.clock.advance(100)
    house.answer = UpstreamFailed("down")
    others.found = found(house, OLD, 3670.0)
    house.cache.doubted(house.key(QUERY))
    house.ask()
    house.clock.advance(30)
    others.found = None
    assert house.ask().age_s == 130.0


def test_of_what_is_held_already_no_page_is_made_again(others: OtherProcesses) -> None:
    """While another process may have a newer one, each hit looks, and that is all it does."""
    house = House(shared=others)
    house.ask()
    held = house.tiers.held(house.key(QUERY))
    assert held is not None
    others.found = Found(held.entry, 0.0, 0.0)
    house.cache.doubted(house.key(QUERY))
    assert [house.ask().tier for _ in range(3)] == ["process"] * 3
    assert len(house.rendered) == 1
    others.found = found(house, NEW, 0.0, as_of_ms=9 * AS_OF_MS)
    assert (house.ask().page, len(house.rendered)) == (NEW, 2)


def test_a_newer_page_of_the_others_is_taken(others: OtherProcesses) -> None:
    """Who has heard that there may be one looks there first, and serves it with its age and its time of day."""
    house = House(shared=others)
    house.ask()
    house.clock.advance(100)
    others.found = found(house, NEW, 2.0)
    house.cache.doubted(house.key(QUERY))
    served = house.ask()
    assert (served.outcome, served.tier, served.page) == (CacheOutcome.HIT, "shared", NEW)
    assert (served.age_s, served.as_of, len(house.fetched)) == (2.0, AS_OF_MS // 1000, 1)
    assert house.ask().tier == "process"


def test_what_is_announced_during_a_look_is_looked_for_again(others: OtherProcesses) -> None:
    """The look found the page before: whoever was shown the new one elsewhere is not shown the old one here."""
    house = House(shared=others)
    others.found = found(house, OLD, 5.0)

    def lands_elsewhere() -> None:
        others.after_a_look = lambda: None
        house.cache.doubted(house.key(QUERY))
        others.found = found(house, NEW, 0.0)

    others.after_a_look = lands_elsewhere
    served = house.cache.fresh(QUERY)
    assert served is not None
    assert served.page == OLD
    assert house.cache.peek(house.key(QUERY)) is None
    assert house.ask().page == NEW


def test_what_is_announced_during_a_look_that_replaces_a_page_is_looked_for_again(others: OtherProcesses) -> None:
    """The same where there was a page, and for news of which it is not known which page they are of."""
    house = House(shared=others)
    house.ask()
    house.clock.advance(100)
    others.found = found(house, OLD, 5.0)

    def lands_elsewhere() -> None:
        others.after_a_look = lambda: None
        house.cache.doubted(None)
        others.found = found(house, NEW, 0.0)

    house.cache.doubted(None)
    others.after_a_look = lands_elsewhere
    assert house.ask().page == OLD
    assert house.ask().page == NEW


def test_a_page_that_landed_before_the_last_news_is_not_what_they_were_of(others: OtherProcesses) -> None:
    """Two pages were announced, and only the first is there yet: the second is looked for until it is."""
    house = House(shared=others)
    house.ask()
    house.clock.advance(10)
    others.found = found(house, NEW, 2.0)
    house.cache.doubted(house.key(QUERY))
    served = house.cache.fresh(QUERY)
    assert served is not None
    assert served.page == NEW
    assert house.cache.peek(house.key(QUERY)) is None
    others.found = found(house, NEWEST, 0.0)
    assert house.ask().page == NEWEST
    assert house.cache.peek(house.key(QUERY)) is not None


def test_news_that_are_too_old_are_not_looked_for(others: OtherProcesses) -> None:
    """What they were of has not come, or is gone again."""
    house = House(shared=others)
    house.cache.doubted(house.key(QUERY))
    house.clock.advance(DOUBT_S)
    others.found = found(house, NEW, 10.0)
    house.ask()
    assert house.cache.peek(house.key(QUERY)) is not None


def test_of_two_pages_that_came_in_short_order_the_later_one_is_taken(others: OtherProcesses) -> None:
    """The way of the first one's age was longer than the time between them: so it seems to be the younger one."""
    house = House(shared=others)
    others.found = found(house, OLD, 0.05)
    others.after_a_look = lambda: house.clock.advance(0.4)
    house.cache.fresh(QUERY)
    others.found, others.after_a_look = found(house, NEW, 0.1, as_of_ms=AS_OF_MS + 80), lambda: None
    house.cache.doubted(house.key(QUERY))
    assert house.ask().page == NEW
    others.found = found(house, OLD, 0.0, as_of_ms=AS_OF_MS + 79)
    house.cache.doubted(house.key(QUERY))
    assert house.ask().page == NEW


def test_a_look_that_took_long_does_not_replace_what_came_meanwhile(others: OtherProcesses) -> None:
    """Another thread has looked since, and has found the newer page."""
    house = House(shared=others)
    others.found = found(house, OLD, 5.0)

    def another_thread() -> None:
        others.after_a_look = lambda: None
        others.found = found(house, NEW, 0.0)
        assert house.tiers.adopt(house.key(QUERY), QUERY) is not None

    others.after_a_look = another_thread
    house.ask()
    others.found = None
    assert house.ask().page == NEW


def test_a_page_that_lands_late_does_not_replace_a_newer_one() -> None:
    """Between landing and holding, another process may have landed, and this one have taken that."""
    house = House()
    early = house.tiers.make(house.key(QUERY), QUERY, OLD, house.clock())
    house.clock.advance(1)
    hold(house, NEW, house.clock())
    house.tiers.hold(early)
    assert house.ask().page == NEW


def test_news_are_looked_for_until_they_are_there_or_late(others: OtherProcesses) -> None:
    """A page that was announced is looked for with each request, and after three seconds no more."""
    looks = list[int]()
    house = House(shared=others)
    house.ask()
    others.after_a_look = lambda: looks.append(1)
    house.cache.doubted(house.key(QUERY))
    for _ in range(2):
        house.clock.advance(DOUBT_S / 2)
        assert house.cache.fresh(QUERY) is not None
        assert house.cache.peek(house.key(QUERY)) is None
    assert len(looks) == 2
    house.clock.advance(0.1)
    assert house.cache.fresh(QUERY) is not None
    assert house.cache.peek(house.key(QUERY)) is not None
    house.cache.fresh(QUERY)
    assert len(looks) == 3


def test_news_that_come_during_the_last_look_are_news(others: OtherProcesses) -> None:
    """A look that began before a page was announced says nothing of that page."""
    house = House(shared=others)
    house.ask()
    house.cache.doubted(house.key(QUERY))
    house.clock.advance(DOUBT_S + 1)
    others.after_a_look = lambda: house.cache.doubted(house.key(QUERY))
    house.ask()
    assert house.cache.peek(house.key(QUERY)) is None


def test_news_of_other_pages_do_not_matter(others: OtherProcesses) -> None:
    """Nor do those of pages that are not held."""
    house = House(shared=others)
    house.ask()
    house.cache.doubted(house.key(CampaignQuery(vdn=2)))
    assert house.cache.peek(house.key(QUERY)) is not None
    house.memory.clear()
    house.clock.advance(1)
    others.found = found(house, NEW, 5.0)
    assert house.ask().page == NEW
    assert house.cache.peek(house.key(QUERY)) is not None


def test_a_page_that_was_purged_while_it_was_taken_is_not_shown(others: OtherProcesses) -> None:
    """Redis had answered when it was purged; it must not come back with that answer."""
    house = House(shared=others)
    others.found = found(house, OLD, 1.0)

    def purge() -> None:
        others.after_a_look = lambda: None
        others.found = None
        house.cache.purge(1, hard=True)

    others.after_a_look = purge
    house.answer = NEW
    assert [house.ask().page for _ in range(2)] == [NEW, NEW]
    assert len(house.fetched) == 1


def test_what_was_fetched_before_a_purge_is_purged_wherever_it_comes_from(others: OtherProcesses) -> None:
    """A Redis that never heard of the purge has the page still; how long its fetch took counts too."""
    house = House(shared=others)
    house.cache.purge(1)
    house.clock.advance(10)
    house.answer = UpstreamFailed("down")
    for age_s, took_s, stale in ((12.0, 0.0, True), (9.0, 2.0, True), (8.0, 1.5, False)):
        house.memory.clear()
        others.found = found(house, OLD, age_s, took_s)
        house.cache.subscribe()
        told = house.cache.explain(QUERY)
        assert (told.rung == "stale-if-error") == stale, (age_s, took_s)


def test_the_way_of_an_answer_does_not_make_a_page_younger(others: OtherProcesses) -> None:
    """What Redis tells of its age is as of when it was asked at the earliest, so a purge cannot slip in between."""
    house = House(shared=others)
    house.cache.purge(1)
    house.clock.advance(1)
    others.found = found(house, OLD, 1.1)
    others.after_a_look = lambda: house.clock.advance(0.2)
    house.answer = UpstreamFailed("down")
    assert house.cache.explain(QUERY).rung == "stale-if-error"


def test_a_hard_purge_counts_where_the_shared_tier_knows_nothing_of_it(others: OtherProcesses) -> None:
    """As after a failover: the page is not taken, however often it is found."""
    house = House(shared=others)
    house.cache.purge(1, hard=True)
    house.clock.advance(1)
    others.found = found(house, OLD, 2.0)
    house.answer = NEW
    assert house.cache.explain(QUERY).tier is None
    assert house.ask().page == NEW


def test_nothing_is_held_whose_fetch_began_before_a_hard_purge() -> None:
    """However late the purge comes; and it does not take along what came since."""
    house = House()
    early = house.tiers.make(house.key(QUERY), QUERY, OLD, house.tiers.beginning())
    house.cache.purge(1, hard=True)
    assert not house.tiers.hold(early)
    assert house.cache.explain(QUERY).tier is None
    hold(house, NEW, house.tiers.beginning())
    assert not house.tiers.hold(early)
    assert house.tiers.mark(early)
    assert early.purged
    assert house.ask().page == NEW


def test_a_page_whose_fetch_began_before_a_soft_purge_is_held_as_purged() -> None:
    """It is there for callers in trouble, and fresh for nobody."""
    house = House()
    early = house.tiers.make(house.key(QUERY), QUERY, OLD, house.tiers.beginning())
    house.cache.purge(None)
    assert house.tiers.hold(early)
    assert house.cache.explain(QUERY).rung == "stale-if-error"


def test_a_purge_counts_the_pages_that_it_concerns() -> None:
    """Those of one VDN or of all that were fetched before it, and no others."""
    house = House()
    for vdn in (1, 2, 11):
        house.ask(CampaignQuery(vdn=vdn))
    house.clock.advance(10)
    house.ask(CampaignQuery(vdn=1, page=2))
    assert house.cache.purged(1, 5.0, hard=False) == 1
    assert house.cache.purged(None, 5.0, hard=False) == 3
    assert house.cache.purged(None, 0.0, hard=True) == 4
    assert house.memory.keys("") == []


def test_a_page_that_is_too_large_is_not_in_the_way_of_the_next() -> None:
    """What is larger than all that may be held is not held, nor is what it was to replace."""
    house = House(max_bytes=1500)
    house.ask()
    house.clock.advance(100)
    house.answer = page_of(*range(1, 100))
    assert not house.ask().stored
    assert house.cache.explain(QUERY).tier is None


@pytest.mark.parametrize("planted", [b"", b"text", b"CGpg\x01" + b"\x00" * 50, encode("page:2:1:other", OLD, AS_OF_MS)])
def test_what_cannot_be_read_is_a_miss_and_deleted(planted: bytes, others: OtherProcesses) -> None:
    """It is counted once."""
    deleted = []

    class Deleting(OtherProcesses):
        def delete(self, key: str) -> None:
            deleted.append(key)
            self.found = None

    tier = Deleting()
    house = House(shared=tier)
    tier.found = Found(planted, 1.0, 0.0)
    assert house.ask().outcome is CacheOutcome.MISS
    assert deleted == [house.key(QUERY)]
    assert house.count("cache_unreadable_entries_total") == 1


@pytest.mark.parametrize("as_of_ms", [10**30, -(10**18)])
def test_a_time_of_day_that_is_none_is_a_miss(as_of_ms: int, others: OtherProcesses) -> None:
    """However good its checksum is."""
    house = House(shared=others)
    others.found = Found(encode(house.key(QUERY), OLD, as_of_ms), 1.0, 0.0)
    assert house.ask().outcome is CacheOutcome.MISS
    assert house.count("cache_unreadable_entries_total") == 1


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.8), (0.5, 0.8 * (1 - JITTER / 2)), (1.0, 0.8 * (1 - JITTER))])
def test_pages_of_one_moment_are_not_refreshed_in_one_moment(chance: float, share: float) -> None:
    """Each has a share of its own, within a tenth of what is set."""
    house = House(refresh_ahead=0.8)
    house.tiers._chance = lambda: chance  # noqa: SLF001 -- the dice of the house
    held = house.tiers.make(house.key(QUERY), QUERY, OLD, 0.0)
    assert held.refresh_share == pytest.approx(share)


def test_without_refresh_ahead_a_page_is_fresh_to_the_end() -> None:
    """No chance shortens it."""
    house = House(refresh_ahead=1.0)
    house.tiers._chance = lambda: 1.0  # noqa: SLF001 -- the dice of the house
    assert house.tiers.make(house.key(QUERY), QUERY, OLD, 0.0).refresh_share == 1.0


def test_a_page_tells_when_cc_isales_answered() -> None:
    """By the wall clock of who fetched it, to the millisecond in its entry."""
    house = House()
    moment = datetime(2026, 11, 27, 10, 0, 0, 123_000, UTC)
    house.tiers._wall = lambda: moment  # noqa: SLF001 -- the clock on the wall of the house
    held = house.tiers.make(house.key(QUERY), QUERY, OLD, 0.0)
    assert held.as_of_ms == round(moment.timestamp() * 1000)
    assert decode(held.key, held.entry).as_of_ms == round(moment.timestamp() * 1000)


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
    others.found = found(house, OLD, age_s)
    served = house.cache.serve(QUERY, Deadline.after(5))
    assert served.outcome is CacheOutcome.MISS or served.age_s >= age_s


@pytest.mark.parametrize("max_age_s", [0, 1, 5])
def test_a_page_of_the_others_that_is_too_old_for_the_caller_is_not_given(max_age_s: int) -> None:
    """It is newer than the one that was held, and would do for all who ask for nothing else."""
    others = OtherProcesses(leases=True)
    house = House(shared=others)
    house.ask()
    house.clock.advance(50)
    others.found = found(house, OLD, 10.0)
    house.answer = NEW
    served = house.ask(QUERY, RequestDirectives(max_age_s=max_age_s))
    assert (served.page, served.outcome) == (NEW, CacheOutcome.MISS)
