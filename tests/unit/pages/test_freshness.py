"""The ladder: a page only ever goes down."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Campaign, CampaignPage, CampaignQuery, CampaignStatus, DeviceType
from gateway.pages.freshness import FreshnessPolicy, Lifetimes, Rung

SECONDS = st.floats(0, 1e6)
LIFETIMES = st.builds(Lifetimes, SECONDS, SECONDS, SECONDS)
ORDER = list(Rung)


@given(LIFETIMES, SECONDS, SECONDS)
def test_a_page_never_climbs(lifetimes: Lifetimes, age: float, more: float) -> None:
    """As time passes a page stays on its rung or goes to a later one."""
    assert ORDER.index(lifetimes.rung(age)) <= ORDER.index(lifetimes.rung(age + more))


@given(LIFETIMES, SECONDS)
def test_a_page_is_of_use_until_it_need_not_be_kept(lifetimes: Lifetimes, age: float) -> None:
    """It is expired exactly from the age on until which it is to be kept."""
    stale_s = age - lifetimes.fresh_s
    useful = max(lifetimes.stale_while_revalidate_s, lifetimes.stale_if_error_s)
    assert (lifetimes.rung(age) is Rung.EXPIRED) == (stale_s >= 0 and stale_s >= useful)
    assert lifetimes.keep_s == lifetimes.fresh_s + useful


@pytest.mark.parametrize(
    ("age", "rung"),
    [
        (0, Rung.FRESH),
        (14.999, Rung.FRESH),
        (15, Rung.STALE_WHILE_REVALIDATE),
        (74.999, Rung.STALE_WHILE_REVALIDATE),
        (75, Rung.STALE_IF_ERROR),
        (3614.999, Rung.STALE_IF_ERROR),
        (3615, Rung.EXPIRED),
    ],
)
def test_each_rung_begins_where_the_one_before_ends(age: float, rung: Rung) -> None:
    """The limits are those of the settings, to the second."""
    assert Lifetimes(15, 60, 3600).rung(age) is rung


@given(LIFETIMES, SECONDS)
def test_what_is_told_of_trouble_ends_when_the_page_does(lifetimes: Lifetimes, age: float) -> None:
    """Past freshness, or past now where that is over: as RFC 5861 counts it, and never below 0."""
    told = lifetimes.good_if_error_s(age)
    assert 0 <= told <= lifetimes.stale_if_error_s
    if age <= lifetimes.fresh_s:
        assert told == pytest.approx(lifetimes.stale_if_error_s)
    elif told > 0:
        assert age + told == pytest.approx(lifetimes.fresh_s + lifetimes.stale_if_error_s)


AS_OF = datetime(2026, 11, 27, 10, 0, 0, tzinfo=UTC)
USUAL, COMPLETED = Lifetimes(1, 2, 3), Lifetimes(4, 5, 6)


def row(status: CampaignStatus, ends_at: datetime | None) -> Campaign:
    """Return a campaign of this status that ends then."""
    return Campaign(1, None, status, DeviceType.PREVIEW, None, ends_at, None)


OVER = row(CampaignStatus.COMPLETED, AS_OF)
NOT_YET = row(CampaignStatus.COMPLETED, AS_OF + timedelta(seconds=1))
NO_END = row(CampaignStatus.COMPLETED, None)
RUNNING = row(CampaignStatus.RUNNING, AS_OF - timedelta(days=1))


@pytest.mark.parametrize("asked", [None, CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.COMPLETED])
@pytest.mark.parametrize(
    ("rows", "over"),
    [
        ((OVER, OVER), True),
        ((OVER, NOT_YET), False),
        ((OVER, NO_END), False),
        ((OVER, RUNNING), False),
        ((RUNNING,), False),
        ((), False),
    ],
)
def test_pages_that_change_less_live_longer(
    asked: CampaignStatus | None,
    rows: tuple[Campaign, ...],
    over: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    """Those that were asked for as completed, and those of which every row is completed and over, whoever asked."""
    lifetimes = FreshnessPolicy(USUAL, COMPLETED).lifetimes(
        CampaignQuery(vdn=1, status=asked), CampaignPage(rows, 1, 10, None, None, None), AS_OF
    )
    assert lifetimes is (COMPLETED if over or asked is CampaignStatus.COMPLETED else USUAL)
