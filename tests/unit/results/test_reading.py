"""A whole result, whatever shifts while it is read: laws, against a list that shifts at every step."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import CampaignPage
from gateway.results.reading import NeverStillError, Reading
from gateway.results.windows import Window
from tests.support.shifting import ShiftingList, read_whole

SIZES = st.integers(0, 1200)
SINGLE = st.sampled_from(["appear", "vanish", "top", "end"])
STEPS = st.sampled_from(["none", "appear", "vanish", "swap", "swap", "many appear", "many vanish", "top", "end"])


def shifted(shifting: ShiftingList, step: str, place: int) -> None:
    """Have the list shift by one step, at or about `place`."""
    match step:
        case "appear":
            shifting.appear(place)
        case "vanish":
            shifting.vanish(place)
        case "swap":
            # As many go as come, so that no total shows it.
            shifting.vanish(place)
            shifting.appear(place * 7919 % (len(shifting.ids) + 1))
        case "many appear":
            for _ in range(place % 130):
                shifting.appear(place)
        case "many vanish":
            for _ in range(place % 130):
                shifting.vanish(place)
        case "top":
            shifting.appear(0)
            shifting.vanish(-1)
        case "end":
            shifting.vanish(0)
            shifting.appear(len(shifting.ids))


@settings(max_examples=100)
@given(size=SIZES, at_once=st.integers(1, 12), says_total=st.booleans(), data=st.data())
def test_no_id_comes_twice_and_nothing_is_lost_that_was_there_all_the_time(
    *, size: int, at_once: int, says_total: bool, data: st.DataObject
) -> None:
    """Whatever shifts between any two answers, in whatever order they come: the result is whole, or there is none."""
    shifting = ShiftingList(range(1, size + 1), says_total=says_total)
    try:
        rows = read_whole(
            Reading(),
            shifting.page,
            at_once=at_once,
            choose=lambda count: data.draw(st.integers(0, count - 1)),
            between=lambda: shifted(shifting, data.draw(STEPS), data.draw(st.integers(0, 1300))),
        )
    except NeverStillError:
        return
    ids = [row.id for row in rows]
    assert len(ids) == len(set(ids))
    assert shifting.always <= set(ids) <= shifting.ever


@given(size=SIZES, at_once=st.integers(1, 12), says_total=st.booleans(), data=st.data())
def test_a_result_that_holds_still_is_read_as_it_is(
    *, size: int, at_once: int, says_total: bool, data: st.DataObject
) -> None:
    """In its own order, with a seventh more pages than it has at most, in whatever order they come."""
    shifting = ShiftingList(range(size, 0, -1), says_total=says_total)
    reading = Reading()
    rows = read_whole(
        reading, shifting.page, at_once=at_once, choose=lambda count: data.draw(st.integers(0, count - 1))
    )
    assert [row.id for row in rows] == list(range(size, 0, -1))
    assert reading.reads <= 1.15 * size / 100 + 2
    assert (reading.rows, reading.left_out) == (size, 0)


@given(
    SIZES,
    st.integers(1, 12),
    st.lists(st.tuples(st.sampled_from(["appear", "vanish", "top", "end"]), SIZES)),
    st.data(),
)
def test_a_few_shifts_are_no_obstacle(
    size: int, at_once: int, steps: list[tuple[str, int]], data: st.DataObject
) -> None:
    """One row at a time, now and then: the result is whole, and never given up."""
    shifting = ShiftingList(range(1, size + 1))
    left = iter(steps[:20])

    def between() -> None:
        if data.draw(st.integers(0, 2)) == 0:
            for step, place in left:
                shifted(shifting, step, place)
                return

    rows = read_whole(
        Reading(),
        shifting.page,
        at_once=at_once,
        choose=lambda count: data.draw(st.integers(0, min(count, 3) - 1)),
        between=between,
    )
    ids = [row.id for row in rows]
    assert len(ids) == len(set(ids))
    assert shifting.always <= set(ids) <= shifting.ever


@pytest.mark.parametrize(
    "step",
    [
        lambda shifting: shifting.vanish(0),
        lambda shifting: shifting.appear(0),
        lambda shifting: shifted(shifting, "top", 0),
        lambda shifting: shifted(shifting, "end", 0),
        lambda shifting: [shifting.vanish(0) for _ in range(4)],
        lambda shifting: [shifting.appear(0) for _ in range(20)],
    ],
    ids=["one goes", "one comes", "top", "end", "four go", "twenty come"],
)
def test_a_result_that_shifts_after_every_answer_is_read(step: Callable[[ShiftingList], object]) -> None:
    """Ten at a time, of five thousand rows, steadily in one direction."""
    shifting = ShiftingList(range(1, 5001))
    reading = Reading()
    rows = read_whole(reading, shifting.page, at_once=10, between=lambda: step(shifting))
    assert shifting.always <= {row.id for row in rows}
    assert len({row.id for row in rows}) == len(rows)


@pytest.mark.parametrize("left", [0, 700, 2900])
def test_most_of_a_long_result_may_vanish_at_once(left: int) -> None:
    """It is not bridged row by row: all that follows is read again."""
    shifting = ShiftingList(range(1, 5001))
    reading = Reading()
    reads = []

    def between() -> None:
        reads.append(reading.reads)
        if len(reads) == 20:
            del shifting.ids[: len(shifting.ids) - left]
            shifting.always &= set(shifting.ids)

    rows = read_whole(reading, shifting.page, at_once=10, between=between)
    assert shifting.always <= {row.id for row in rows}
    assert len(reads) < 90


def test_a_result_that_never_holds_still_is_given_up() -> None:
    """All rows are others after each answer: three bridges lead nowhere, and it says how far it came."""
    shifting = ShiftingList(range(1, 1001))

    def between() -> None:
        for _ in range(len(shifting.ids)):
            shifting.vanish(0)
            shifting.appear(len(shifting.ids))

    reading = Reading()
    with pytest.raises(NeverStillError) as failure:
        read_whole(reading, shifting.page, at_once=1, between=between)
    assert (failure.value.rows, failure.value.total) == (100, 1000)
    assert reading.reads == 5


def test_a_page_with_fewer_rows_than_its_total_says_is_read_again() -> None:
    """Once is an accident; three times running nobody knows what is true."""
    shifting = ShiftingList(range(1, 251))
    torn = [2, 3]

    def page(window: Window) -> CampaignPage:
        honest = shifting.page(window)
        torn[0] -= 1
        return replace(honest, campaigns=honest.campaigns[:-1]) if torn[0] == 0 else honest

    assert len(read_whole(Reading(), page)) == 250
    with pytest.raises(NeverStillError) as failure:
        read_whole(Reading(), lambda window: replace(shifting.page(window), campaigns=()))
    assert failure.value.torn is not None
    assert (failure.value.torn.window, failure.value.torn.count, failure.value.torn.expected) == (
        Window(1, 100),
        0,
        100,
    )


def test_rows_that_cannot_be_used_are_counted_and_not_missed() -> None:
    """A page that has fewer campaigns, because some came without an id, is whole."""
    shifting = ShiftingList(range(1, 251))

    def page(window: Window) -> CampaignPage:
        honest = shifting.page(window)
        good = tuple(row for row in honest.campaigns if row.id % 50)
        return replace(honest, campaigns=good, left_out=len(honest.campaigns) - len(good))

    reading = Reading()
    assert {row.id for row in read_whole(reading, page)} == {number for number in range(1, 251) if number % 50}
    assert reading.left_out >= 5


def test_what_arrives_after_the_end_is_passed_over() -> None:
    """A list that has become short while many reads were under way has no more rows for them."""
    shifting = ShiftingList(range(1, 1001))
    reading = Reading()
    first = reading.next_read()
    assert first is not None
    assert reading.next_read() is None
    reading.arrived(first, shifting.page(first.window))
    second, third = reading.next_read(), reading.next_read()
    assert second is not None
    assert third is not None
    shifting.ids = shifting.ids[:150]
    reading.arrived(second, shifting.page(second.window))
    assert reading.done
    assert reading.next_read() is None
    assert reading.arrived(third, shifting.page(third.window)) == []
    assert reading.rows == 150
