"""The ladder as a law: whatever happens in whatever order, the cache does what a model of it says."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from gateway.errors import GatewayError, UpstreamFailed, UpstreamRejectedParameters
from gateway.model import CacheOutcome, ServedPage
from gateway.pages.failures import PAUSE_S
from gateway.pages.freshness import Lifetimes, Rung
from tests.support.campaigns import page_of
from tests.support.page_cache import House

LIFETIMES = st.builds(Lifetimes, st.integers(0, 20), st.integers(0, 40), st.integers(0, 80))


class Ladder(RuleBasedStateMachine):
    """A cache with a clock and an upstream, beside a model: the version kept, its time, and the last failure's."""

    @initialize(lifetimes=LIFETIMES)
    def build(self, lifetimes: Lifetimes) -> None:
        """Make the cache."""
        self.house = House(lifetimes=lifetimes)
        self.lifetimes = lifetimes
        self.upstream: type[GatewayError] | None = None
        self.version = 1
        self.kept: tuple[int, float] | None = None
        self.failed_at: float | None = None
        self.fetches = 0

    @rule(seconds=st.sampled_from([0.5, 1, 2, 3, 7, 19, 41]))
    def time_passes(self, seconds: float) -> None:
        """Move the clock."""
        self.house.clock.advance(seconds)

    @rule(upstream=st.sampled_from([None, UpstreamFailed, UpstreamRejectedParameters]))
    def upstream_changes(self, upstream: type[GatewayError] | None) -> None:
        """Let the upstream work, fail, or refuse the question."""
        self.upstream = upstream

    @rule()
    def upstream_has_news(self) -> None:
        """Let the upstream have another page from now on."""
        self.version += 1

    @rule()
    def purge(self) -> None:
        """Forget everything."""
        self.house.cache.purge(None)
        self.kept = None

    @rule()
    def ask(self) -> None:
        """Ask, and compare with the model."""
        now = self.house.clock()
        rung = Rung.EXPIRED if self.kept is None else self.lifetimes.rung(now - self.kept[1])
        spared = self.failed_at is not None and now < self.failed_at + PAUSE_S
        before = self.kept
        self.house.answer = self.upstream("x") if self.upstream else page_of(self.version)
        got: ServedPage | GatewayError
        try:
            got = self.house.ask()
        except GatewayError as error:
            got = error
        if rung is Rung.FRESH:
            self.expect(got, CacheOutcome.HIT, before)
        elif rung is not Rung.EXPIRED and spared:
            self.expect(got, CacheOutcome.STALE, before)
        elif rung is Rung.STALE_WHILE_REVALIDATE:
            self.expect(got, CacheOutcome.STALE, before)
            self.fetch(now)
        else:
            self.fetch(now)
            if self.upstream is None:
                self.expect(got, CacheOutcome.MISS, (self.version, now))
            elif self.upstream is UpstreamFailed and rung is Rung.STALE_IF_ERROR:
                self.expect(got, CacheOutcome.STALE, before)
            else:
                assert type(got) is self.upstream
        assert len(self.house.fetched) == self.fetches

    def fetch(self, now: float) -> None:
        """Do to the model what a fetch does."""
        self.fetches += 1
        if self.upstream is None:
            self.kept = (self.version, now) if self.lifetimes.keep_s > 0 else None
            self.failed_at = None
        elif self.upstream is UpstreamFailed:
            self.failed_at = now
        else:
            self.kept = None

    def expect(self, got: ServedPage | GatewayError, outcome: CacheOutcome, page: tuple[int, float] | None) -> None:
        """Compare what was served."""
        assert isinstance(got, ServedPage), got
        assert page is not None
        age = self.house.clock() - page[1]
        assert (got.outcome, got.page, got.age_s) == (outcome, page_of(page[0]), age)
        assert (got.fresh_for_s > 0) == (
            outcome in {CacheOutcome.HIT, CacheOutcome.MISS}
        ) or self.lifetimes.fresh_s == 0
        assert (got.detail == "") == (outcome is not CacheOutcome.STALE)


TestLadder = Ladder.TestCase
TestLadder.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
