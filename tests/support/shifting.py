"""A list of campaigns that shifts under its reader, and a reader of it whose reads are taken in any order."""

from collections.abc import Callable, Iterable

from gateway.model import Campaign, CampaignPage, CampaignStatus, DeviceType
from gateway.results.reading import Read, Reading
from gateway.results.windows import Window


def campaign(number: int) -> Campaign:
    """Return a campaign of this id."""
    return Campaign(
        number, f"Campaign {number}", CampaignStatus.RUNNING, DeviceType.PREDICTIVE, None, None, f"{number:06}"
    )


class ShiftingList:
    """Campaigns in an order that does not change; each may vanish and come back to its place, and new ones appear.

    It remembers which were `always` there. With `says_total` false, no total is told.
    """

    def __init__(self, ids: Iterable[int], *, says_total: bool = True) -> None:
        self.ids = list(ids)
        self.always = set(self.ids)
        self.ever = set(self.ids)
        self.says_total = says_total
        self._next = max(self.ids, default=0) + 1
        self._gone: list[tuple[int, int]] = []

    def appear(self, place: int) -> None:
        """Have a new one at this place, or at the end if there are fewer."""
        self.ids.insert(place, self._next)
        self.ever.add(self._next)
        self._next += 1

    def vanish(self, place: int) -> None:
        """Have the one at this place vanish, if there is any."""
        if self.ids:
            number = self.ids.pop(place % len(self.ids))
            self.always.discard(number)

    def page(self, window: Window) -> CampaignPage:
        """Return what CC-iSales answers now."""
        rows = tuple(campaign(number) for number in self.ids[window.start : window.end])
        total = len(self.ids) if self.says_total else None
        return CampaignPage(rows, window.page, window.size, total, 0, 0)


def read_whole(
    reading: Reading,
    page: Callable[[Window], CampaignPage],
    *,
    at_once: int = 1,
    choose: Callable[[int], int] = lambda _: 0,
    between: Callable[[], object] = lambda: None,
) -> list[Campaign]:
    """Read to the end with `at_once` reads under way; raises NeverStillError.

    `choose` says which of so many reads under way is answered next: it is taken from the list just then. `between` is
    done after each.
    """
    rows: list[Campaign] = []
    under_way: list[Read] = []
    while not reading.done:
        while len(under_way) < at_once and (read := reading.next_read()) is not None:
            under_way.append(read)
        assert under_way, "nobody reads, and it is not done"
        read = under_way.pop(choose(len(under_way)))
        rows += reading.arrived(read, page(read.window))
        between()
    return rows
