"""What is done about one question: the promise of the page cache, as one pure function of what is known.

    page at hand                  nothing is wrong             CC-iSales has just failed      it is slow
    ----------------------------  ---------------------------  -----------------------------  ---------------------
    fresh                         serve                        serve                          serve
    fresh, past refresh-ahead     serve, refresh behind        serve; probe once the pause    serve
                                                               after the failure is over
    stale-while-revalidate        serve, refresh behind        serve, say what failed; probe  serve
    stale-if-error, purged, or    wait for a newer one for at  serve, say what failed; probe  serve, say that it is
    older than the caller wants   most `stale_if_slow_s`                                      slow
    none, expired, or past what   fetch                        fetch                          fetch
    the caller takes in trouble

- Who can have a page waits for CC-iSales no longer than `stale_if_slow_s`, counted from when it came, or the fetch
  began if that was before, and not at all while it is known to fail.
- `max-age` and `no-cache` of the caller say how old a page may be while all is well, `stale-if-error` how far past its
  freshness in trouble. `only-if-cached` fetches nothing. No page is fetched at a caller's wish while it is younger than
  `min_refresh_s`.
- A refusal is for those for whom there is no page: none is cached, the fetch failed, or their time is over.

RFC 9111 (sections 4.2 and 5.2.1) and RFC 5861 are where the words come from. Nothing here knows a clock, a thread or a
tier: ages and spans come in, in seconds.
"""

from dataclasses import dataclass
from enum import Enum
from math import inf

from gateway.model import (
    NO_DIRECTIVES,
    STALE_IF_ERROR,
    STALE_IF_SLOW,
    STALE_WHILE_REVALIDATE,
    RequestDirectives,
)
from gateway.pages.freshness import Lifetimes, Rung


@dataclass(frozen=True, slots=True)
class AtHand:
    """The page at hand: how old it is, how good when, and whether it was purged since it was fetched.

    `refresh_at_s` is the age from which it is refreshed ahead.
    """

    age_s: float
    lifetimes: Lifetimes
    refresh_at_s: float
    purged: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the page that is asked for.

    `failing` names the problem that fetching it ended in lately, empty for none, and `retry_in_s` is what is left of
    the pause after it. `fetching_for_s` tells for how long a fetch has been under way, `None` for none.
    """

    page: AtHand | None
    failing: str = ""
    retry_in_s: float = 0.0
    fetching_for_s: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller asks for, and what it has been through.

    `since_s` ago it came, and it has `patience_s` left. `failed` names the problem that the fetch ended in that it
    waited for, and `waited` tells that it waited beside a page for as long as anybody is to.
    """

    directives: RequestDirectives = NO_DIRECTIVES
    since_s: float = 0.0
    patience_s: float = inf
    failed: str = ""
    waited: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that decide: `cache.stale_if_slow_s` and `cache.min_refresh_s`, seconds."""

    stale_if_slow_s: float
    min_refresh_s: float


@dataclass(frozen=True, slots=True)
class Serve:
    """Serve the page at hand; `detail` says why although it is not what was asked for, empty for a fresh one."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class ServeAndRefresh:
    """The same, and have a newer one fetched behind."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class WaitThenServe:
    """Have a newer page fetched behind and wait for it for so many seconds, then decide again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch a page, or wait for who does, for so many seconds, then decide again."""

    seconds: float


class Refuse(Enum):
    """There is no page for this caller: none is cached and it wants no other, its fetch failed, its time is over."""

    NOT_CACHED = "not cached"
    FAILED = "failed"
    TOO_LATE = "too late"


Step = Serve | ServeAndRefresh | WaitThenServe | Fetch | Refuse


def decide(known: Known, asked: Asked, policy: Policy) -> Step:
    """Return what is to be done for a caller who asks so, when this is known. The table above is this function."""
    page = known.page
    if page is None or page.lifetimes.rung(page.age_s, purged=page.purged) is Rung.EXPIRED:
        page = None
    wanted = page is not None and _is_wanted(page, asked, policy)
    if asked.directives.only_if_cached:
        return _cached_only(page, wanted=wanted)
    quiet = known.fetching_for_s is None and known.retry_in_s <= 0
    if page is not None and wanted:
        rung = page.lifetimes.rung(page.age_s)
        if rung is Rung.FRESH:
            return ServeAndRefresh() if quiet and page.age_s >= page.refresh_at_s else Serve()
        if rung is Rung.STALE_WHILE_REVALIDATE and not known.failing and not asked.failed:
            return ServeAndRefresh(STALE_WHILE_REVALIDATE) if quiet else Serve(STALE_WHILE_REVALIDATE)
    if page is not None and _is_good_in_trouble(page, asked):
        return _beside(known, asked, policy, quiet=quiet)
    if asked.failed:
        return Refuse.FAILED
    return Fetch(asked.patience_s) if asked.patience_s > 0 else Refuse.TOO_LATE


def _beside(known: Known, asked: Asked, policy: Policy, *, quiet: bool) -> Step:
    """Decide for a caller who can have a page, but should get a newer one."""
    if asked.failed:
        return Serve(asked.failed)
    if known.failing:
        return ServeAndRefresh(known.failing) if quiet else Serve(known.failing)
    # A caller whose fetch ended in a page that was purged meanwhile comes here again.
    left_s = min(policy.stale_if_slow_s - max(known.fetching_for_s or 0.0, asked.since_s), asked.patience_s)
    if left_s > 0 and not asked.waited:
        return WaitThenServe(left_s)
    return Serve(STALE_IF_SLOW) if known.fetching_for_s is not None else ServeAndRefresh(STALE_IF_SLOW)


def _cached_only(page: AtHand | None, *, wanted: bool) -> Step:
    if page is None or not wanted:
        return Refuse.NOT_CACHED
    if page.purged:
        return Serve(STALE_IF_ERROR)
    rung = page.lifetimes.rung(page.age_s)
    return Serve() if rung is Rung.FRESH else Serve(str(rung))


def _is_wanted(page: AtHand, asked: Asked, policy: Policy) -> bool:
    """Tell whether the caller would take the page while all is well, but for its rung."""
    directives = asked.directives
    if page.purged and not directives.only_if_cached:
        return False
    if directives.max_age_s is None:
        return True
    # A page that came since the caller did was fetched for it, or for somebody who was before it.
    return page.age_s <= max(directives.max_age_s, asked.since_s) or page.age_s < policy.min_refresh_s


def _is_good_in_trouble(page: AtHand, asked: Asked) -> bool:
    most_s = asked.directives.stale_if_error_s
    if most_s is None:
        return True
    stale_s = page.age_s - page.lifetimes.fresh_s
    return stale_s <= most_s and not (page.purged and most_s == 0)
