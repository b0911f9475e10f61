"""The driver of the page cache: the ladder from fresh to expired, and what each failure does to it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import (
    GatewayError,
    UpstreamBrokenContract,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
    UpstreamRejectedParameters,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.model import CacheOutcome, CampaignPage, CampaignQuery, Deadline
from gateway.pages.freshness import Lifetimes, Rung
from tests.support.campaigns import page_of
from tests.support.page_cache import COMPLETED, QUERY, House
from tests.support.waiting import wait_until

FAILURES = [
    UpstreamFailed,
    UpstreamRefusedCredentials,
    UpstreamUnreachable,
    UpstreamBrokenContract,
    UpstreamOverloaded,
    UpstreamTimeout,
]


def test_a_page_is_fetched_once_while_it_is_fresh() -> None:
    """The first caller misses, the next ones hit, with the age and the time left."""
    house = House()
    served = house.ask()
    assert (served.outcome, served.tier, served.age_s, served.fresh_for_s) == (CacheOutcome.MISS, "", 0.0, 15.0)
    house.clock.advance(10)
    served = house.ask()
    assert (served.outcome, served.tier, served.age_s, served.fresh_for_s) == (CacheOutcome.HIT, "process", 10.0, 5.0)
    assert served.page == house.answer
    assert len(house.fetched) == 1
    assert house.count("cache_lookups_total", outcome="hit", rung="fresh", tier="process") == 1
    assert house.count("cache_lookups_total", outcome="miss", rung="", tier="") == 1


def test_completed_campaigns_stay_fresh_for_longer() -> None:
    """Only the pages that are asked for with that status do."""
    house = House()
    assert house.ask(COMPLETED).fresh_for_s == 300.0
    house.clock.advance(299)
    assert house.ask(COMPLETED).outcome is CacheOutcome.HIT


def test_different_questions_have_pages_of_their_own() -> None:
    """Another VDN is another question, another language is not."""
    house = House()
    house.ask()
    assert house.ask(CampaignQuery(vdn=2)).outcome is CacheOutcome.MISS
    assert house.ask(CampaignQuery(vdn=1, locale="en_US")).outcome is CacheOutcome.HIT


def test_a_stale_page_is_served_at_once_and_refreshed_behind() -> None:
    """The caller gets the old page without waiting, marked; the next one gets the new page, fresh."""
    house = House()
    old = house.ask().page
    house.answer = page_of(7)
    house.clock.advance(20)
    served = house.ask()
    assert (served.outcome, served.page) == (CacheOutcome.STALE, old)
    assert (served.age_s, served.fresh_for_s, served.detail) == (20.0, -5.0, "stale-while-revalidate")
    served = house.ask()
    assert (served.outcome, served.page, served.age_s) == (CacheOutcome.HIT, page_of(7), 0.0)
    assert len(house.fetched) == 2
    assert house.count("cache_refreshes_total", outcome="ok") == 1


def test_one_refresh_a_key_however_many_ask() -> None:
    """While a refresh is under way all callers get the stale page and nobody starts another."""
    entered, release, calls = threading.Event(), threading.Event(), []

    def fetch(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        calls.append(query)
        if len(calls) > 1:
            entered.set()
            assert release.wait(10)
        return page_of(len(calls))

    house = House(fetch)
    house.ask()
    house.clock.advance(20)
    served = [house.cache.serve(QUERY, Deadline.after(1)) for _ in range(50)]
    assert entered.wait(10)
    served += [house.cache.serve(QUERY, Deadline.after(1)) for _ in range(50)]
    assert {(page.outcome, page.page) for page in served} == {(CacheOutcome.STALE, page_of(1))}
    assert house.cache.explain(QUERY).fetch_under_way
    release.set()
    wait_until(lambda: house.cache.serve(QUERY, Deadline.after(1)).page == page_of(2))
    assert len(calls) == 2


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_refresh_leaves_the_page(failure: type[GatewayError]) -> None:
    """The stale page stays and says why it is stale; the next refresh waits for a moment."""
    house = House()
    house.ask()
    house.answer = failure("x")
    house.clock.advance(20)
    assert house.ask().detail == "stale-while-revalidate"
    assert house.ask().detail == failure.name
    assert len(house.fetched) == 2
    assert house.count("cache_refreshes_total", outcome=failure.name) == 1
    house.clock.advance(2)
    house.ask()
    assert len(house.fetched) == 3


@pytest.mark.parametrize("failure", FAILURES)
def test_past_that_a_page_is_served_only_when_fetching_fails(failure: type[GatewayError]) -> None:
    """Beyond stale-while-revalidate the upstream is asked first; if it fails in any way the page is served."""
    house = House()
    old = house.ask().page
    house.clock.advance(15 + 60)
    house.answer = failure("x")
    served = house.ask()
    assert (served.outcome, served.page, served.detail) == (CacheOutcome.STALE, old, failure.name)
    assert served.fresh_for_s == -60
    assert house.ask().detail == failure.name
    assert len(house.fetched) == 2, "the second caller is spared while the failure is recent"
    house.clock.advance(2)
    house.answer = page_of(9)
    assert (house.ask().outcome, len(house.fetched)) == (CacheOutcome.MISS, 3)


def test_never_past_the_limit() -> None:
    """An expired page is not served whatever fails, not even just after it was."""
    house = House()
    house.ask()
    house.answer = UpstreamTimeout("x")
    house.clock.advance(15 + 3600 - 1)
    assert house.ask().outcome is CacheOutcome.STALE
    house.clock.advance(1)
    with pytest.raises(UpstreamTimeout):
        house.ask()


@pytest.mark.parametrize("age", [0, 20, 100])
def test_refused_parameters_are_an_answer(age: float) -> None:
    """They go to who asked, are not kept, and end the page that was there."""
    house = House()
    if age:
        house.ask()
        house.clock.advance(age)
    house.answer = UpstreamRejectedParameters("no")
    if age == 20:
        assert house.ask().outcome is CacheOutcome.STALE
    for _ in range(2):
        with pytest.raises(UpstreamRejectedParameters):
            house.ask()
    house.answer = page_of(3)
    assert house.ask().outcome is CacheOutcome.MISS


def test_a_failure_without_a_page_is_not_kept() -> None:
    """After a failure the next caller asks again at once."""
    house = House()
    house.answer = UpstreamFailed("down")
    for _ in range(2):
        with pytest.raises(UpstreamFailed):
            house.ask()
    house.answer = page_of(3)
    assert (house.ask().outcome, len(house.fetched)) == (CacheOutcome.MISS, 3)


def test_a_bug_in_a_refresh_is_counted_and_the_page_stays() -> None:
    """An error that is none of the tree does not end the thread that refreshes."""
    house = House()
    house.ask()
    house.answer = RuntimeError("a bug")
    house.clock.advance(20)
    assert house.ask().outcome is CacheOutcome.STALE
    assert house.count("cache_refreshes_total", outcome="internal-error") == 1
    house.answer = page_of(5)
    house.ask()
    assert house.ask().page == page_of(5)


def test_concurrent_misses_make_one_fetch() -> None:
    """Fifty callers of one cold page make one fetch; the others are collapsed into it or hit."""
    entered, release, fetched = threading.Event(), threading.Event(), []

    def slow(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        fetched.append(query)
        entered.set()
        assert release.wait(10)
        return page_of(1)

    house = House(slow)
    with ThreadPoolExecutor(50) as pool:
        first = pool.submit(house.cache.serve, QUERY, Deadline.after(10))
        assert entered.wait(10)
        others = [pool.submit(house.cache.serve, QUERY, Deadline.after(10)) for _ in range(49)]
        release.set()
        outcomes = [first.result(10).outcome] + [other.result(10).outcome for other in others]
    assert outcomes[0] is CacheOutcome.MISS
    assert set(outcomes[1:]) <= {CacheOutcome.COLLAPSED, CacheOutcome.HIT}
    assert len(fetched) == 1


def test_nothing_is_kept_when_nothing_is_fresh_or_stale() -> None:
    """With lifetimes of nothing every caller fetches."""
    house = House(lifetimes=Lifetimes(0, 0, 0))
    assert [house.ask().outcome for _ in range(2)] == [CacheOutcome.MISS] * 2


def test_a_purge_forgets_the_pages_of_a_vdn() -> None:
    """Of one VDN or of all, and it says how many there were."""
    house = House()
    for vdn in (1, 2, 11):
        house.ask(CampaignQuery(vdn=vdn))
        house.ask(CampaignQuery(vdn=vdn, page=2))
    assert house.cache.purge(1) == 2
    assert house.ask(CampaignQuery(vdn=1)).outcome is CacheOutcome.MISS
    assert house.ask(CampaignQuery(vdn=11)).outcome is CacheOutcome.HIT
    assert house.cache.purge(None) == 5
    assert house.ask(CampaignQuery(vdn=11)).outcome is CacheOutcome.MISS


def test_a_fetch_begun_before_a_purge_does_not_bring_the_page_back() -> None:
    """Who waited for it gets it, but it is not kept."""
    entered, release = threading.Event(), threading.Event()

    def slow(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        entered.set()
        assert release.wait(10)
        return page_of(1)

    house = House(slow)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(house.cache.serve, QUERY, Deadline.after(10))
        assert entered.wait(10)
        house.cache.purge(1)
        release.set()
        assert waiting.result(10).page == page_of(1)
    assert house.cache.explain(QUERY).tier is None


def test_explain_tells_without_asking_the_upstream() -> None:
    """Key, tier, rung, age and time left; nothing of it changes anything."""
    house = House()
    told = house.cache.explain(QUERY)
    assert (told.key, told.tier, told.rung, told.age_s) == (house.key(QUERY), None, None, None)
    house.ask()
    house.clock.advance(100)
    told = house.cache.explain(QUERY)
    assert (told.tier, told.rung, told.age_s, told.fresh_for_s) == ("process", Rung.STALE_IF_ERROR, 100.0, -85.0)
    assert told.fetch_under_way is False
    assert len(house.fetched) == 1


def test_a_page_that_had_to_make_room_is_fetched_again() -> None:
    """What is held is bounded; an evicted page is a miss."""
    house = House(max_bytes=2500)
    for page in range(1, 6):
        house.ask(CampaignQuery(vdn=1, page=page))
    assert house.memory.entries.held_bytes <= 2500
    assert house.memory.entries.evictions > 0
    assert house.ask(CampaignQuery(vdn=1, page=1)).outcome is CacheOutcome.MISS


@pytest.mark.parametrize("shortened", [True, False])
def test_the_timeout_of_a_hurried_caller_is_not_remembered(shortened: bool) -> None:  # noqa: FBT001 -- pytest passes it by name
    """A page that is past its revalidation is asked for again by the next caller if the last one was in a hurry."""
    house = House()
    house.ask()
    house.clock.advance(15 + 60 + 1)
    house.answer = UpstreamTimeout("too slow")
    served = house.cache.serve(QUERY, Deadline.after(0, shortened=shortened))
    assert (served.outcome, served.detail) == (CacheOutcome.STALE, "upstream-timeout")
    house.answer = page_of(5)
    assert house.ask().outcome is (CacheOutcome.MISS if shortened else CacheOutcome.STALE)


@pytest.mark.parametrize(
    ("house", "stored"),
    [
        (House(), True),
        (House(lifetimes=Lifetimes(0, 0, 5)), True),
        (House(lifetimes=Lifetimes(0, 0, 0)), False),
        (House(max_bytes=0), False),
        (House(max_bytes=500), False),
    ],
)
def test_it_is_told_whether_a_page_was_kept(house: House, stored: bool) -> None:  # noqa: FBT001 -- a column of the table
    """A page that is of no use later, or larger than all that may be held, is served and not kept."""
    served = house.ask()
    assert (served.outcome, served.stored) == (CacheOutcome.MISS, stored)
    assert (house.cache.explain(QUERY).tier is not None) == stored
