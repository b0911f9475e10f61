"""The driver of the page cache: the ladder from fresh to expired, and what each failure does to it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import (
    GatewayError,
    NotCached,
    UpstreamBrokenContract,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
    UpstreamRejectedParameters,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.model import CacheOutcome, CampaignPage, CampaignQuery, Deadline, RequestDirectives
from gateway.pages.codec import encode
from gateway.pages.freshness import Lifetimes, Rung
from gateway.pages.shared import Found
from tests.support.campaigns import page_of
from tests.support.page_cache import COMPLETED, QUERY, House, OtherProcesses
from tests.support.threads import no_more_threads
from tests.support.waiting import wait_until

FAILURES = [
    UpstreamFailed,
    UpstreamRefusedCredentials,
    UpstreamUnreachable,
    UpstreamBrokenContract,
    UpstreamOverloaded,
    UpstreamTimeout,
]
NO_CACHE = RequestDirectives(max_age_s=0)


class Hanging:
    """An upstream that gives one page, and then one after the other when the test lets it."""

    def __init__(self, given: int = 1) -> None:
        self.calls: list[Deadline] = []
        self.go_on = threading.Semaphore(given)
        self.failure: GatewayError | None = None

    def __call__(self, query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        """Wait, then give the page that is the number of the call, or fail."""
        self.calls.append(deadline)
        number = len(self.calls)
        assert self.go_on.acquire(timeout=20)
        if self.failure is not None:
            raise self.failure
        return page_of(number)


def test_a_page_is_fetched_once_while_it_is_fresh() -> None:
    """The first caller misses, the next ones hit, with the age and the time left."""
    house = House()
    served = house.ask()
    assert (served.outcome, served.tier, served.rung, served.age_s, served.fresh_for_s) == (
        CacheOutcome.MISS,
        "",
        "",
        0.0,
        15.0,
    )
    assert (served.forward, served.stored, served.waited, served.good_if_error_s) == ("miss", True, True, 3600.0)
    house.clock.advance(10)
    served = house.ask()
    assert (served.outcome, served.tier, served.age_s, served.fresh_for_s) == (CacheOutcome.HIT, "process", 10.0, 5.0)
    assert (served.rung, served.forward, served.stored, served.waited) == ("fresh", "", False, False)
    assert served.page == house.answer
    assert len(house.fetched) == 1


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


def test_a_page_that_is_asked_for_is_refreshed_before_it_is_stale() -> None:
    """Callers get it as the hit that it is; who comes after the refresh gets the new one, and nobody a stale one."""
    house = House(refresh_ahead=0.8)
    old = house.ask().page
    house.answer = page_of(7)
    house.clock.advance(11.9)
    house.ask()
    assert len(house.fetched) == 1
    house.clock.advance(0.1)
    served = house.ask()
    assert (served.outcome, served.page, served.detail) == (CacheOutcome.HIT, old, "")
    served = house.ask()
    assert (served.outcome, served.page, served.age_s) == (CacheOutcome.HIT, page_of(7), 0.0)
    assert len(house.fetched) == 2


def test_a_stale_page_is_served_at_once_and_refreshed_behind() -> None:
    """The caller gets the old page without waiting, marked; the next one gets the new page, fresh."""
    house = House()
    old = house.ask().page
    house.answer = page_of(7)
    house.clock.advance(20)
    served = house.ask()
    assert (served.outcome, served.page) == (CacheOutcome.STALE, old)
    assert (served.age_s, served.fresh_for_s, served.detail) == (20.0, -5.0, "stale-while-revalidate")
    assert not served.waited
    served = house.ask()
    assert (served.outcome, served.page, served.age_s) == (CacheOutcome.HIT, page_of(7), 0.0)
    assert len(house.fetched) == 2
    assert house.count("cache_refreshes_total", outcome="ok") == 1


def test_one_refresh_a_key_however_many_ask() -> None:
    """While a refresh is under way all callers get the stale page and nobody starts another."""
    upstream = Hanging()
    house = House(upstream)
    house.ask()
    house.clock.advance(20)
    served = [house.cache.serve(QUERY, Deadline.after(1)) for _ in range(100)]
    wait_until(lambda: len(upstream.calls) == 2)
    assert {(page.outcome, page.page) for page in served} == {(CacheOutcome.STALE, page_of(1))}
    assert house.cache.explain(QUERY).fetch_under_way
    upstream.go_on.release()
    wait_until(lambda: house.cache.serve(QUERY, Deadline.after(1)).page == page_of(2))
    assert len(upstream.calls) == 2


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_refresh_leaves_the_page(failure: type[GatewayError]) -> None:
    """The stale page stays and says why it is stale; the next refresh waits for a moment, and then for a longer one."""
    house = House()
    house.ask()
    house.answer = failure("x")
    house.clock.advance(20)
    assert house.ask().detail == "stale-while-revalidate"
    assert house.ask().detail == failure.name
    assert len(house.fetched) == 2
    assert house.count("cache_refreshes_total", outcome=failure.name) == 1
    for fetches, pause_s in ((3, 2), (4, 4), (5, 8)):
        house.clock.advance(pause_s - 0.5)
        house.ask()
        assert len(house.fetched) == fetches - 1
        house.clock.advance(0.5)
        assert house.ask().detail == failure.name
        assert len(house.fetched) == fetches


@pytest.mark.parametrize("failure", FAILURES)
def test_past_that_a_page_is_served_only_when_fetching_fails(failure: type[GatewayError]) -> None:
    """Beyond stale-while-revalidate the upstream is asked first; if it fails in any way the page is served."""
    house = House()
    old = house.ask().page
    house.clock.advance(15 + 60)
    house.answer = failure("x")
    served = house.ask()
    assert (served.outcome, served.page, served.detail) == (CacheOutcome.STALE, old, failure.name)
    assert (served.fresh_for_s, served.waited) == (-60, True)
    served = house.ask()
    assert (served.detail, served.waited) == (failure.name, False)
    assert len(house.fetched) == 2, "the second caller is spared while the failure is recent"
    house.clock.advance(2)
    house.answer = page_of(9)
    served = house.ask()
    assert (served.outcome, served.page) == (CacheOutcome.STALE, old), "the probe goes on behind"
    assert (house.ask().page, len(house.fetched)) == (page_of(9), 3)


def test_past_that_who_waited_gets_the_page_that_came() -> None:
    """It is told as one that was fetched because the old one was too old."""
    house = House()
    house.ask()
    house.clock.advance(15 + 60)
    house.answer = page_of(9)
    served = house.ask()
    assert (served.outcome, served.page, served.forward) == (CacheOutcome.MISS, page_of(9), "stale")
    assert (served.age_s, served.waited, served.stored) == (0.0, True, True)


@pytest.mark.parametrize("purged", [False, True])
def test_nobody_waits_beside_a_page_for_longer_than_is_set(purged: bool) -> None:  # noqa: FBT001 -- a column of the table
    """While CC-iSales hangs, who began the fetch, who came later, and who comes when it is known to be slow."""
    upstream = Hanging()
    house = House(upstream, slow_s=0.05)
    house.ask()
    if purged:
        house.cache.purge(1)
    else:
        house.clock.advance(15 + 60)
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(house.cache.serve, QUERY, Deadline.after(20)) for _ in range(5)]
        served = [each.result(10) for each in waiting]
    house.clock.advance(0.1)
    served.append(house.cache.serve(QUERY, Deadline.after(20)))
    assert {(page.outcome, page.page, page.detail) for page in served} == {
        (CacheOutcome.STALE, page_of(1), "stale-if-slow")
    }
    assert [page.waited for page in served] == [True] * 5 + [False]
    assert len(upstream.calls) == 2
    upstream.go_on.release()
    wait_until(lambda: house.cache.serve(QUERY, Deadline.after(20)).page == page_of(2))
    assert len(upstream.calls) == 2, "the fetch went on for all"


def test_a_callers_own_time_ends_its_wait_and_no_fetch() -> None:
    """Beside a page it gets that page, without one it is told; the fetch goes on and lands."""
    upstream = Hanging(given=0)
    house = House(upstream)
    with pytest.raises(UpstreamTimeout, match="goes on"):
        house.cache.serve(QUERY, Deadline.after(0.02, shortened=True))
    assert upstream.calls[0].remaining() == 5.0
    upstream.go_on.release()
    wait_until(lambda: not house.cache.explain(QUERY).fetch_under_way)
    house.clock.advance(15 + 60)
    served = house.cache.serve(QUERY, Deadline.after(0.02, shortened=True))
    assert (served.page, served.detail) == (page_of(1), "stale-if-slow")
    upstream.go_on.release()
    wait_until(lambda: house.ask().page == page_of(2))
    assert len(upstream.calls) == 2


def test_a_hurried_callers_fetch_is_for_those_with_more_time() -> None:
    """They wait for the same one, and its failure is theirs and remembered."""
    upstream = Hanging(given=0)
    house = House(upstream)
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(UpstreamTimeout):
            house.cache.serve(QUERY, Deadline.after(0.02, shortened=True))
        patient = pool.submit(house.cache.serve, QUERY, Deadline.after(20))
        upstream.failure = UpstreamFailed("no")
        upstream.go_on.release()
        assert isinstance(patient.exception(10), UpstreamFailed)
    assert len(upstream.calls) == 1
    assert house.failures.of(house.key(QUERY)) is not None


def test_without_a_thread_whoever_can_have_a_page_has_it() -> None:
    """And who cannot fetches in its own."""
    house = House()
    with no_more_threads():
        assert house.cache.serve(QUERY, Deadline.after(5, shortened=True)).outcome is CacheOutcome.MISS
        house.clock.advance(20)
        assert house.ask().detail == "stale-while-revalidate"
        house.clock.advance(80)
        assert house.ask().detail == "stale-if-slow"
    house.answer = page_of(8)
    assert house.ask().page == page_of(8)


def test_at_the_end_nothing_begins_behind() -> None:
    """A process that drains serves what it has, and fetches for those who have nothing."""
    house = House()
    house.ask()
    house.cache.drain()
    house.clock.advance(100)
    assert house.ask().outcome is CacheOutcome.STALE
    assert house.ask(CampaignQuery(vdn=2)).outcome is CacheOutcome.MISS
    assert house.ask(QUERY, RequestDirectives(stale_if_error_s=0)).outcome is CacheOutcome.MISS
    assert len(house.fetched) == 3


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
    wait_until(lambda: house.count("cache_refreshes_total", outcome="internal-error") == 1)
    house.answer = page_of(5)
    house.ask()
    assert house.ask().page == page_of(5)


def test_concurrent_misses_make_one_fetch() -> None:
    """Fifty callers of one cold page make one fetch; the others are collapsed into it or hit."""
    upstream = Hanging(given=0)
    house = House(upstream)
    with ThreadPoolExecutor(50) as pool:
        first = pool.submit(house.cache.serve, QUERY, Deadline.after(10))
        wait_until(lambda: upstream.calls)
        others = [pool.submit(house.cache.serve, QUERY, Deadline.after(10)) for _ in range(49)]
        upstream.go_on.release()
        outcomes = [first.result(10).outcome] + [other.result(10).outcome for other in others]
    assert outcomes[0] is CacheOutcome.MISS
    assert set(outcomes[1:]) <= {CacheOutcome.COLLAPSED, CacheOutcome.HIT}
    assert len(upstream.calls) == 1


def test_nothing_is_kept_when_nothing_is_fresh_or_stale() -> None:
    """With lifetimes of nothing every caller fetches."""
    house = House(lifetimes=Lifetimes(0, 0, 0))
    assert [house.ask().outcome for _ in range(2)] == [CacheOutcome.MISS] * 2


def test_a_caller_may_ask_for_a_younger_page() -> None:
    """It waits for a new one, which is a page like any other; one that is younger than a second will do."""
    house = House()
    house.ask()
    house.clock.advance(5)
    house.answer = page_of(2)
    assert house.ask(QUERY, RequestDirectives(max_age_s=5)).outcome is CacheOutcome.HIT
    served = house.ask(QUERY, RequestDirectives(max_age_s=4))
    assert (served.page, served.forward, served.waited) == (page_of(2), "request", True)
    house.clock.advance(0.9)
    house.answer = page_of(3)
    assert house.ask(QUERY, NO_CACHE).page == page_of(2)
    house.clock.advance(0.1)
    assert house.ask(QUERY, NO_CACHE).page == page_of(3)
    assert house.ask().page == page_of(3)
    assert len(house.fetched) == 3


def test_who_wants_a_new_page_takes_the_one_that_is_being_fetched() -> None:
    """Whoever is already fetching counts; and in trouble, or where it is slow, the old page is there."""
    upstream = Hanging()
    house = House(upstream, slow_s=0.05)
    house.ask()
    house.clock.advance(20)
    house.cache.serve(QUERY, Deadline.after(10))
    wait_until(lambda: len(upstream.calls) == 2)
    served = house.cache.serve(QUERY, Deadline.after(10), NO_CACHE)
    assert (served.page, served.detail) == (page_of(1), "stale-if-slow")
    upstream.go_on.release()
    wait_until(lambda: not house.cache.explain(QUERY).fetch_under_way)
    assert house.cache.serve(QUERY, Deadline.after(10), NO_CACHE).page == page_of(2)
    assert len(upstream.calls) == 2


def test_a_caller_may_refuse_stale_pages_in_trouble() -> None:
    """It gets the failure, where others get the page."""
    house = House()
    house.ask()
    house.clock.advance(100)
    house.answer = UpstreamFailed("down")
    for most_s, served in ((85, True), (84, False), (0, False)):
        if served:
            assert house.ask(QUERY, RequestDirectives(stale_if_error_s=most_s)).outcome is CacheOutcome.STALE
        else:
            with pytest.raises(UpstreamFailed):
                house.ask(QUERY, RequestDirectives(stale_if_error_s=most_s))
    assert house.ask().outcome is CacheOutcome.STALE


def test_a_caller_may_take_what_is_cached_only() -> None:
    """Whatever its rung; nothing is fetched for it, not even where there is nothing."""
    cached = RequestDirectives(only_if_cached=True)
    house = House(refresh_ahead=0.8)
    with pytest.raises(NotCached, match="only-if-cached"):
        house.ask(QUERY, cached)
    house.ask()
    for advance, detail in ((13, ""), (7, "stale-while-revalidate"), (80, "stale-if-error")):
        house.clock.advance(advance)
        assert house.ask(QUERY, cached).detail == detail
    house.clock.advance(3600)
    with pytest.raises(NotCached):
        house.ask(QUERY, cached)
    assert len(house.fetched) == 1


def test_a_purge_ends_the_freshness_of_the_pages_of_a_vdn() -> None:
    """Of one VDN or of all, and it says how many there were; in trouble they are still there."""
    house = House()
    for vdn in (1, 2, 11):
        house.ask(CampaignQuery(vdn=vdn))
        house.ask(CampaignQuery(vdn=vdn, page=2))
    assert house.cache.purge(1) == 2
    house.answer = page_of(5)
    assert house.ask(CampaignQuery(vdn=11)).page == page_of(1, 2)
    assert house.ask(CampaignQuery(vdn=1)).page == page_of(5)
    house.clock.advance(1)
    assert house.cache.purge(None) == 6
    house.answer = UpstreamFailed("down")
    for vdn in (1, 2, 11):
        served = house.ask(CampaignQuery(vdn=vdn))
        assert (served.outcome, served.detail, served.fresh_for_s) == (CacheOutcome.STALE, "upstream-failed", 0.0)


def test_a_hard_purge_forgets_the_pages() -> None:
    """In trouble they are not there."""
    house = House()
    for vdn in (1, 2):
        house.ask(CampaignQuery(vdn=vdn))
    assert house.cache.purge(1, hard=True) == 1
    house.answer = UpstreamFailed("down")
    assert house.ask(CampaignQuery(vdn=2)).outcome is CacheOutcome.HIT
    with pytest.raises(UpstreamFailed):
        house.ask(CampaignQuery(vdn=1))


@pytest.mark.parametrize("hard", [False, True])
def test_nobody_is_given_a_page_that_was_asked_for_before_a_purge(hard: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Who waited for it waits for the next one; the one before stays for trouble, unless it was to be forgotten."""
    upstream = Hanging(given=0)
    house = House(upstream)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(house.cache.serve, QUERY, Deadline.after(10)) for _ in range(2)]
        wait_until(lambda: upstream.calls)
        house.cache.purge(1, hard=hard)
        upstream.go_on.release()
        wait_until(lambda: len(upstream.calls) == 2)
        assert house.cache.explain(QUERY).rung is (None if hard else Rung.STALE_IF_ERROR)
        upstream.go_on.release()
        assert [each.result(10).page for each in waiting] == [page_of(2)] * 2
    assert house.ask().outcome is CacheOutcome.HIT
    assert len(upstream.calls) == 2


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


