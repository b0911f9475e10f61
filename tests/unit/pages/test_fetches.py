"""Fetches: once for all who want the same, kept whoever began them, and remembered where they fail."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from gateway.errors import (
    GatewayError,
    InternalError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRejectedParameters,
    UpstreamTimeout,
)
from gateway.model import CampaignPage, CampaignQuery, Deadline, Priority
from gateway.pages.background import Background
from gateway.pages.codec import encode
from gateway.pages.fetches import LOOKS
from gateway.pages.page_cache import NEVER
from gateway.pages.shared import Found, Landing
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House, OtherProcesses
from tests.support.threads import no_more_threads
from tests.support.waiting import wait_until

OLD, NEW = page_of(1), page_of(2)


class Held:
    """An upstream that answers when the test lets it."""

    def __init__(self, answer: CampaignPage | Exception = NEW) -> None:
        self.answer = answer
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.deadlines: list[Deadline] = []

    def __call__(self, query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        """Wait, then answer."""
        self.deadlines.append(deadline)
        self.entered.set()
        assert self.go_on.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def idle(house: House) -> bool:
    """Tell whether nothing is fetched for the query."""
    return house.fetches.of(house.key(QUERY)) is None


def test_who_comes_while_a_page_is_fetched_waits_for_that_one() -> None:
    """In a caller's thread or behind, whoever began: one fetch, and everybody has its page."""
    upstream = Held()
    house = House(upstream)
    key = house.key(QUERY)
    with ThreadPoolExecutor(1) as pool:
        here = pool.submit(house.fetches.here, key, QUERY, NEVER, Deadline.after(10))
        assert upstream.entered.wait(10)
        behind = house.fetches.behind(key, QUERY, NEVER)
        joined = house.fetches.here(key, QUERY, NEVER, Deadline.after(10))
        upstream.go_on.set()
        led = here.result(10)
    assert behind is not None
    assert [led.leading, behind.leading, joined.leading] == [True, False, False]
    assert led.flight is behind.flight is joined.flight
    assert led.flight.wait(10)
    assert led.flight.result is not None
    assert led.flight.result.held.page() == NEW
    assert len(upstream.deadlines) == 1


def test_a_fetch_behind_has_a_whole_deadline_and_rises_with_who_waits() -> None:
    """It is a refresh until somebody without a page joins it."""
    upstream = Held()
    house = House(upstream)
    key = house.key(QUERY)
    house.fetches.behind(key, QUERY, NEVER)
    assert upstream.entered.wait(10)
    (deadline,) = upstream.deadlines
    assert (deadline.remaining(), deadline.priority) == (5.0, Priority.REFRESH)
    house.fetches.behind(key, QUERY, NEVER)
    priorities = [deadline.priority]
    house.fetches.behind(key, QUERY, NEVER, Priority.INTERACTIVE)
    priorities.append(deadline.priority)
    assert priorities == [Priority.REFRESH, Priority.INTERACTIVE]
    upstream.go_on.set()
    wait_until(lambda: idle(house))


def test_a_fetch_in_a_callers_thread_has_the_callers_deadline() -> None:
    """Or a whole one, where none is given."""
    upstream = Held()
    upstream.go_on.set()
    house = House(upstream)
    mine = Deadline.after(3, house.clock)
    house.fetches.here(house.key(QUERY), QUERY, NEVER, mine)
    house.fetches.here(house.key(QUERY), QUERY, house.clock(), None)
    assert upstream.deadlines[0] is mine
    assert upstream.deadlines[1].remaining() == 5.0


@pytest.mark.parametrize(
    "failure", [UpstreamFailed("no"), UpstreamTimeout("slow"), UpstreamOverloaded("x", sent=False)]
)
def test_a_failure_is_remembered_whoever_began_it(failure: GatewayError) -> None:
    """Those who wait have it as an object of their own."""
    house = House()
    house.answer = failure
    for begin in (house.fetches.here, house.fetches.behind):
        house.failures.succeeded(house.key(QUERY), 1)
        boarding = begin(house.key(QUERY), QUERY, NEVER)
        assert boarding is not None
        assert boarding.flight.wait(10)
        error = boarding.flight.error
        assert type(error) is type(failure)
        assert error is not failure
        remembered = house.failures.of(house.key(QUERY))
        assert remembered is not None
        assert remembered.error.name == failure.name


def test_a_page_ends_the_failures_of_its_key() -> None:
    """And shortens the pauses of its VDN."""
    house = House()
    for key in (house.key(QUERY), "page:2:1:other"):
        for _ in range(4):
            house.failures.remember(key, 1, UpstreamFailed("x"))
    house.clock.advance(1)
    house.fetches.here(house.key(QUERY), QUERY, NEVER)
    assert house.failures.of(house.key(QUERY)) is None
    other = house.failures.of("page:2:1:other")
    assert other is not None
    assert house.failures.retry_in_s(other) == 1.0


