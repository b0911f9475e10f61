"""The ladder: a page only ever goes down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import CampaignQuery, CampaignStatus
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


def test_completed_campaigns_have_lifetimes_of_their_own() -> None:
    """Only the query that asks for them has."""
    policy = FreshnessPolicy(Lifetimes(1, 2, 3), Lifetimes(4, 5, 6))
    assert policy.lifetimes(CampaignQuery(vdn=1, status=CampaignStatus.COMPLETED)).fresh_s == 4
    for status in (None, CampaignStatus.RUNNING, CampaignStatus.PAUSED):
        assert policy.lifetimes(CampaignQuery(vdn=1, status=status)).fresh_s == 1
