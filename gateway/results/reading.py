"""How a whole result is read from pages that shift meanwhile: what to ask for next, and what is certain. No I/O.

Campaigns appear, end and change status while pages are read, so a row moves from a page that is still to be read to one
that was read already, and is lost; or the other way, and comes twice. Totals do not show it where as many went as came.

So windows overlap. A window that has a row in common with the one before shows all that lies between that row and its
own end, whenever either was read and whatever has shifted since: nothing that was there all the time is missing. A
window without a common row, but for the first of the list, leaves a gap, across which others are read until there is
none, three times at most without coming any farther. A page whose rows are not as many as its own total says is read
again, three times at most too.

What this rests on: a page is a stretch of the list as it was at one moment, and rows do not overtake each other. That
is so for an order by id or by time of creation, as in the vendor's sample.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from gateway.model import Campaign, CampaignPage
from gateway.results.windows import FIRST, LARGEST, Window, window_after, window_around

TRIES: Final = 3
AHEAD: Final = 40
"""Windows that are asked for before the ones in front have come, and so rows that have to be held."""


class NeverStillError(Exception):
    """The result has shifted too often or too far to be read; says after how many rows, of which total.

    `torn` is the read whose rows were never as many as its total says, where that is why; `unusable` how many rows
    without a usable id one page had: they are in common with no other.
    """

    def __init__(self, rows: int, total: int | None, *, torn: "Read | None" = None, unusable: int = 0) -> None:
        super().__init__(rows, total)
        self.rows = rows
        self.total = total
        self.torn = torn
        self.unusable = unusable


@dataclass(slots=True, eq=False)
class Read:
    """One page that is to be read: which, and what came of it. `order` counts those that were asked for."""

    window: Window
    order: int
    tries: int = 1
    page: CampaignPage | None = None

    @property
    def count(self) -> int:
        """How many rows CC-iSales sent, with those that cannot be used."""
        return 0 if self.page is None else len(self.page.campaigns) + self.page.left_out

    @property
    def total(self) -> int | None:
        """How many rows there were then; `None` when CC-iSales does not say."""
        return None if self.page is None else self.page.total_items

    @property
    def is_torn(self) -> bool:
        """Whether its rows are not as many as its own total says."""
        return self.total is not None and self.count != self.expected

    @property
    def expected(self) -> int:
        """How many rows its own total says."""
        return min(self.window.size, max(0, (self.total or 0) - self.window.start))

    @property
    def is_last(self) -> bool:
        """Whether there was nothing behind it."""
        if self.total is None:
            return self.count < self.window.size
        return self.window.start + self.count >= self.total


class Reading:
    """One result being read. `next_read` says what to ask CC-iSales for, `arrived` takes what came.

    It may be asked for several reads before any has arrived, and they may arrive in any order.
    """

    def __init__(self) -> None:
        self._asked = 0
        self._latest = 0
        self._planned_end = 0
        self._planned_from: Read | None = None
        self._ahead: deque[Read] = deque()
        self._again: list[Read] = []
        self._bridge: Read | None = None
        self._gap_tries = 0
        self._edge: Read | None = None
        self._edge_ids: frozenset[int] = frozenset()
        self._seen: set[int] = set()
        self._unusable = 0
        self.total: int | None = None
        """How many rows there are by the latest page, `None` when CC-iSales does not say."""
        self.left_out = 0
        """Rows that CC-iSales sent without an id that can be used, in the pages that the result is made of."""
        self.reads = 0
        """How many pages have arrived."""
        self.done = False
        """Whether the result is whole."""

    @property
    def rows(self) -> int:
        """How many rows there are so far."""
        return len(self._seen)

    def next_read(self) -> Read | None:
        """Return the next read to begin, `None` where there is none before another one has arrived."""
        if self.done or self._again:
            return self._again.pop() if self._again else None
        if self._edge is None:
            return None if self._asked else self._plan(FIRST)
        if not self._ahead and self._bridge is None:
            # Nothing is under way and yet the end has not come: on from where the edge is now.
            if self._planned_from is self._edge:
                self._count_try()
            self._planned_from = self._edge
            self._planned_end = self._edge_now(self._edge)
        elif not self._may_look_ahead():
            return None
        return self._plan(window_after(self._planned_end))

    def _may_look_ahead(self) -> bool:
        """Return whether to ask for what follows all that was asked for; not while a bridge is built a second time."""
        more = self.total is not None and self._planned_end < self.total
        return more and 0 < len(self._ahead) < AHEAD and self._gap_tries <= 1

    def arrived(self, read: Read, page: CampaignPage) -> list[Campaign]:
        """Take the page of a read; return the rows that follow those returned before. Raises NeverStillError."""
        read.page = page
        self.reads += 1
        self._unusable = max(self._unusable, page.left_out)
        if read.order > self._latest:
            self._latest, self.total = read.order, page.total_items
        if self.done or (read is not self._bridge and read not in self._ahead):
            return []
        if read.is_torn:
            if read.tries >= TRIES:
                raise NeverStillError(self.rows, self.total, torn=read)
            self._read_again(read)
            return []
        rows: list[Campaign] = []
        if read is self._bridge:
            self._bridge = None
            self._link(read, rows)
        self._advance(rows)
        return rows

    def _plan(self, window: Window) -> Read:
        read = self._new(window)
        self._ahead.append(read)
        self._planned_end = window.end
        return read

    def _new(self, window: Window) -> Read:
        self._asked += 1
        return Read(window, self._asked)

    def _read_again(self, read: Read) -> None:
        self._asked += 1
        read.page, read.order, read.tries = None, self._asked, read.tries + 1
        self._again.append(read)

    def _advance(self, rows: list[Campaign]) -> None:
        """Take all windows that follow what is there already, and find out what to do about the first that does not."""
        while not self.done and self._bridge is None and self._ahead and self._ahead[0].page is not None:
            read = self._ahead[0]
            if not (self._link(read, rows) or self._is_behind(read)):
                self._build_bridge()
            elif self._ahead:
                self._ahead.popleft()

    def _link(self, read: Read, rows: list[Campaign]) -> bool:
        """Add what is new of a window that follows the edge; return whether it does.

        It does where it has a row in common with it, and where nothing is in front of it: all that was has vanished.
        """
        assert read.page is not None  # noqa: S101 -- it has arrived
        ids = frozenset(campaign.id for campaign in read.page.campaigns)
        if self._edge_ids.isdisjoint(ids) and (read.window.start > 0 or (ids and self._is_behind(read))):
            return False
        for campaign in read.page.campaigns:
            if campaign.id not in self._seen:
                self._seen.add(campaign.id)
                rows.append(campaign)
        if not read.page.campaigns or read.page.campaigns[-1].id not in self._edge_ids:
            self._edge, self._edge_ids, self._gap_tries = read, ids, 0
            self.left_out += read.page.left_out
            self._end_if(read)
        elif read.is_last:
            self._end_if(read)
        return True

    def _end_if(self, read: Read) -> None:
        if read.is_last:
            self.done = True
            self._ahead.clear()
            self._again.clear()

    def _is_behind(self, read: Read) -> bool:
        """Return whether a window shows nothing but rows that are there already: much has appeared in front of it."""
        assert read.page is not None  # noqa: S101 -- it has arrived
        return bool(read.page.campaigns) and all(campaign.id in self._seen for campaign in read.page.campaigns)

    def _build_bridge(self) -> None:
        """Have a window read that shows where the edge is now, with what follows; if that is far, all that follows."""
        assert self._edge is not None  # noqa: S101 -- there is a gap behind it
        if abs(self._shift(self._edge)) >= LARGEST:
            self._ahead.clear()
            self._again.clear()
        self._count_try()
        self._bridge = self._new(window_around(self._edge_now(self._edge)))
        self._again.append(self._bridge)

    def _count_try(self) -> None:
        self._gap_tries += 1
        if self._gap_tries > TRIES:
            raise NeverStillError(self.rows, self.total, unusable=self._unusable)

    def _edge_now(self, edge: Read) -> int:
        """Return where the row behind the edge is most likely now, by what has become of the total since it was read.

        Mostly all that has come or gone did so in front: new campaigns are first, or what is over is. But it may have
        done so at the end, so every other try looks where it was.
        """
        return max(1, edge.window.start + edge.count + (self._shift(edge) if self._gap_tries % 2 else 0))

    def _shift(self, edge: Read) -> int:
        return self.total - edge.total if self.total is not None and edge.total is not None else 0
