"""The seed data: its numbers, its mixture and its names."""

from collections import Counter
from datetime import datetime

import pytest

from gateway.simulator.campaigns import campaigns_of


@pytest.mark.parametrize("vdn", [1, 2, 9999])
def test_numbers_are_the_same_for_every_vdn(vdn: int) -> None:
    """Each VDN has 250 campaigns: 40, 60, 70 and 80 by status, 50 by device type."""
    campaigns = campaigns_of(vdn)
    assert Counter(campaign.status for campaign in campaigns) == {1: 40, 2: 60, 3: 70, 4: 80}
    assert Counter(campaign.device_type for campaign in campaigns) == dict.fromkeys((1, 2, 3, 5, 6), 50)
    assert Counter(campaign.cc_id for campaign in campaigns) == {1: 125, 2: 125}


def test_status_and_type_are_mixed() -> None:
    """Every status occurs with every device type, equally often."""
    pairs = Counter((campaign.status, campaign.device_type) for campaign in campaigns_of(1))
    assert len(pairs) == 20
    assert {pairs[status, kind] for status in (1,) for kind in (1, 2, 3, 5, 6)} == {8}


@pytest.mark.parametrize("vdn", [1, 9999])
def test_names_fit_and_show_the_vdn(vdn: int) -> None:
    """Names are 1 to 30 characters, no two alike, and end with the VDN and the number."""
    campaigns = campaigns_of(vdn)
    assert all(1 <= len(campaign.name) <= 30 for campaign in campaigns)
    assert len({campaign.name for campaign in campaigns}) == 250
    assert all(campaign.name.endswith(f" {vdn}-{campaign.id - vdn * 100_000}") for campaign in campaigns)
    assert all(campaign.caller_no.startswith(f"{vdn:04d}") for campaign in campaigns)


def test_names_have_what_breaks_encodings() -> None:
    """Among the names are Chinese, blanks, quotes, an emoji and the characters that queries give a meaning to."""
    everything = "".join(campaign.name for campaign in campaigns_of(1))
    assert set("十 +&%~'\"=#?;📞") <= set(everything)


def test_order_is_newest_first_and_no_vdn_shares_an_id() -> None:
    """Ids fall, and differ from those of every other VDN."""
    ids = [campaign.id for campaign in campaigns_of(1)]
    assert ids == sorted(ids, reverse=True)
    assert set(ids).isdisjoint(campaign.id for campaign in campaigns_of(2))


def test_times_are_of_two_forms() -> None:
    """Times are in seconds for most and bare dates for some; each campaign ends after it begins."""
    bare = [campaign for campaign in campaigns_of(1) if " " not in campaign.begin]
    assert len(bare) == 25
    for campaign in campaigns_of(1):
        assert datetime.fromisoformat(campaign.first_second) < datetime.fromisoformat(campaign.last_second)
    assert bare[0].first_second == f"{bare[0].begin} 00:00:00"
    assert bare[0].last_second == f"{bare[0].end} 23:59:59"


def test_more_campaigns_are_added_at_the_top() -> None:
    """A larger count keeps all the others as they are."""
    assert campaigns_of(1, 252)[2:] == campaigns_of(1)
