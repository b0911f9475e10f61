"""The ladder as a law: whatever happens in whatever order, the cache does what a model of it says."""

from datetime import UTC, datetime
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from gateway.errors import GatewayError, NotCached, UpstreamFailed, UpstreamOverloaded, UpstreamRejectedParameters
from gateway.model import (
    NO_DIRECTIVES,
    Campaign,
    CampaignPage,
    CampaignStatus,
    DeviceType,
    RequestDirectives,
    ServedPage,
)
from gateway.pages.failures import LONGEST_PAUSE_S
from gateway.pages.freshness import Lifetimes, Rung
from tests.support.page_cache import QUERY, House

LIFETIMES = st.builds(Lifetimes, st.integers(0, 20), st.integers(0, 40), st.integers(0, 80))
WISHES = st.builds(
    RequestDirectives,
    st.none() | st.sampled_from([0, 3, 15]),
    st.none() | st.sampled_from([0, 5, 30]),
    st.booleans(),
)
MIN_REFRESH_S = 1.0
FAILURES: list[GatewayError | None] = [
    None,
    UpstreamFailed("x"),
    UpstreamOverloaded("x", sent=False),
    UpstreamRejectedParameters("x"),
]


class Kept(NamedTuple):
    """What the model keeps: the version of the page, since when, whether it is of what is over, and was purged."""

    version: int
    since: float
    over: bool
    purged: bool = False