def test_refused_parameters_end_the_page_and_are_no_failure() -> None:
    """What was answered before is not the answer any more, in either tier."""
    deleted = list[str]()

    class Deleting(OtherProcesses):
        def delete(self, key: str) -> None:
            deleted.append(key)

    house = House(shared=Deleting())
    house.ask()
    house.answer = UpstreamRejectedParameters("no")
    house.fetches.here(house.key(QUERY), QUERY, house.clock())
    assert (house.tiers.held(house.key(QUERY)), deleted) == (None, [house.key(QUERY)])
    assert house.failures.of(house.key(QUERY)) is None


def test_a_bug_is_told_once_and_ends_the_wait() -> None:
    """Raised where a caller began it, logged where nobody did; who waits is told that it was none of theirs."""
    house = House()
    house.answer = RuntimeError("a bug")
    with pytest.raises(RuntimeError, match="a bug"):
        house.fetches.here(house.key(QUERY), QUERY, NEVER)
    assert idle(house)
    with capture_logs() as logs:
        boarding = house.fetches.behind(house.key(QUERY), QUERY, NEVER)
        assert boarding is not None
        assert boarding.flight.wait(10)
        wait_until(lambda: house.count("cache_refreshes_total", outcome="internal-error") == 1)
    assert isinstance(boarding.flight.error, InternalError)
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["refresh failed"]


def test_what_is_done_behind_is_counted_and_logged() -> None:
    """With its VDN and how long it took, and the problem where there was one."""
    house = House()
    with capture_logs() as logs:
        house.fetches.behind(house.key(QUERY), QUERY, NEVER)
        wait_until(lambda: house.count("cache_refreshes_total", outcome="ok") == 1)
        house.answer = UpstreamFailed("no")
        house.fetches.behind(house.key(QUERY), QUERY, house.clock())
        wait_until(lambda: house.count("cache_refreshes_total", outcome="upstream-failed") == 1)
        wait_until(lambda: len(logs) == 2)
    assert [(log["event"], log["vdn"], log.get("problem")) for log in logs] == [
        ("refresh", 1, None),
        ("refresh", 1, "upstream-failed"),
    ]


def test_nothing_begins_behind_after_the_end_or_without_a_thread() -> None:
    """It is said, and nothing is left behind; who can fetch in a thread of its own still does."""
    house = House()
    key = house.key(QUERY)
    with no_more_threads():
        assert house.fetches.behind(key, QUERY, NEVER) is None
    assert idle(house)
    house.fetches.close()
    assert house.fetches.behind(key, QUERY, NEVER, Priority.INTERACTIVE) is None
    assert house.fetches.here(key, QUERY, NEVER).leading
    assert len(house.fetched) == 1


def test_a_fetch_that_could_not_begin_is_nobodys_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who joined it in the moment in which a thread was asked for is answered all the same."""
    upstream = Held()
    house = House(upstream)
    key = house.key(QUERY)
    closed, start = threading.Event(), Background.start

    def start_late(background: Background, work: Callable[[], None], name: str) -> bool:
        assert closed.wait(10)
        return start(background, work, name)

    monkeypatch.setattr(Background, "start", start_late)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(house.cache.serve, QUERY, Deadline.after(10, shortened=True))
        wait_until(lambda: not idle(house))
        second = pool.submit(house.cache.serve, QUERY, Deadline.after(10))
        flight = house.fetches.of(key)
        assert flight is not None
        wait_until(lambda: flight._waiting)  # noqa: SLF001 -- nothing else tells that it has joined
        house.fetches.close()
        closed.set()

        def settled() -> bool:
            again = house.fetches.of(key)
            return second.done() or (again not in {None, flight} and bool(again._waiting))  # noqa: SLF001 -- the same

        wait_until(settled)
        upstream.go_on.set()
        assert first.result(10).page == NEW
        assert second.result(10).page == NEW
    assert len(upstream.deadlines) == 1


def test_a_tier_that_gives_neither_page_nor_lease_is_left_alone_in_the_end() -> None:
    """No caller is held by a Redis that says of everything that it is not there."""
    others = OtherProcesses()
    others.leased_elsewhere = True
    house = House(shared=others)
    boarding = house.fetches.here(house.key(QUERY), QUERY, NEVER)
    assert boarding.flight.result is not None
    assert boarding.flight.result.fetched
    assert others.done == ["follow"] * LOOKS


def found(house: House, page: CampaignPage, age_s: float) -> Found:
    """Return `page` as it stands in the shared tier."""
    return Found(encode(house.key(QUERY), page, 0), age_s, 0.0)


def test_a_page_that_another_process_landed_between_look_and_lease_is_taken() -> None:
    """If it is newer than what is to be replaced, and fresh; the lease is given up without a page."""
    others = OtherProcesses(leases=True)
    house = House(shared=others)
    house.ask()
    house.clock.advance(10)
    others.found, others.done[:] = found(house, NEW, 2.0), []
    boarding = house.fetches.here(house.key(QUERY), QUERY, house.clock() - 3)
    assert boarding.flight.result is not None
    assert (boarding.flight.result.fetched, boarding.flight.result.held.page()) == (False, NEW)
    assert (others.done, len(house.fetched)) == (["land"], 1)
    assert others.found is not None, "nothing was stored in its place"


@pytest.mark.parametrize(("age_s", "after_s"), [(4.0, 3.0), (16.0, 100.0)])
def test_a_page_of_another_process_that_is_no_news_is_not_taken(age_s: float, after_s: float) -> None:
    """Older than what is wanted, or stale itself."""
    others = OtherProcesses(leases=True)
    house = House(shared=others)
    others.found = found(house, OLD, age_s)
    house.answer = NEW
    boarding = house.fetches.here(house.key(QUERY), QUERY, house.clock() - after_s)
    assert boarding.flight.result is not None
    assert (boarding.flight.result.fetched, boarding.flight.result.held.page()) == (True, NEW)


@pytest.mark.parametrize("held_before", [True, False])
def test_a_page_is_announced_before_it_lands(held_before: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Whether or not this process has an older one, for others may; until it has landed the old one is looked after."""
    others = OtherProcesses(leases=True)
    house = House(shared=others)
    if held_before:
        house.ask()
        others.done.clear()
    peeked = list[object]()
    others.while_announcing = lambda: peeked.append(house.cache.peek(house.key(QUERY)))
    house.fetches.here(house.key(QUERY), QUERY, house.clock())
    assert others.done == ["announce", "land"]
    assert peeked == [None]
    assert house.cache.peek(house.key(QUERY)) is not None


