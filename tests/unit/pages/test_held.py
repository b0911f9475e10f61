"""A page as a process holds it: which of two is newer, and how it is handed out."""

from datetime import UTC, datetime

import pytest

from gateway.model import CacheOutcome
from gateway.pages.freshness import Rung
from gateway.pages.held import CLOSE_S, HeldPage
from tests.support.campaigns import page_of
from tests.support.page_cache import QUERY, House


def held(house: House, stored_at: float, as_of_ms: int = 0) -> HeldPage:
    """Return a page that has been there since `stored_at`, which CC-iSales gave at `as_of_ms`."""
    house.tiers._wall = lambda: datetime.fromtimestamp(as_of_ms / 1000, UTC)  # noqa: SLF001 -- the clock on the wall of the house
    made = house.tiers.make(house.key(QUERY), QUERY, page_of(1), stored_at)
    made.stored_at = stored_at
    return made


@pytest.mark.parametrize(
    ("apart_s", "apart_ms", "newer", "older"),
    [
        (CLOSE_S, -5000, True, False),
        (60.0, 0, True, False),
        (-0.1, 5, True, False),
        (0.1, -5, False, True),
        (0.1, 0, False, False),
        (0.0, 0, False, False),
    ],
)
def test_the_newer_of_two_pages(apart_s: float, apart_ms: int, newer: bool, older: bool) -> None:  # noqa: FBT001 -- columns of the table
    """By how long each has been there; where that is close, it may be the way of an answer, and their times decide."""
    house = House()
    one, other = held(house, 100.0 + apart_s, 50_000 + apart_ms), held(house, 100.0, 50_000)
    assert (one.is_newer_than(other), other.is_newer_than(one)) == (newer, older)


def test_a_page_is_handed_out_as_it_is_at_that_second() -> None:
    """Its age, what is left of its freshness and of what it is good for in trouble, and since when."""
    house = House()
    page = held(house, 100.0, 50_999)
    served = page.served(CacheOutcome.STALE, 120.0, "process", "why")
    assert (served.age_s, served.fresh_for_s, served.good_if_error_s) == (20.0, -5.0, 3595.0)
    assert (served.as_of, served.rung, served.detail, served.page) == (50, "stale-while-revalidate", "why", page_of(1))
    assert page.served(CacheOutcome.HIT, 99.0, "process").age_s == 0.0, "threads overtake each other"


def test_a_purged_page_is_stale_whatever_its_age() -> None:
    """It is stale if error from the purge on, until it has expired."""
    house = House()
    page = held(house, 100.0)
    page.purged = True
    served = page.served(CacheOutcome.STALE, 105.0, "process")
    assert (served.rung, served.fresh_for_s) == ("stale-if-error", 0.0)
    assert page.rung(100.0 + 15 + 3600) is Rung.EXPIRED
    assert page.plainly_fresh_until() == float("-inf")


def test_its_length_is_what_it_takes() -> None:
    """The entry, the bytes that are sent, and those in gzip where there are any."""
    house = House()
    small = held(house, 100.0)
    assert small.rendered.packed is None
    assert len(small) == len(small.entry) + len(small.rendered.identity.body)
    house.answer = page_of(*range(1, 60))
    house.ask()
    large = house.tiers.held(house.key(QUERY))
    assert large is not None
    assert large.rendered.packed is not None
    assert len(large) == len(large.entry) + len(large.rendered.identity.body) + len(large.rendered.packed.body)
