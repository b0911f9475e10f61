"""The words that all parts of the gateway share: queries, campaigns, pages and deadlines.

Standard library only, and nothing of the vendor: what CC-iSales calls things is known in `gateway.isales` alone,
what callers send and get is known in `gateway.api` alone.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple, Protocol


class CampaignStatus(StrEnum):
    """Where a campaign is in its life. `UNKNOWN` stands for a code that the vendor has not documented."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    UNKNOWN = "unknown"


class DeviceType(StrEnum):
    """What places the calls of a campaign. `UNKNOWN` stands for a code that the vendor has not documented."""

    INTELLIGENT_IVR = "intelligent_ivr"
    PREDICTIVE = "predictive"
    AUTOMATIC_IVR = "automatic_ivr"
    PREVIEW = "preview"
    PREEMPTED = "preempted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CampaignQuery:
    """One question about the campaigns of one VDN, complete and valid: no default is left to fill in.

    Two queries are equal exactly when they ask CC-iSales the same thing.

    - `vdn`: 1..9999, `name`: 0..30 characters, empty for all.
    - `status`, `device_type`: `None` for all, never `UNKNOWN` (and never `DRAFT`, which the vendor cannot filter by).
    - `begins_from`, `ends_to`: wall-clock time in the tenant's zone, naive and of whole seconds, because that is
      all that the vendor can be asked; both inclusive.
    - `page` >= 1, `page_size` 1..100, `cc_id` 1..65535 or `None` when it is not to be sent.
    - `locale`: the language of the vendor's descriptions, `None` for the tenant's own. It shows in errors only and
      so does not take part in equality.
    """

    vdn: int
    name: str = ""
    status: CampaignStatus | None = None
    device_type: DeviceType | None = None
    begins_from: datetime | None = None
    ends_to: datetime | None = None
    page: int = 1
    page_size: int = 10
    cc_id: int | None = None
    locale: str | None = field(default=None, compare=False)