class Ladder(RuleBasedStateMachine):
    """A cache with a clock and an upstream, beside a model: the page kept, and the last failure with its pause."""

    @initialize(lifetimes=LIFETIMES, ahead=st.sampled_from([0.25, 0.5, 1.0]))
    def build(self, lifetimes: Lifetimes, ahead: float) -> None:
        """Make the cache."""
        self.house = House(lifetimes=lifetimes, min_refresh_s=MIN_REFRESH_S, refresh_ahead=ahead)
        self.usual, self.ahead = lifetimes, ahead
        self.failure: GatewayError | None = None
        self.over = False
        self.version = self.shown = 1
        self.kept: Kept | None = None
        self.failed: str = ""
        self.failed_at = self.pause_s = 0.0
        self.fetches = 0

    @rule(seconds=st.sampled_from([0.5, 1, 2, 3, 7, 19, 41, 100]))
    def time_passes(self, seconds: float) -> None:
        """Move the clock."""
        self.house.clock.advance(seconds)

    @rule(failure=st.sampled_from(FAILURES))
    def upstream_changes(self, failure: GatewayError | None) -> None:
        """Let the upstream work, fail, not be asked, or refuse the question."""
        self.failure = failure

    @rule(over=st.booleans())
    def upstream_has_news(self, over: bool) -> None:  # noqa: FBT001 -- hypothesis passes it
        """Let the upstream have another page from now on, of campaigns that are over or not."""
        self.version += 1
        self.over = over

    @rule(hard=st.booleans(), vdn=st.sampled_from([None, 1, 2]))
    def purge(self, hard: bool, vdn: int | None) -> None:  # noqa: FBT001 -- hypothesis passes it
        """End the freshness of what there is, or forget it; what is fetched from now on is another matter."""
        concerned = self.kept is not None and vdn != 2
        count = self.house.cache.purge(vdn, hard=hard)
        # A page that has expired may be held for a moment more.
        assert count in ({0, 1} if self.rung() is Rung.EXPIRED else {int(concerned)})
        if self.kept is not None and concerned:
            self.kept = None if hard else self.kept._replace(purged=True)
        self.house.clock.advance(0.001)

    @rule(wish=st.just(NO_DIRECTIVES) | WISHES)
    def ask(self, wish: RequestDirectives) -> None:
        """Ask, and compare with the model."""
        self.house.answer = self.page(self.version, over=self.over) if self.failure is None else self.failure
        got: ServedPage | GatewayError
        try:
            got = self.house.ask(QUERY, wish)
        except GatewayError as error:
            got = error
        self.expect(got, wish)
        assert len(self.house.fetched) == self.fetches
        if isinstance(got, ServedPage):
            # The number of the campaign is the version: a caller never sees time go back.
            assert got.page.campaigns[0].id >= self.shown
            self.shown = got.page.campaigns[0].id

    def expect(self, got: ServedPage | GatewayError, wish: RequestDirectives) -> None:
        """Tell by the words of the contract what is right."""
        before, rung, failing = self.kept, self.rung(), self.failing()
        age_s = 0.0 if before is None else self.now - before.since
        young = wish.max_age_s is None or age_s <= wish.max_age_s or age_s < MIN_REFRESH_S
        good = before is not None and rung is not Rung.EXPIRED and young and not before.purged
        if wish.only_if_cached:
            if before is not None and rung is not Rung.EXPIRED and young:
                detail = "" if rung is Rung.FRESH else str(rung)
                self.served(got, before, Rung.STALE_IF_ERROR.value if before.purged else detail)
            else:
                assert isinstance(got, NotCached)
        elif before is not None and good and rung is Rung.FRESH:
            self.served(got, before, "")
            if age_s >= self.lifetimes(before).fresh_s * self.ahead and not self.is_paused():
                self.fetch()
        elif before is not None and good and rung is Rung.STALE_WHILE_REVALIDATE and not failing:
            self.served(got, before, str(rung))
            self.fetch()
        elif before is not None and rung is not Rung.EXPIRED and self.is_taken(before, age_s, wish):
            if failing:
                self.served(got, before, failing)
                if not self.is_paused():
                    self.fetch()
            else:
                self.waited(got, before)
        else:
            self.waited(got, None)

    def waited(self, got: ServedPage | GatewayError, beside: Kept | None) -> None:
        """Compare with what a fetch gives to who waits for it, with a page at hand or without."""
        self.fetch()
        if self.failure is None:
            assert isinstance(got, ServedPage)
            assert (got.page, got.age_s, got.tier) == (self.page(self.version, over=self.over), 0.0, "")
        elif beside is not None and not isinstance(self.failure, UpstreamRejectedParameters):
            self.served(got, beside, self.failure.name)
        else:
            assert type(got) is type(self.failure)

    def served(self, got: ServedPage | GatewayError, kept: Kept, detail: str) -> None:
        """Compare what was served with what was kept."""
        assert isinstance(got, ServedPage), got
        assert (got.page, got.age_s, got.detail) == (
            self.page(kept.version, over=kept.over),
            self.now - kept.since,
            detail,
        )
        assert (got.fresh_for_s > 0) == (self.lifetimes(kept).rung(got.age_s) is Rung.FRESH and not kept.purged)

    def fetch(self) -> None:
        """Do to the model what a fetch does."""
        self.fetches += 1
        if self.failure is None:
            kept = Kept(self.version, self.now, self.over)
            self.kept = kept if self.lifetimes(kept).keep_s > 0 else None
            self.failed = ""
        elif isinstance(self.failure, UpstreamRejectedParameters):
            self.kept = None
        else:
            if not self.failing():
                self.pause_s = 2.0
            elif self.failure.sent:
                self.pause_s = min(2 * self.pause_s, 60.0)
            self.failed, self.failed_at = self.failure.name, self.now

    @property
    def now(self) -> float:
        """The second by the clock of the cache."""
        return self.house.clock()

    def rung(self) -> Rung:
        """Return the rung of what is kept, but for purges."""
        if self.kept is None:
            return Rung.EXPIRED
        return self.lifetimes(self.kept).rung(self.now - self.kept.since, purged=self.kept.purged)

    def failing(self) -> str:
        """Return what fetching failed of lately, empty for nothing."""
        return self.failed if self.now - self.failed_at < self.pause_s + LONGEST_PAUSE_S else ""

    def is_paused(self) -> bool:
        """Tell whether the pause after a failure is not over yet."""
        return bool(self.failing()) and self.now < self.failed_at + self.pause_s

    def is_taken(self, kept: Kept, age_s: float, wish: RequestDirectives) -> bool:
        """Tell whether a caller takes this page in trouble."""
        if wish.stale_if_error_s is None:
            return True
        stale_s = age_s - self.lifetimes(kept).fresh_s
        return stale_s <= wish.stale_if_error_s and not (kept.purged and wish.stale_if_error_s == 0)

    def lifetimes(self, kept: Kept) -> Lifetimes:
        """Return how long a page is good: one of campaigns that are over is so for longer, whoever asked."""
        return Lifetimes(300, 60, 3600) if kept.over else self.usual

    def page(self, version: int, *, over: bool) -> CampaignPage:
        """Return a page with one campaign, of which the number is the version."""
        status = CampaignStatus.COMPLETED if over else CampaignStatus.RUNNING
        ends_at = datetime(2020, 1, 1, tzinfo=UTC) if over else None
        campaign = Campaign(version, None, status, DeviceType.PREVIEW, None, ends_at, None)
        return CampaignPage((campaign,), 1, 10, 1, 1, 0)


TestLadder = Ladder.TestCase
TestLadder.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
