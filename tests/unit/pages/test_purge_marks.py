"""What is known of purges: whatever was fetched before one stays purged, whatever began after it does not."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.pages.purge_marks import PurgeMarks

VDNS = st.sampled_from([1, 2, 3])
TIMES = st.floats(0, 1e6)
PURGES = st.lists(st.tuples(st.none() | VDNS, TIMES, st.booleans()), max_size=10)


@given(PURGES, VDNS, TIMES)
def test_a_page_is_as_purged_as_the_latest_purges_of_it_have_it(
    purges: list[tuple[int | None, float, bool]], vdn: int, began_at: float
) -> None:
    """Stale where its fetch began before any purge of its VDN or of all, gone where before a hard one."""
    marks = PurgeMarks()
    for which, at, hard in purges:
        marks.note(which, at, hard=hard)
    concern = [(at, hard) for which, at, hard in purges if which in {None, vdn}]
    assert marks.is_stale(vdn, began_at) == any(began_at <= at for at, _ in concern)
    assert marks.is_gone(vdn, began_at) == any(began_at <= at and hard for at, hard in concern)


@given(PURGES, VDNS, TIMES)
def test_what_begins_now_begins_after_every_purge_until_now(
    purges: list[tuple[int | None, float, bool]], vdn: int, now: float
) -> None:
    """Also where the clock has not ticked between the two; and no later than that."""
    marks = PurgeMarks()
    for which, at, hard in purges:
        marks.note(which, min(at, now), hard=hard)
    began_at = marks.beginning(now)
    assert not marks.is_stale(vdn, began_at)
    assert 0 <= began_at - now <= 1e-6


def test_a_purge_that_is_heard_of_late_takes_nothing_back() -> None:
    """Neither a later purge nor a harder one is weakened by what was before it."""
    marks = PurgeMarks()
    marks.note(1, 10.0, hard=True)
    marks.note(1, 20.0, hard=False)
    marks.note(1, 15.0, hard=True)
    marks.note(None, 5.0, hard=True)
    assert [marks.is_stale(1, at) for at in (20.0, 20.5)] == [True, False]
    assert [marks.is_gone(1, at) for at in (15.0, 15.5)] == [True, False]
    assert (marks.is_gone(2, 5.0), marks.is_stale(2, 5.5)) == (True, False)


def test_nothing_was_purged_at_first() -> None:
    """Before any purge no page counts as purged, whenever its fetch began."""
    marks = PurgeMarks()
    assert not marks.is_stale(1, float("-inf"))
    assert marks.beginning(7.0) == 7.0
