"""Whole results for clients: read once, kept for a while, never too many at a time."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.errors import InternalError, NotCached, UpstreamFailed
from gateway.model import NO_DIRECTIVES, Campaign, CampaignPage, CampaignQuery, Deadline, FetchPage, RequestDirectives
from gateway.pages.purge_marks import PurgeMarks
from gateway.results.exports import MOST_KEPT, ExportPolicy, Exports
from gateway.results.reader import ResultReader
from gateway.results.spool import Spool, Spooling
from gateway.results.windows import Window
from tests.support.clock import FakeClock
from tests.support.shifting import ShiftingList

QUERY = CampaignQuery(1)


def fetch_of(shifting: ShiftingList) -> FetchPage:
    """Return what fetches the pages of a list."""
    return lambda query, _: shifting.page(Window(query.page, query.page_size))


def encode(rows: list[Campaign]) -> bytes:
    """Return the ids, one a line."""
    return "".join(f"{row.id}\n" for row in rows).encode()


class Marks:
    """What was purged, by this clock."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._marks = PurgeMarks()

    def purge(self, vdn: int | None) -> None:
        """Purge what there is of a VDN, or of all."""
        self._marks.note(vdn, self._clock(), hard=False)

    def beginning(self) -> float:
        """Return when what is read now begins."""
        return self._marks.beginning(self._clock())

    def is_purged(self, vdn: int, began_at: float) -> bool:
        """Tell whether what began then was purged."""
        return self._marks.is_stale(vdn, began_at)


def exports(
    clock: FakeClock,
    fetch: FetchPage,
    spooling: Spooling | None = None,
    keep_s: float = 60.0,
    marks: Marks | None = None,
) -> Exports:
    """Return exports of what `fetch` fetches."""
    policy = ExportPolicy(keep_s, 300.0, 10**6, 4, 8.0)
    reader = ResultReader(fetch, clock.advance)
    return Exports(
        reader, spooling or Spooling(), lambda query: query.name, marks or Marks(clock), encode, policy, clock
    )


def read(made: Exports, clock: FakeClock, query: CampaignQuery = QUERY, client: str = "web") -> bytes:
    """Have a result read; return its rows."""
    result = made.read(client, query, NO_DIRECTIVES, Deadline.after(300.0, clock))
    return b"".join(result.rows.read(0, result.rows.size))


def test_a_result_is_kept_until_its_time_is_over() -> None:
    """For whoever asks, unless they want a younger one."""
    clock = FakeClock()
    made = exports(clock, fetch_of(ShiftingList(range(1, 251))))
    assert made.kept(QUERY, NO_DIRECTIVES) is None
    assert read(made, clock) == "".join(f"{number}\n" for number in range(1, 251)).encode()
    clock.advance(59)
    kept = made.kept(QUERY, NO_DIRECTIVES)
    assert kept is not None
    assert kept.whole.rows == 250
    assert made.kept(QUERY, RequestDirectives(max_age_s=58)) is None
    assert made.kept(QUERY, RequestDirectives(max_age_s=59)) is kept
    clock.advance(1)
    assert made.kept(QUERY, NO_DIRECTIVES) is None


@pytest.mark.parametrize("vdn", [1, None])
def test_what_was_purged_is_kept_no_longer(vdn: int | None) -> None:
    """Also where the purge came while it was read; a purge of another VDN is none of its business."""
    clock = FakeClock()
    marks = Marks(clock)
    source = fetch_of(ShiftingList(range(1, 51)))
    purge_meanwhile = [False]

    def fetch(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        if purge_meanwhile[0]:
            clock.advance(0.001)
            marks.purge(vdn)
        return source(query, deadline)

    made = exports(clock, fetch, marks=marks)
    read(made, clock)
    marks.purge(2)
    assert made.kept(QUERY, NO_DIRECTIVES) is not None
    marks.purge(vdn)
    assert made.kept(QUERY, NO_DIRECTIVES) is None
    read(made, clock)
    assert made.kept(QUERY, NO_DIRECTIVES) is not None
    purge_meanwhile[0] = True
    read(made, clock)
    assert made.kept(QUERY, NO_DIRECTIVES) is None


def test_what_is_not_to_be_kept_is_not() -> None:
    """With `keep_s` 0 each caller has its own; and of many only the latest are kept."""
    clock = FakeClock()
    none = exports(clock, fetch_of(ShiftingList(range(1, 51))), keep_s=0.0)
    read(none, clock)
    assert none.kept(QUERY, NO_DIRECTIVES) is None
    many = exports(clock, fetch_of(ShiftingList(range(1, 51))))
    queries = [CampaignQuery(1, name=str(number)) for number in range(MOST_KEPT + 1)]
    for query in queries:
        read(many, clock, query)
    assert [many.kept(query, NO_DIRECTIVES) is not None for query in queries] == [False] + [True] * MOST_KEPT


def test_only_what_is_cached_is_read_for_nobody() -> None:
    """Who says so gets a problem, and CC-iSales is not asked."""
    clock = FakeClock()
    made = exports(clock, fetch_of(ShiftingList([])))
    with pytest.raises(NotCached):
        made.read("web", QUERY, RequestDirectives(only_if_cached=True), Deadline.after(1.0, clock))


def test_after_a_failure_the_client_may_read_again() -> None:
    """Its turn is over, and nothing of the result is kept."""
    clock = FakeClock()
    failing = [True]

    def fetch(query: CampaignQuery, deadline: Deadline) -> CampaignPage:
        if failing[0]:
            raise UpstreamFailed("x")
        return fetch_of(ShiftingList(range(1, 11)))(query, deadline)

    made = exports(clock, fetch)
    for _ in range(3):
        with pytest.raises(UpstreamFailed):
            read(made, clock)
    failing[0] = False
    assert read(made, clock).endswith(b"10\n")


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    """As a problem that says what the disk said, and in the log where that was."""
    clock = FakeClock()
    folder = str(tmp_path / "gone")
    made = exports(clock, fetch_of(ShiftingList(range(1, 251))), Spooling(folder, most_each=100))
    with capture_logs() as events, pytest.raises(InternalError, match="kept on disk: No such file") as problem:
        read(made, clock)
    assert problem.value.foreseen
    assert problem.value.retry_after_s == 60
    assert [(event["event"], event["folder"]) for event in events] == [("export_spool", folder)]
    assert made.kept(QUERY, NO_DIRECTIVES) is None


def test_another_form_is_made_once() -> None:
    """Whoever asks first has it made; a disk that takes nothing is told there too."""
    clock = FakeClock()
    spooling = Spooling()
    made = exports(clock, fetch_of(ShiftingList(range(1, 11))), spooling)
    result = made.read("web", QUERY, NO_DIRECTIVES, Deadline.after(300.0, clock))
    times = []

    def upper(rows: Spool, target: Spool) -> None:
        times.append(rows.size)
        target.write(b"made")

    assert result.form("upper", spooling, upper) is result.form("upper", spooling, upper)
    assert len(times) == 1

    def full(_rows: Spool, _target: Spool) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(InternalError, match="No space left on device"):
        result.form("full", spooling, full)
    assert result.form("full", spooling, upper).size == 4