def test_without_a_shared_lease_nothing_is_announced() -> None:
    """There is nobody to hear of it."""
    others = OtherProcesses()
    house = House(shared=others)
    house.ask()
    assert others.done == []


def test_news_that_come_while_a_page_lands_are_not_lost() -> None:
    """As soon as the lease is given up another process may announce the next page."""

    class Overtaking(OtherProcesses):
        landed: Callable[[], object] = staticmethod(lambda: None)

        def land(self, *args: object) -> Landing:
            landing = super().land(*args)  # type: ignore[arg-type] # -- what it was given
            self.landed()
            return landing

    others = Overtaking(leases=True)
    house = House(shared=others)

    def announced() -> None:
        house.clock.advance(0.001)
        house.cache.doubted(house.key(QUERY))

    others.landed = announced
    house.fetches.here(house.key(QUERY), QUERY, NEVER)
    assert house.cache.peek(house.key(QUERY)) is None


def test_who_lost_the_lease_takes_the_page_of_who_got_it() -> None:
    """All others show that one."""
    others = OtherProcesses(leases=True)
    others.landing = Landing.OVERTAKEN
    house = House(shared=others)
    others.while_announcing = lambda: setattr(others, "found", found(house, NEW, 0.5))
    house.answer = OLD
    house.clock.advance(1)
    boarding = house.fetches.here(house.key(QUERY), QUERY, NEVER)
    assert boarding.flight.result is not None
    assert (boarding.flight.result.fetched, boarding.flight.result.held.page()) == (False, NEW)
    assert house.ask().page == NEW


@pytest.mark.parametrize("hard", [True, False])
def test_who_lost_the_lease_to_nobody_keeps_the_page(hard: bool) -> None:  # noqa: FBT001 -- a column of the table
    """As when Redis has forgotten all leases; unless the pages were purged for good while it was fetched."""
    others = OtherProcesses(leases=True)
    others.landing = Landing.OVERTAKEN
    house = House(shared=others)
    house.cache.subscribe()
    if hard:
        others.while_announcing = lambda: house.cache.purge(1, hard=True)
    boarding = house.fetches.here(house.key(QUERY), QUERY, NEVER)
    brought = boarding.flight.result
    assert brought is not None
    assert (brought.fetched, brought.stored, brought.held.purged) == (True, not hard, hard)
    assert (house.tiers.held(house.key(QUERY)) is None) == hard


@pytest.mark.parametrize("failure", [UpstreamFailed("no"), RuntimeError("a bug")])
def test_a_leader_that_fails_gives_the_lease_up(failure: Exception) -> None:
    """Whatever it failed of; those who follow in other processes are told."""
    others = OtherProcesses(leases=True)
    house = House(shared=others)
    house.answer = failure
    house.fetches.behind(house.key(QUERY), QUERY, NEVER)
    wait_until(lambda: idle(house))
    assert others.done == ["fail"]
