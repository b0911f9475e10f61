"""Cache keys are injective and canonical."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import CampaignQuery
from gateway.pages.key import page_key, prefix_of, vdn_of
from tests.support.campaigns import QUERIES


@given(QUERIES, QUERIES)
def test_keys_are_equal_exactly_when_queries_are(one: CampaignQuery, other: CampaignQuery) -> None:
    """Same question, same key; another question, another key."""
    assert (page_key(one, "a", "n") == page_key(other, "a", "n")) == (one == other)


@given(QUERIES, st.data())
def test_each_part_of_the_question_is_in_the_key(query: CampaignQuery, data: st.DataObject) -> None:
    """Changing any one part changes the key, except the locale."""
    other = data.draw(QUERIES)
    for name in ("vdn", "name", "status", "device_type", "begins_from", "ends_to", "page", "page_size", "cc_id"):
        changed = replace(query, **{name: getattr(other, name)})
        assert (page_key(changed, "a", "n") == page_key(query, "a", "n")) == (
            getattr(query, name) == getattr(other, name)
        )
    assert page_key(replace(query, locale=other.locale), "a", "n") == page_key(query, "a", "n")


@given(QUERIES)
def test_pages_of_another_source_have_other_keys(query: CampaignQuery) -> None:
    """Two gateways before different CC-iSales never share a page, even in one store."""
    assert page_key(query, "https://a UTC", "n") != page_key(query, "https://b UTC", "n")


def test_the_vdn_stands_in_the_clear() -> None:
    """The pages of one VDN can be found by the beginning of their keys, and those of an earlier format passed over."""
    key = page_key(CampaignQuery(vdn=17), "a", "n")
    assert key.startswith("page:2:17:")
    assert [key.startswith(prefix_of(vdn)) for vdn in (17, None, 1, 7)] == [True, True, False, False]
    assert (prefix_of(17, 1), prefix_of(None, 1)) == ("page:1:17:", "page:1:")


@given(QUERIES)
def test_the_vdn_can_be_read_from_the_key(query: CampaignQuery) -> None:
    """So that a purge of one VDN knows its pages."""
    assert vdn_of(page_key(query, "a", "n")) == query.vdn
