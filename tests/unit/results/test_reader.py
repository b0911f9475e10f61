"""Reading whole results with threads: what is asked of CC-iSales, when it is given up, and what is said then."""

import random
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from gateway.errors import (
    GatewayError,
    InvalidParameters,
    UpstreamBrokenContract,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRejectedParameters,
    UpstreamTimeout,
)
from gateway.model import Campaign, CampaignPage, CampaignQuery, CampaignStatus, Deadline, FetchPage, Priority
from gateway.results.reader import Limits, ResultReader, Whole
from gateway.results.windows import Window
from tests.support.clock import FakeClock
from tests.support.shifting import ShiftingList

QUERY = CampaignQuery(1, "name", CampaignStatus.RUNNING, page=7, page_size=3)


class Upstream:
    """A CC-iSales of this list. It keeps what was asked; `before` is called before each answer and may raise."""

    def __init__(self, shifting: ShiftingList, before: Callable[[int], None] = lambda _: None) -> None:
        self.shifting = shifting
        self.asked: list[tuple[CampaignQuery, Deadline]] = []
        self.most_at_once = self._at_once = 0
        self._before = before
        self._lock = threading.Lock()

    def fetch(self, query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        """Return the page that answers `query`."""
        with self._lock:
            self.asked.append((query, deadline))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            turn = len(self.asked)
        try:
            self._before(turn)
        finally:
            with self._lock:
                self._at_once -= 1
        with self._lock:
            return self.shifting.page(Window(query.page, query.page_size))


def read(
    fetch: FetchPage, *, most_rows: int = 10**6, seconds: float = 300.0, concurrency: int = 10
) -> tuple[Whole, list[Campaign]]:
    """Read all of `QUERY`; return what is told of it, and the rows."""
    clock = FakeClock()
    rows: list[Campaign] = []
    limits = Limits(most_rows, Deadline.after(seconds, clock), concurrency, 8.0)
    return ResultReader(fetch, clock.advance).read(QUERY, rows.extend, limits), rows


def test_the_filters_are_those_of_the_question_and_the_priority_is_the_lowest() -> None:
    """Pages are CC-iSales' own, whatever page the question names, and each has the time of one page."""
    upstream = Upstream(ShiftingList(range(1, 951)))
    whole, rows = read(upstream.fetch)
    assert [row.id for row in rows] == list(range(1, 951))
    assert (whole.rows, whole.left_out, whole.pages) == (950, 0, len(upstream.asked))
    for query, deadline in upstream.asked:
        assert (query.vdn, query.name, query.status) == (1, "name", CampaignStatus.RUNNING)
        assert deadline.priority is Priority.EXPORT
        assert deadline.remaining() <= 8.0
    assert (upstream.asked[0][0].page, upstream.asked[0][0].page_size) == (1, 100)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_so_many_pages_are_read_at_once(concurrency: int) -> None:
    """Never more than allowed, and as many where there are as many to read."""
    met = threading.Barrier(concurrency)

    def before(turn: int) -> None:
        if 2 <= turn <= 1 + concurrency:
            met.wait(10)

    upstream = Upstream(ShiftingList(range(1, 2001)), before)
    read(upstream.fetch, concurrency=concurrency)
    assert upstream.most_at_once == concurrency


@pytest.mark.parametrize("seed", range(20))
def test_a_shifting_result_is_read_by_many_threads(seed: int) -> None:
    """Ten threads, and one row appears, vanishes or gives way to another before every answer."""
    shifting, dice = ShiftingList(range(1, 2001)), random.Random(seed)  # noqa: S311 -- a dice for tests
    lock = threading.Lock()

    def before(_: int) -> None:
        with lock:
            if dice.random() < 0.7:
                shifting.vanish(dice.randrange(2000))
            if dice.random() < 0.7:
                shifting.appear(dice.randrange(2000))

    whole, rows = read(Upstream(shifting, before).fetch)
    ids = {row.id for row in rows}
    assert len(ids) == len(rows) == whole.rows
    assert shifting.always <= ids <= shifting.ever


def test_a_result_that_never_holds_still_is_a_clear_problem() -> None:
    """And a line in the log that says how far it came."""
    shifting = ShiftingList(range(1, 1001))

    def before(_: int) -> None:
        for _ in range(len(shifting.ids)):
            shifting.vanish(0)
            shifting.appear(len(shifting.ids))

    with capture_logs() as events, pytest.raises(UpstreamBrokenContract, match="shifted faster than it could be read"):
        read(Upstream(shifting, before).fetch, concurrency=1)
    (event,) = (event for event in events if event["event"] == "result_never_still")
    assert (event["vdn"], event["rows"], event["total"], event["log_level"]) == (1, 100, 1000, "warning")


def test_pages_that_contradict_themselves_or_cannot_be_told_apart_are_not_said_to_shift() -> None:
    """Of a list that holds still: fewer rows than its total says, and too many in a row without a usable id."""
    still = Upstream(ShiftingList(range(1, 251)))

    def fewer(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        return replace(still.fetch(query, deadline), total_items=400)

    def without_ids(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        page = still.fetch(query, deadline)
        usable = tuple(row for row in page.campaigns if not 100 < row.id <= 200)
        return replace(page, campaigns=usable, left_out=len(page.campaigns) - len(usable))

    with pytest.raises(
        UpstreamBrokenContract,
        match=r"^Page 3 of 98 campaigns came 3 times with 54 of them, and its total of 400 says 98\. Ask",
    ):
        read(fewer, concurrency=1)
    with pytest.raises(UpstreamBrokenContract, match=r" Or it is for the \d+ campaigns of one page that have no `id` "):
        read(without_ids, concurrency=1)


@pytest.mark.parametrize(
    "error", [UpstreamOverloaded("x", retry_after_s=3), UpstreamTimeout("x"), UpstreamFailed("x")], ids=lambda e: e.name
)
def test_a_page_that_fails_is_tried_three_times(error: GatewayError) -> None:
    """Twice it may fail, and nobody notices; the third time it is the problem of all."""
    failing = {3, 4}

    def before(turn: int) -> None:
        if turn in failing:
            raise error.again()

    upstream = Upstream(ShiftingList(range(1, 301)), before)
    assert read(upstream.fetch, concurrency=1)[0].rows == 300
    failing |= {13, 14, 15}
    upstream.asked.clear()
    failing = {3, 4, 5}
    with pytest.raises(type(error)):
        read(upstream.fetch, concurrency=1)
    assert len(upstream.asked) == 5


def test_what_another_try_cannot_mend_is_not_tried_again() -> None:
    """Parameters that CC-iSales refuses are an answer."""

    def before(_: int) -> None:
        raise UpstreamRejectedParameters("x")

    upstream = Upstream(ShiftingList(range(1, 301)), before)
    with pytest.raises(UpstreamRejectedParameters):
        read(upstream.fetch)
    assert len(upstream.asked) == 1


def test_too_many_rows_are_refused_as_soon_as_that_is_known() -> None:
    """By the first page's total, with both numbers; by the rows where there is no total."""
    upstream = Upstream(ShiftingList(range(1, 1001)))
    with pytest.raises(InvalidParameters, match="has 1000 rows, and 999 are allowed"):
        read(upstream.fetch, most_rows=999)
    assert len(upstream.asked) == 1
    untold = Upstream(ShiftingList(range(1, 1001), says_total=False))
    with pytest.raises(InvalidParameters, match="and 500 are allowed"):
        read(untold.fetch, most_rows=500)
    assert len(untold.asked) < 8
    assert read(upstream.fetch, most_rows=1000)[0].rows == 1000


def test_the_deadline_ends_it() -> None:
    """The error says how many campaigns had been read."""
    clock = FakeClock()

    def before(_: int) -> None:
        clock.advance(1.0)

    limits = Limits(10**6, Deadline.after(5.5, clock), 1, 8.0)
    with pytest.raises(UpstreamTimeout, match="rows of 3000 had come"):
        ResultReader(Upstream(ShiftingList(range(1, 3001)), before).fetch, clock.advance).read(
            QUERY, lambda _: None, limits
        )


def test_who_cannot_take_the_rows_ends_it() -> None:
    """What it raises comes out, and it is called no more."""
    taken = []

    def take(rows: list[Campaign]) -> None:
        taken.append(rows)
        raise OSError("No space left on device")

    limits = Limits(10**6, Deadline.after(60.0), 4, 8.0)
    with pytest.raises(OSError, match="No space left"):
        ResultReader(Upstream(ShiftingList(range(1, 3001))).fetch, FakeClock().advance).read(QUERY, take, limits)
    assert len(taken) == 1


def test_progress_is_told() -> None:
    """Rows so far, and of how many, up to the last."""
    told: list[tuple[int, int | None]] = []
    limits = Limits(10**6, Deadline.after(60.0), 4, 8.0)
    reader = ResultReader(Upstream(ShiftingList(range(1, 301))).fetch, FakeClock().advance)
    reader.read(QUERY, lambda _: None, limits, lambda rows, total: told.append((rows, total)))
    assert told[-1] == (300, 300)
    assert told == sorted(told)
