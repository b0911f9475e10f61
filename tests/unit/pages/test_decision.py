"""The decision: the table of its docstring row by row, and the laws that no case may break."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.errors import leaves
from gateway.model import NO_DIRECTIVES, STALE_IF_SLOW, STALE_WHILE_REVALIDATE, RequestDirectives
from gateway.pages.decision import (
    Asked,
    AtHand,
    Fetch,
    Known,
    Policy,
    Refuse,
    Serve,
    ServeAndRefresh,
    Step,
    WaitThenServe,
    decide,
)
from gateway.pages.freshness import Lifetimes, Rung
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House

LIFETIMES = Lifetimes(fresh_s=15, stale_while_revalidate_s=60, stale_if_error_s=3600)
POLICY = Policy(stale_if_slow_s=0.5, min_refresh_s=1.0)
DOWN, REFUSED = "upstream-timeout", "upstream-unreachable"
SWR, SIE, SIS = "stale-while-revalidate", "stale-if-error", "stale-if-slow"


def page(age_s: float, *, purged: bool = False) -> AtHand:
    """Return a page of that age, of usual lifetimes, refreshed ahead at four fifths of its freshness."""
    return AtHand(age_s, LIFETIMES, 12.0, purged)


NEW, AHEAD, REVALIDATED, IF_ERROR, EXPIRED = page(5), page(12), page(20), page(100), page(3615)
PURGED = page(5, purged=True)

WELL = Known(None)
SLOW = Known(None, fetching_for_s=3.0)
FETCHING = Known(None, fetching_for_s=0.2)
FAILED = Known(None, DOWN, 1.5)
RETRY = Known(None, DOWN, -0.5)
PROBING = Known(None, DOWN, -0.5, 0.1)


@pytest.mark.parametrize(
    ("at_hand", "known", "step"),
    [
        (NEW, WELL, Serve()),
        (NEW, SLOW, Serve()),
        (NEW, FAILED, Serve()),
        (NEW, RETRY, Serve()),
        (AHEAD, WELL, ServeAndRefresh()),
        (AHEAD, SLOW, Serve()),
        (AHEAD, FAILED, Serve()),
        (AHEAD, RETRY, ServeAndRefresh()),
        (AHEAD, PROBING, Serve()),
        (REVALIDATED, WELL, ServeAndRefresh(SWR)),
        (REVALIDATED, SLOW, Serve(SWR)),
        (REVALIDATED, FAILED, Serve(DOWN)),
        (REVALIDATED, RETRY, ServeAndRefresh(DOWN)),
        (REVALIDATED, PROBING, Serve(DOWN)),
        (IF_ERROR, WELL, WaitThenServe(0.5)),
        (IF_ERROR, FETCHING, WaitThenServe(0.5 - 0.2)),
        (IF_ERROR, SLOW, Serve(SIS)),
        (IF_ERROR, FAILED, Serve(DOWN)),
        (IF_ERROR, RETRY, ServeAndRefresh(DOWN)),
        (IF_ERROR, PROBING, Serve(DOWN)),
        (PURGED, WELL, WaitThenServe(0.5)),
        (PURGED, SLOW, Serve(SIS)),
        (PURGED, FAILED, Serve(DOWN)),
        (PURGED, RETRY, ServeAndRefresh(DOWN)),
        *((gone, known, Fetch(inf)) for gone in (None, EXPIRED) for known in (WELL, SLOW, FAILED, RETRY, PROBING)),
    ],
)
def test_the_table_row_by_row(at_hand: AtHand | None, known: Known, step: Step) -> None:
    """What is done for who asks for nothing in particular."""
    assert decide(replace(known, page=at_hand), Asked(), POLICY) == step


def asks(*, max_age_s: int | None = None, stale_if_error_s: int | None = None, only_if_cached: bool = False) -> Asked:
    """Return a caller who asks so."""
    return Asked(RequestDirectives(max_age_s, stale_if_error_s, only_if_cached))


@pytest.mark.parametrize(
    ("at_hand", "known", "asked", "step"),
    [
        (NEW, WELL, asks(max_age_s=5), Serve()),
        (NEW, WELL, asks(max_age_s=4), WaitThenServe(0.5)),
        (NEW, SLOW, asks(max_age_s=4), Serve(SIS)),
        (NEW, FAILED, asks(max_age_s=4), Serve(DOWN)),
        (page(0.9), WELL, asks(max_age_s=0), Serve()),
        (page(1.0), WELL, asks(max_age_s=0), WaitThenServe(0.5)),
        (NEW, WELL, Asked(RequestDirectives(max_age_s=0), since_s=5), Serve()),
        (NEW, WELL, Asked(RequestDirectives(max_age_s=0), since_s=4.9), ServeAndRefresh(SIS)),
        (AHEAD, WELL, asks(max_age_s=20), ServeAndRefresh()),
        (REVALIDATED, WELL, asks(max_age_s=20), ServeAndRefresh(SWR)),
        (REVALIDATED, WELL, asks(max_age_s=19), WaitThenServe(0.5)),
        (PURGED, WELL, asks(max_age_s=100), WaitThenServe(0.5)),
        (page(0.5, purged=True), WELL, asks(max_age_s=0), WaitThenServe(0.5)),
        (None, WELL, asks(max_age_s=0), Fetch(inf)),
        (NEW, FAILED, asks(stale_if_error_s=0), Serve()),
        (NEW, FAILED, asks(max_age_s=0, stale_if_error_s=0), Serve(DOWN)),
        (REVALIDATED, WELL, asks(stale_if_error_s=0), ServeAndRefresh(SWR)),
        (REVALIDATED, FAILED, asks(stale_if_error_s=5), Serve(DOWN)),
        (REVALIDATED, FAILED, asks(stale_if_error_s=4), Fetch(inf)),
        (IF_ERROR, WELL, asks(stale_if_error_s=85), WaitThenServe(0.5)),
        (IF_ERROR, WELL, asks(stale_if_error_s=84), Fetch(inf)),
        (IF_ERROR, SLOW, asks(stale_if_error_s=84), Fetch(inf)),
        (PURGED, WELL, asks(stale_if_error_s=1), WaitThenServe(0.5)),
        (PURGED, WELL, asks(stale_if_error_s=0), Fetch(inf)),
        (PURGED, FAILED, asks(stale_if_error_s=0), Fetch(inf)),
        (EXPIRED, FAILED, asks(stale_if_error_s=9999), Fetch(inf)),
        (None, WELL, asks(only_if_cached=True), Refuse.NOT_CACHED),
        (EXPIRED, SLOW, asks(only_if_cached=True), Refuse.NOT_CACHED),
        (NEW, WELL, asks(only_if_cached=True), Serve()),
        (AHEAD, WELL, asks(only_if_cached=True), Serve()),
        (REVALIDATED, WELL, asks(only_if_cached=True), Serve(SWR)),
        (IF_ERROR, WELL, asks(only_if_cached=True), Serve(SIE)),
        (PURGED, WELL, asks(only_if_cached=True), Serve(SIE)),
        (NEW, WELL, asks(only_if_cached=True, max_age_s=4), Refuse.NOT_CACHED),
        (NEW, WELL, asks(only_if_cached=True, max_age_s=5), Serve()),
        (None, FAILED, Asked(failed=REFUSED), Refuse.FAILED),
        (EXPIRED, FAILED, Asked(failed=REFUSED), Refuse.FAILED),
        (NEW, WELL, Asked(failed=REFUSED), Serve()),
        (REVALIDATED, WELL, Asked(failed=REFUSED), Serve(REFUSED)),
        (IF_ERROR, FAILED, Asked(failed=REFUSED), Serve(REFUSED)),
        (IF_ERROR, FAILED, Asked(RequestDirectives(stale_if_error_s=0), failed=REFUSED), Refuse.FAILED),
        (None, WELL, Asked(patience_s=2), Fetch(2)),
        (None, WELL, Asked(patience_s=0), Refuse.TOO_LATE),
        (None, FAILED, Asked(patience_s=0, failed=REFUSED), Refuse.FAILED),
        (IF_ERROR, WELL, Asked(patience_s=0.1), WaitThenServe(0.1)),
        (IF_ERROR, WELL, Asked(patience_s=0), ServeAndRefresh(SIS)),
        (IF_ERROR, FETCHING, Asked(patience_s=0), Serve(SIS)),
        (IF_ERROR, WELL, Asked(since_s=0.3), WaitThenServe(0.5 - 0.3)),
        (IF_ERROR, FETCHING, Asked(since_s=0.1), WaitThenServe(0.5 - 0.2)),
        (IF_ERROR, FETCHING, Asked(since_s=0.5), Serve(SIS)),
        (IF_ERROR, WELL, Asked(waited=True), ServeAndRefresh(SIS)),
        (IF_ERROR, FETCHING, Asked(waited=True), Serve(SIS)),
    ],
)
def test_what_a_caller_asks_for_and_has_been_through(
    at_hand: AtHand | None, known: Known, asked: Asked, step: Step
) -> None:
    """The directives of RFC 9111 and RFC 5861, the caller's patience, and what it has waited for already."""
    assert decide(replace(known, page=at_hand), asked, POLICY) == step


