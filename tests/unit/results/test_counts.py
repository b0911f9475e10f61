"""Counts from the totals of pages of one row."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import CampaignPage, CampaignStatus, DeviceType
from gateway.results.counts import counts_of, parts
from tests.support.campaigns import COUNTS, QUERIES


def pages_of(totals: list[int | None]) -> list[CampaignPage]:
    """Return pages of one row with these totals."""
    return [CampaignPage((), 1, 1, total, 7, 8) for total in totals]


@given(QUERIES.map(lambda query: replace(query, status=None, device_type=None)))
def test_nine_questions_of_one_row(query: object) -> None:
    """One for all, three by status and five by device type, which agree in all else."""
    asked = parts(query)  # type: ignore[arg-type]  # -- a strategy has no type here
    assert len(set(asked)) == len(asked) == 9
    assert all((part.page, part.page_size) == (1, 1) for part in asked)
    assert {replace(part, status=None, device_type=None) for part in asked} == {asked[0]}
    assert asked[0] == replace(query, page=1, page_size=1)  # type: ignore[type-var]  # -- the same
    assert [part.status for part in asked[1:4]] == ["running", "paused", "completed"]
    assert {part.device_type for part in asked[4:]} == set(DeviceType) - {DeviceType.UNKNOWN}


@given(st.lists(COUNTS, min_size=9, max_size=9))
def test_no_count_is_ever_below_nothing_or_made_up(totals: list[int | None]) -> None:
    """What CC-iSales said is told as it is; the others are what is left, if all is known, and never below 0."""
    counts = counts_of(pages_of(totals))
    assert [counts.total, *list(counts.by_status.values())[:3], *list(counts.by_device_type.values())[:5]] == totals
    for counted in (counts.by_status, counts.by_device_type):
        *known, other = counted.values()
        if counts.total is None or None in known:
            assert other is None
        else:
            assert other == max(0, counts.total - sum(number for number in known if number is not None))
    assert (counts.skill_queue_total, counts.ivr_total) == (7, 8)


def test_the_words_are_those_of_answers() -> None:
    """Status and device type by name, with the others last."""
    counts = counts_of(pages_of([10, 1, 2, 3, 2, 2, 2, 2, 1]))
    assert counts.by_status == {"running": 1, "paused": 2, "completed": 3, "other": 4}
    assert counts.by_device_type["other"] == 1
    assert CampaignStatus.RUNNING in counts.by_status