class Campaign(NamedTuple):
    """One outbound campaign. Times are aware and in UTC; what the vendor did not say or garbled is `None`.

    There are up to a million of them in an export, and a frozen dataclass takes twice as long to make.
    """

    id: int
    name: str | None
    status: CampaignStatus
    device_type: DeviceType
    begins_at: datetime | None
    ends_at: datetime | None
    caller_number: str | None


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """One page of campaigns with the counts that came with it. A count that the vendor did not give is `None`.

    `left_out` is how many more campaigns the vendor sent that could not be used.
    """

    campaigns: tuple[Campaign, ...]
    number: int
    size: int
    total_items: int | None
    skill_queue_total: int | None
    ivr_total: int | None
    left_out: int = 0

    @property
    def total_pages(self) -> int | None:
        """Number of pages of this size that hold all items: 0 for none, `None` when the total is not known."""
        return None if self.total_items is None else -(-self.total_items // self.size)

    @property
    def paging(self) -> "Paging":
        """Where the page stands among the others."""
        return Paging(self.number, self.total_pages, len(self.campaigns) + self.left_out >= self.size)


class Paging(NamedTuple):
    """Where a page stands: its `number`, of `total_pages` where that is known, and whether it is `full`."""

    number: int
    total_pages: int | None
    full: bool


class Priority(IntEnum):
    """Who goes first where callers wait for CC-iSales: the lower the number, the sooner."""

    INTERACTIVE = 0
    REFRESH = 1
    EXPORT = 2


class Urgency:
    """The priority of one wait, which rises when others come to wait for the same. Safe to use from any thread."""

    def __init__(self, priority: Priority = Priority.INTERACTIVE) -> None:
        self.priority = priority
        self._risen: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def raise_to(self, priority: Priority) -> None:
        """Make it `priority`, unless it is as high already."""
        with self._lock:
            if priority >= self.priority:
                return
            self.priority = priority
            risen = self._risen
        if risen is not None:
            risen()

    def watch(self, risen: Callable[[], None] | None) -> None:
        """Have `risen`, and no other, called whenever it rises, by the thread that raises it; `None`: nobody."""
        with self._lock:
            self._risen = risen


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which one caller is to have an answer, on a monotonic clock (seconds), and how urgent it is.

    `shortened` says that the caller gave less time than callers usually have: it ends its wait, and nobody's fetch.
    """

    expires_at: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False, compare=False)
    shortened: bool = False
    urgency: Urgency = field(default_factory=Urgency, repr=False, compare=False)

    @classmethod
    def after(
        cls,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        priority: Priority = Priority.INTERACTIVE,
        *,
        shortened: bool = False,
    ) -> "Deadline":
        """Return the deadline that lies `seconds` from now on `clock`."""
        return cls(clock() + seconds, clock, shortened, Urgency(priority))

    @property
    def priority(self) -> Priority:
        """Who goes first, as of now."""
        return self.urgency.priority

    def remaining(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self.expires_at - self.clock())

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0.0


FetchPage = Callable[[CampaignQuery, Deadline], CampaignPage]
"""Fetches the page that answers a query, within a deadline, or raises one leaf of `gateway.errors`."""


class OthersHear(StrEnum):
    """How other processes hear of a purge.

    `AT_ONCE`: by a message. `SOON`: within half a second, for they look for it; their messages are refused. `NEVER`:
    each process keeps pages for itself.
    """

    AT_ONCE = "at_once"
    SOON = "soon"
    NEVER = "never"


class CacheOutcome(StrEnum):
    """How the page cache came by a page: it had it, fresh or stale, it fetched it, or somebody else was fetching it."""

    HIT = "hit"
    STALE = "stale"
    MISS = "miss"
    COLLAPSED = "collapsed"

    # That of an enumeration is written in Python, and takes as long as all else about finding it in a dictionary.
    __hash__ = str.__hash__


class Representation(NamedTuple):
    """What is sent: the bytes, their strong entity tag, and the content coding (`gzip`, or `None` for identity)."""

    body: bytes
    etag: str
    content_encoding: str | None = None


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page as it is sent, made once: as it is, and `packed` in gzip where that is worth it."""

    identity: Representation
    packed: Representation | None


FRESH: Final = "fresh"
STALE_WHILE_REVALIDATE: Final = "stale-while-revalidate"
STALE_IF_ERROR: Final = "stale-if-error"
STALE_IF_SLOW: Final = "stale-if-slow"

FORWARD_MISS: Final = "miss"
FORWARD_STALE: Final = "stale"
FORWARD_REQUEST: Final = "request"


class RequestDirectives(NamedTuple):
    """What a caller asks of the cache (RFC 9111, section 5.2.1; RFC 5861, section 4); `None` where it asks nothing.

    `max_age_s`: no page older than that, seconds; `no-cache` is 0, since a page that came after the request will do.
    `stale_if_error_s`: in trouble, no page that has been stale for longer. `only_if_cached`: a page at hand, or none.
    """

    max_age_s: int | None = None
    stale_if_error_s: int | None = None
    only_if_cached: bool = False


NO_DIRECTIVES: Final = RequestDirectives()


class ServedPage(NamedTuple):
    """A page as the cache hands it out.

    `key` is its cache key, `tier` where it was found (`process`, `shared`) and `rung` how good it was there (`fresh` or
    one of the two kinds of stale), both empty when it was fetched. `age_s` is how old it is, `fresh_for_s` how long it
    stays fresh, below 0 when it is stale, and `good_if_error_s` how long past its freshness, or past now, it may be
    shown in trouble: seconds. `as_of` is when CC-iSales answered, in seconds since 1970. `detail` says why it is served
    although it is not what was asked for. Of a page that was fetched, `forward` tells why (`miss`, `stale` or
    `request`, RFC 9211, section 2.2) and `stored` whether it was kept; `waited` that this caller waited for CC-iSales.
    `paging` tells where the page stands, and `load` gives it as an object.
    """

    key: str
    rendered: RenderedPage
    outcome: CacheOutcome
    tier: str
    rung: str
    age_s: float
    fresh_for_s: float
    good_if_error_s: float
    as_of: int
    detail: str
    forward: str
    stored: bool
    waited: bool
    paging: Paging
    load: Callable[[], CampaignPage]

    @property
    def page(self) -> CampaignPage:
        """The page as an object; made anew each time."""
        return self.load()


class ServePage(Protocol):
    """The same from a cache."""

    def __call__(
        self, query: CampaignQuery, deadline: Deadline, directives: RequestDirectives = NO_DIRECTIVES
    ) -> ServedPage:
        """Return the page that answers `query` within `deadline`; raises one leaf of `gateway.errors`."""
        ...
