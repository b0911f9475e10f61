"""Deadlines and page counts."""

import pytest

from gateway.model import CampaignPage, CampaignQuery, Deadline, Priority, Urgency
from tests.support.campaigns import page_of
from tests.support.clock import FakeClock


def test_a_deadline_runs_down_and_stays_at_nothing() -> None:
    """What remains falls with the clock, never below zero."""
    clock = FakeClock()
    deadline = Deadline.after(2.0, clock)
    assert (deadline.remaining(), deadline.expired) == (2.0, False)
    clock.advance(1.5)
    assert deadline.remaining() == 0.5
    clock.advance(5)
    assert (deadline.remaining(), deadline.expired) == (0.0, True)


def test_urgency_only_rises() -> None:
    """It is told of each rise once, after it, and never falls."""
    deadline = Deadline.after(2.0, priority=Priority.EXPORT)
    seen: list[Priority] = []
    deadline.urgency.watch(lambda: seen.append(deadline.priority))
    for priority in (Priority.EXPORT, Priority.REFRESH, Priority.EXPORT, Priority.INTERACTIVE, Priority.REFRESH):
        deadline.urgency.raise_to(priority)
    assert seen == [Priority.REFRESH, Priority.INTERACTIVE]
    assert deadline.priority is Priority.INTERACTIVE


def test_urgency_rises_also_when_nobody_watches() -> None:
    """What rose before anybody watched is there to be read."""
    urgency = Urgency(Priority.REFRESH)
    urgency.raise_to(Priority.INTERACTIVE)
    assert urgency.priority is Priority.INTERACTIVE


@pytest.mark.parametrize(("items", "pages"), [(0, 0), (1, 1), (10, 1), (11, 2), (250, 25)])
def test_total_pages_rounds_up(items: int, pages: int) -> None:
    """A page that is begun is a page."""
    assert page_of(total=items).total_pages == pages


def test_a_page_is_full_by_what_was_sent() -> None:
    """Campaigns that cannot be used fill a page too, so that the next one is known to be there."""
    assert not CampaignPage((), 1, 2, None, None, None, left_out=1).paging.full
    assert CampaignPage((), 1, 2, None, None, None, left_out=2).paging.full


def test_the_locale_does_not_make_another_question() -> None:
    """The language of descriptions takes no part in equality."""
    assert CampaignQuery(vdn=1, locale="en_US") == CampaignQuery(vdn=1, locale="zh_CN")
    assert CampaignQuery(vdn=1) != CampaignQuery(vdn=2)