def test_a_page_that_landed_while_its_caller_was_on_its_way_is_this_processes() -> None:
    """Between the look and the turn to fetch, another thread was faster: the page is the one that it has put here."""
    house = House()
    key = house.key(QUERY)
    house.fetches.here(key, QUERY, float("-inf"))
    boarding = house.fetches.here(key, QUERY, house.clock() - 1)
    assert boarding.flight.result is not None
    assert not boarding.flight.result.fetched
    assert len(house.fetched) == 1


def test_a_joined_fetch_that_only_found_an_older_page_does_not_answer_who_wants_a_new_one() -> None:
    """Another caller's fetch ended with a page of another process, which is older than this caller wants."""
    others = OtherProcesses()
    house = House(shared=others)
    house.ask()
    house.clock.advance(100)
    others.leased_elsewhere = True
    entered, go_on = threading.Event(), threading.Event()

    def follow(key: str, deadline: Deadline) -> None:
        entered.set()
        assert go_on.wait(10)
        others.found = Found(encode(house.key(QUERY), page_of(8), 0), 6.0, 0.0)
        others.leased_elsewhere = False

    others.follow = follow  # type: ignore[method-assign] # -- a stop on the way
    house.answer = page_of(9)
    with ThreadPoolExecutor(2) as pool:
        plain = pool.submit(house.cache.serve, QUERY, Deadline.after(10))
        assert entered.wait(10)
        wants = pool.submit(house.cache.serve, QUERY, Deadline.after(10), NO_CACHE)
        flight = house.fetches.of(house.key(QUERY))
        assert flight is not None
        wait_until(lambda: len(flight._waiting) == 2)  # noqa: SLF001 -- nothing else tells that both wait
        go_on.set()
        assert plain.result(10).page == page_of(8)
        assert wants.result(10).page == page_of(9)


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
