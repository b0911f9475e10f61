"""How many campaigns there are, by status and by device type: the totals of pages of one row, which cost little."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from gateway.model import (
    CampaignPage,
    CampaignQuery,
    CampaignStatus,
    Deadline,
    DeviceType,
    RequestDirectives,
    ServedPage,
    ServePage,
)
from gateway.results.parallel import in_parallel

STATUSES: Final = (CampaignStatus.RUNNING, CampaignStatus.PAUSED, CampaignStatus.COMPLETED)
"""CC-iSales cannot be asked for drafts: they are among the others, which are what is left of the total."""

DEVICE_TYPES: Final = tuple(device_type for device_type in DeviceType if device_type is not DeviceType.UNKNOWN)
OTHER: Final = "other"

Counted = dict[str, int | None]
"""A count by the word of its filter; `None` where CC-iSales did not say."""

Parts = tuple[ServedPage, ...]
"""The pages that counts are taken from, in the order of `parts`."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one question: each as of the page that it comes from, so they may be some seconds apart."""

    total: int | None
    by_status: Counted
    by_device_type: Counted
    skill_queue_total: int | None
    ivr_total: int | None


def parts(query: CampaignQuery) -> tuple[CampaignQuery, ...]:
    """Return the questions whose totals are the counts of `query`, which has neither status nor device type.

    The first is for all, then comes one for each of `STATUSES` and one for each of `DEVICE_TYPES`.
    """
    every = replace(query, page=1, page_size=1)
    return (
        every,
        *(replace(every, status=status) for status in STATUSES),
        *(replace(every, device_type=device_type) for device_type in DEVICE_TYPES),
    )


def counts_of(pages: Sequence[CampaignPage]) -> Counts:
    """Return the counts that `pages` tell, which answer `parts` in that order."""
    first = pages[0]
    totals = iter([page.total_items for page in pages[1:]])
    by_status = _counted(first.total_items, STATUSES, totals)
    by_device_type = _counted(first.total_items, DEVICE_TYPES, totals)
    return Counts(first.total_items, by_status, by_device_type, first.skill_queue_total, first.ivr_total)


class CountedPages:
    """Takes the pages of `parts` from the page cache: those that are not at hand all at once."""

    def __init__(
        self, fresh: Callable[[CampaignQuery, RequestDirectives], ServedPage | None], serve: ServePage
    ) -> None:
        self._fresh = fresh
        self._serve = serve

    def at_hand(self, query: CampaignQuery, directives: RequestDirectives) -> Parts | None:
        """Return the pages if all are at hand, fresh and will do; nothing is fetched or refreshed for it."""
        found = [self._fresh(part, directives) for part in parts(query)]
        pages = tuple(page for page in found if page is not None)
        return pages if len(pages) == len(found) else None

    def gather(self, query: CampaignQuery, deadline: Deadline, directives: RequestDirectives) -> Parts:
        """Return the pages, as good as each can be had by `deadline`; raises the first leaf of `gateway.errors`."""
        pages: dict[int, ServedPage] = {}
        missing: dict[int, Callable[[], ServedPage]] = {}
        for position, part in enumerate(parts(query)):
            # Each waits for itself, so each has an urgency of its own.
            own = Deadline(deadline.expires_at, deadline.clock, deadline.shortened)
            if self._fresh(part, directives) is None:
                missing[position] = partial(self._serve, part, own, directives)
            else:
                # It costs less than a thread, and who takes it from there has it refreshed ahead.
                pages[position] = self._serve(part, own, directives)
        if missing:
            brought = in_parallel(list(missing.values()), f"counts-{query.vdn}")
            pages.update(zip(missing, brought, strict=True))
        return tuple(pages[position] for position in sorted(pages))


def _counted(total: int | None, words: Sequence[str], totals: Iterator[int | None]) -> Counted:
    counted = {str(word): next(totals) for word in words}
    known = [count for count in counted.values() if count is not None]
    whole = total is not None and len(known) == len(counted)
    # They may be of different moments, between which a campaign has moved from one to the other.
    return {**counted, OTHER: max(0, total - sum(known)) if whole and total is not None else None}