# Few and small numbers, so that ages, lifetimes and wishes meet.
SECONDS = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 5.0, 10.0, 20.0])
WHOLE = st.none() | st.integers(0, 20)
NAMES = st.sampled_from(["", *(leaf.name for leaf in leaves())])
PAGES = st.builds(AtHand, SECONDS, st.builds(Lifetimes, SECONDS, SECONDS, SECONDS), SECONDS, st.booleans())
KNOWN = st.builds(Known, st.none() | PAGES, NAMES, SECONDS.map(lambda s: s - 2), st.none() | SECONDS).map(
    lambda known: known if known.failing else replace(known, retry_in_s=0.0)
)
ASKED = st.builds(
    Asked,
    st.builds(RequestDirectives, WHOLE, WHOLE, st.booleans()),
    SECONDS,
    SECONDS | st.just(inf),
    NAMES,
    st.booleans(),
)
POLICIES = st.builds(Policy, SECONDS, SECONDS)


def usable(at_hand: AtHand | None, asked: Asked) -> AtHand | None:
    """Return the page at hand if it is on the ladder, and the caller takes it in trouble."""
    if at_hand is None or at_hand.lifetimes.rung(at_hand.age_s, purged=at_hand.purged) is Rung.EXPIRED:
        return None
    most_s = asked.directives.stale_if_error_s
    stale_s = max(at_hand.age_s - at_hand.lifetimes.fresh_s, 0.5 if at_hand.purged else 0.0)
    return at_hand if most_s is None or stale_s <= most_s else None


