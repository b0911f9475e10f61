"""Campaigns around the present, for demos."""

from collections import Counter
from datetime import datetime, timedelta

from gateway.simulator.campaigns import Campaign, campaigns_of
from gateway.simulator.listing import Arrangement, Listings
from gateway.simulator.showcase import showcase, with_showcase

NOW = datetime(2026, 11, 27, 12, 0, 0)  # noqa: DTZ001 -- the vendor's times carry no zone


def running(rows: tuple[Campaign, ...], hours: tuple[float, float]) -> list[Campaign]:
    """Return those that run and end so many hours from now."""
    first, last = (str(NOW + timedelta(hours=one)) for one in hours)
    return [row for row in rows if row.status == 2 and first <= row.end <= last]


def test_there_is_something_to_see_of_each_kind() -> None:
    """Overdue, about to end and due, all statuses, no caller number, zeros, large ids, Chinese, HTML, formulas."""
    rows = showcase(1, NOW)
    assert running(rows, (-48, 0))
    assert running(rows, (0, 1))
    assert [row for row in rows if row.status in {1, 3} and row.begin < str(NOW) < row.end]
    assert {row.status for row in rows} > {1, 2, 3, 4}
    assert "" in {row.caller_no for row in rows}
    assert [row for row in rows if row.caller_no.startswith("00")]
    assert [row for row in rows if row.id > 2**53 and float(row.id) != row.id]
    names = "".join(row.name for row in rows)
    assert all(text in names for text in ("回访", "<script>", "=HYPERLINK"))


def test_rows_are_those_that_cc_isales_could_have() -> None:
    """No id twice, not among VDNs either, and each ends after it begins."""
    rows = [*showcase(1, NOW), *showcase(2, NOW), *campaigns_of(1), *campaigns_of(2)]
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.first_second <= row.last_second for row in rows)


def test_counts_stay_as_they_are() -> None:
    """Of each status and type there are as many as without; only one draft is of no status that is documented."""
    rows, by_rule = with_showcase(1, NOW), campaigns_of(1)
    assert rows[: len(showcase(1, NOW))] == showcase(1, NOW)
    counted = Counter((1 if row.status == 9 else row.status, row.device_type) for row in rows)
    assert counted == Counter((row.status, row.device_type) for row in by_rule)


def test_a_listing_shows_what_it_is_given() -> None:
    """In that order, of that VDN alone, until it is arranged anew."""
    listings, rows = Listings(), showcase(1, NOW)
    listings.show(1, rows)
    assert listings.of(1) == rows
    assert listings.of(2) == campaigns_of(2)
    listings.arrange(Arrangement())
    assert listings.of(1) == campaigns_of(1)
