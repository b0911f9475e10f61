"""Pages that somebody waits for: kept fresh, with no more calls than that takes."""

import pytest

from gateway.errors import UpstreamFailed, UpstreamRejectedParameters
from gateway.pages.freshness import Lifetimes
from gateway.pages.shared import Found
from gateway.pages.watch import DOUBTED_S, FETCHING_S, Watch
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House, OtherProcesses
from tests.support.waiting import wait_until


def watch_of(house: House) -> Watch:
    """Return what watches the pages of a house."""
    return Watch(house.fetches, house.tiers, house.failures, 1.0, house.clock)


def looked(house: House, watch: Watch) -> tuple[str, float]:
    """Look once, and wait until no fetch is under way; return the tag and when to look again."""
    seen = watch.look(house.key(QUERY), QUERY)
    wait_until(lambda: house.fetches.of(house.key(QUERY)) is None)
    return seen


def test_a_page_is_fetched_when_its_freshness_is_over_and_not_before() -> None:
    """One call for each `fresh_s`, not ahead of it as for callers who ask."""
    house = House(refresh_ahead=0.5)
    etag = house.ask().rendered.identity.etag
    watch = watch_of(house)
    house.clock.advance(14)
    assert looked(house, watch) == (etag, 1.0)
    assert len(house.fetched) == 1
    house.clock.advance(1)
    assert looked(house, watch) == (etag, FETCHING_S)
    assert len(house.fetched) == 2
    assert looked(house, watch) == (etag, 15.0)
    assert len(house.fetched) == 2


def test_another_page_is_seen_as_soon_as_it_is_there() -> None:
    """By its tag, which is that of other bytes."""
    house = House()
    before = house.ask().rendered.identity.etag
    watch, house.answer = watch_of(house), page_of(1, 2, 3)
    house.clock.advance(15)
    assert looked(house, watch)[0] == before
    assert looked(house, watch)[0] not in {before, ""}


def test_in_trouble_it_is_tried_when_the_pause_is_over() -> None:
    """The stale page has the tag that it had, and CC-iSales is asked as rarely as for callers who ask."""
    house = House()
    etag = house.ask().rendered.identity.etag
    watch, house.answer = watch_of(house), UpstreamFailed("no", sent=True)
    house.clock.advance(15)
    looked(house, watch)
    assert looked(house, watch) == (etag, 2.0)
    house.clock.advance(2)
    looked(house, watch)
    assert looked(house, watch) == (etag, 4.0)
    assert len(house.fetched) == 3


def test_a_page_that_is_never_fresh_is_fetched_once_in_min_refresh_s() -> None:
    """However short its freshness is."""
    house = House(lifetimes=Lifetimes(0, 60, 3600))
    etag = house.ask().rendered.identity.etag
    watch = watch_of(house)
    assert looked(house, watch) == (etag, 1.0)
    house.clock.advance(1)
    looked(house, watch)
    assert len(house.fetched) == 2


@pytest.mark.parametrize("hard", [False, True])
def test_a_page_that_was_purged_is_not_fresh(hard: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    """It is fetched anew; one that was purged for good is not there any more, so who waits is to ask."""
    house = House()
    etag = house.ask().rendered.identity.etag
    house.clock.advance(2)
    house.cache.purge(1, hard=hard)
    assert looked(house, watch_of(house))[0] == ("" if hard else etag)
    assert len(house.fetched) == (1 if hard else 2)


def test_parameters_that_are_refused_by_now_leave_no_page() -> None:
    """Who waits is to ask anew, and hears of it."""
    house = House()
    house.ask()
    watch, house.answer = watch_of(house), UpstreamRejectedParameters("no")
    house.clock.advance(15)
    looked(house, watch)
    assert looked(house, watch) == ("", FETCHING_S)
    assert len(house.fetched) == 2


def test_a_page_of_another_process_is_looked_for_when_it_is_announced() -> None:
    """Again and again, for it lands a moment after that."""
    shared = OtherProcesses(leases=True)
    one, two = House(shared=shared), House(shared=OtherProcesses())
    before = one.ask().rendered.identity.etag
    two.answer = page_of(7)
    two.ask()
    watch = watch_of(one)
    one.clock.advance(1)
    one.cache.doubted(one.key(QUERY))
    assert watch.look(one.key(QUERY), QUERY) == (before, DOUBTED_S)
    held = two.tiers.held(two.key(QUERY))
    assert held is not None
    shared.found = Found(held.entry, 0.0, 0.0)
    assert watch.look(one.key(QUERY), QUERY).etag == held.rendered.identity.etag
    assert len(one.fetched) == 1


def test_what_is_at_hand_is_told_without_a_look() -> None:
    """Nothing is fetched for it, and doubt is no freshness."""
    house = House()
    watch, key = watch_of(house), house.key(QUERY)
    assert watch.at_hand(key) is None
    rendered = house.ask().rendered
    assert watch.at_hand(key) == (rendered, True)
    house.cache.doubted(key)
    assert watch.at_hand(key) == (rendered, False)