@given(KNOWN, ASKED, POLICIES)
def test_never_older_than_promised(known: Known, asked: Asked, policy: Policy) -> None:
    """Not past the ladder, nor past what the caller takes in trouble; and where all is well, as it asked."""
    step = decide(known, asked, policy)
    assume(isinstance(step, Serve | ServeAndRefresh))
    assert isinstance(step, Serve | ServeAndRefresh)
    at_hand, directives = known.page, asked.directives
    assert at_hand is not None
    rung = at_hand.lifetimes.rung(at_hand.age_s)
    assert rung is not Rung.EXPIRED
    as_asked = (
        directives.max_age_s is None
        or at_hand.age_s <= max(directives.max_age_s, asked.since_s)
        or at_hand.age_s < policy.min_refresh_s
    )
    if directives.only_if_cached:
        assert as_asked
    elif step.detail in {"", STALE_WHILE_REVALIDATE}:
        assert as_asked
        assert not at_hand.purged
        assert rung is (Rung.STALE_WHILE_REVALIDATE if step.detail else Rung.FRESH)
    else:
        assert usable(at_hand, asked) is at_hand
        assert step.detail in {STALE_IF_SLOW, known.failing, asked.failed}


@given(KNOWN, ASKED, POLICIES)
def test_nobody_waits_beside_a_page(known: Known, asked: Asked, policy: Policy) -> None:
    """Who can have one waits no longer than is set, however often, nor longer than that after the fetch began."""
    assume(usable(known.page, asked) is not None)
    step = decide(known, asked, policy)
    if asked.directives.only_if_cached:
        assert isinstance(step, Serve) or step is Refuse.NOT_CACHED
    elif isinstance(step, WaitThenServe):
        assert not known.failing
        assert not asked.failed
        assert not asked.waited
        waited_s = max(known.fetching_for_s or 0.0, asked.since_s)
        assert 0 < step.seconds <= min(policy.stale_if_slow_s - waited_s, asked.patience_s)
    else:
        assert isinstance(step, Serve | ServeAndRefresh)


@given(KNOWN, ASKED, POLICIES, st.sampled_from(["upstream-failed", DOWN]), st.floats(-60, 60))
def test_rising_failures_never_make_a_page_worse(
    known: Known, asked: Asked, policy: Policy, failing: str, retry_in_s: float
) -> None:
    """Who is served, or would be soon, while all is well, is served the same page at once while fetching fails."""
    assume(usable(known.page, asked) is not None or asked.directives.only_if_cached)
    well = decide(replace(known, failing="", retry_in_s=0.0), asked, policy)
    failed = decide(replace(known, failing=failing, retry_in_s=retry_in_s), asked, policy)
    worse = decide(replace(known, failing=failing, retry_in_s=retry_in_s + 60), asked, policy)
    if asked.directives.only_if_cached:
        assert well == failed == worse
        return
    assert isinstance(failed, Serve | ServeAndRefresh)
    assert isinstance(worse, Serve)
    assert failed.detail == worse.detail
    if isinstance(well, Serve | ServeAndRefresh) and not well.detail:
        assert not failed.detail


@given(KNOWN, ASKED, POLICIES)
def test_only_if_cached_never_fetches(known: Known, asked: Asked, policy: Policy) -> None:
    """No page is fetched for it, neither for the caller nor in the background."""
    asked = replace(asked, directives=asked.directives._replace(only_if_cached=True))
    step = decide(known, asked, policy)
    assert isinstance(step, Serve) or step is Refuse.NOT_CACHED


@given(KNOWN, ASKED, POLICIES)
def test_a_refresh_begins_only_where_none_is_under_way_or_to_be_paused(
    known: Known, asked: Asked, policy: Policy
) -> None:
    """So a page is tried again once after each pause, however many ask."""
    step = decide(known, asked, policy)
    if isinstance(step, ServeAndRefresh):
        assert known.fetching_for_s is None
        assert known.retry_in_s <= 0


@given(KNOWN, ASKED, POLICIES)
def test_whoever_has_no_time_left_gets_an_answer_now(known: Known, asked: Asked, policy: Policy) -> None:
    """Nobody is told to wait for no time at all, and without patience nobody waits."""
    step = decide(known, replace(asked, patience_s=0.0), policy)
    assert not isinstance(step, WaitThenServe | Fetch)
    step = decide(known, asked, policy)
    if isinstance(step, WaitThenServe | Fetch):
        assert 0 < step.seconds <= asked.patience_s


@given(PAGES, KNOWN, ASKED, POLICIES)
def test_no_wish_fetches_a_page_that_is_too_young(at_hand: AtHand, known: Known, asked: Asked, policy: Policy) -> None:
    """A page that is younger than `min_refresh_s` answers whatever age is asked for, as if none were."""
    known = replace(known, page=at_hand)
    policy = replace(policy, min_refresh_s=at_hand.age_s + 0.5)
    without = replace(asked, directives=asked.directives._replace(max_age_s=None))
    assert decide(known, asked, policy) == decide(known, without, policy)


@given(
    st.builds(Lifetimes, SECONDS, SECONDS, SECONDS),
    st.sampled_from([0.25, 0.5, 0.8, 1.0]),
    st.booleans(),
    st.booleans(),
    # Seconds that are added and subtracted without rounding: in the last digit the two ways may differ.
    st.integers(-40, 240).map(lambda eighths: eighths / 8),
    KNOWN,
    POLICIES,
)
def test_what_is_plainly_fresh_is_served_as_it_is(
    lifetimes: Lifetimes,
    share: float,
    purged: bool,  # noqa: FBT001 -- hypothesis passes it
    doubted: bool,  # noqa: FBT001 -- the same
    passed_s: float,
    known: Known,
    policy: Policy,
) -> None:
    """The short way that hits take is the decision for who asks for nothing, whatever else is known."""
    house = House(lifetimes=lifetimes, refresh_ahead=share)
    held = house.tiers.make(house.key(QUERY), QUERY, page_of(1), 0.0)
    held.purged, held.doubted_at = purged, 0.0 if doubted else None
    now = house.clock() + passed_s
    if now < held.plainly_fresh_until():
        assert not doubted
        assert decide(replace(known, page=held.at_hand(now)), Asked(NO_DIRECTIVES), policy) == Serve()
    elif not purged and not doubted:
        assert decide(Known(held.at_hand(now)), Asked(NO_DIRECTIVES), policy) != Serve()
