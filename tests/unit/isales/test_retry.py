from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from gateway.errors import (
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.isales.request import VendorRequest, campaigns_request
from gateway.isales.retry import Retries, with_retries
from gateway.isales.retry_budget import RetryBudget
from gateway.isales.retry_policy import RetryPolicy
from gateway.isales.send import Send, VendorAnswer
from gateway.model import Deadline
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.support.clock import FakeClock
from tests.unit.isales.vendor import QUERY, TENANT, counted

REQUEST = campaigns_request(QUERY, TENANT)
ANSWER = VendorAnswer({})
RESET = UpstreamUnreachable("It broke.", retryable_in_s=0)
DATABASE = UpstreamFailed("The database is away.", retryable_in_s=0)
NO_SLOT = UpstreamOverloaded("No slot.", sent=False)


class Upstream:
    """Ends its calls as the script says and then well; knows how many there were, and when."""

    def __init__(self, clock: FakeClock, *script: UpstreamError) -> None:
        self.at: list[float] = []
        self._clock = clock
        self._script = iter(script)

    def __call__(self, request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        """Make one call."""
        assert replace(request, resends=0) == REQUEST
        self.at.append(self._clock())
        if error := next(self._script, None):
            raise error
        return ANSWER


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that only waiting moves."""
    return FakeClock()


@pytest.fixture
def numbers() -> UpstreamNumbers:
    """Return what counts retries."""
    return UpstreamNumbers()


def retrying(send: Send, clock: FakeClock, numbers: UpstreamNumbers, attempts: int = 2, share: float = 1.0) -> Send:
    """Return `send` with retries whose jitter is always half of its limit."""
    budget = RetryBudget(share, clock)
    return with_retries(
        send, Retries(RetryPolicy(attempts), budget, numbers, clock, clock.advance, lambda: 0.2, lambda: 0.5)
    )


def error_of(send: Send, clock: FakeClock, deadline_s: float = 8.0) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        send(REQUEST, Deadline.after(deadline_s, clock))
    assert caught.value.__context__ is None
    return caught.value


def test_a_second_attempt_after_a_wait(clock: FakeClock, numbers: UpstreamNumbers) -> None:
    """What can heal is tried again after the jitter, with the same request, and counted."""
    upstream = Upstream(clock, RESET)
    assert retrying(upstream, clock, numbers)(REQUEST, Deadline.after(8.0, clock)) is ANSWER
    assert upstream.at == [1000.0, 1000.05]
    assert counted(numbers, "upstream_retries") == {"": 1}


def test_what_cannot_heal_is_raised_as_it_is(clock: FakeClock, numbers: UpstreamNumbers) -> None:
    """A timeout is raised after one call, in its own words."""
    upstream = Upstream(clock, UpstreamTimeout("Too late."))
    assert error_of(retrying(upstream, clock, numbers), clock).detail == "Too late."
    assert (len(upstream.at), counted(numbers, "upstream_retries")) == (1, {})


def test_the_last_error_is_raised_and_says_how_many_attempts_there_were(
    clock: FakeClock, numbers: UpstreamNumbers
) -> None:
    """What CC-iSales said last is what is true now."""
    upstream = Upstream(clock, RESET, RESET, DATABASE)
    error = error_of(retrying(upstream, clock, numbers, attempts=3, share=3.0), clock)
    assert type(error) is UpstreamFailed
    assert error.detail == "The database is away. 3 attempts were made."
    assert upstream.at == pytest.approx([1000.0, 1000.05, 1000.15])


def test_a_retry_that_did_not_get_there_does_not_hide_what_was_said(clock: FakeClock, numbers: UpstreamNumbers) -> None:
    """If there is no slot for the retry, or the circuit has opened, the failure before it is raised."""
    upstream = Upstream(clock, DATABASE, NO_SLOT)
    error = error_of(retrying(upstream, clock, numbers, attempts=3), clock)
    assert (type(error), error.detail) == (UpstreamFailed, "The database is away.")
    assert len(upstream.at) == 2


def test_a_first_attempt_that_did_not_get_there_gives_no_budget(clock: FakeClock, numbers: UpstreamNumbers) -> None:
    """Calls that were refused on our side are no calls of which a share may be tried again."""
    upstream = Upstream(clock, *[NO_SLOT] * 20, DATABASE, DATABASE, DATABASE)
    send = retrying(upstream, clock, numbers, share=0.1)
    for _ in range(20):
        assert type(error_of(send, clock)) is UpstreamOverloaded
    for calls in (22, 23):
        error_of(send, clock)
        assert len(upstream.at) == calls


def test_no_attempt_that_cannot_finish(clock: FakeClock, numbers: UpstreamNumbers) -> None:
    """When the deadline leaves less than an attempt needs, there is none, and the budget is not touched."""
    upstream = Upstream(clock, RESET, RESET)
    send = retrying(upstream, clock, numbers)
    error_of(send, clock, deadline_s=0.19)
    assert (len(upstream.at), counted(numbers, "upstream_retries")) == (1, {})
    assert send(REQUEST, Deadline.after(0.21, clock)) is ANSWER


def test_the_budget_ends_retries_and_is_said_once_a_minute(clock: FakeClock, numbers: UpstreamNumbers) -> None:
    """Retries that are not made are counted each, and logged once a minute with the setting that limits them."""
    upstream = Upstream(clock, *[DATABASE] * 100)
    send = retrying(upstream, clock, numbers, share=0.1)
    with capture_logs() as logs:
        for _ in range(5):
            error_of(send, clock)
        assert counted(numbers, "upstream_retries") == {"": 1}
        assert counted(numbers, "upstream_retries_over_budget") == {"": 4}
        (line,) = logs
        assert (line["event"], line["setting"], line["log_level"]) == (
            "retry_budget_used_up",
            "isales.retry_budget",
            "warning",
        )
        clock.advance(59)
        error_of(send, clock)
        assert len(logs) == 1
        clock.advance(1)
        for _ in range(3):
            error_of(send, clock)
        assert len(logs) == 2


@pytest.mark.parametrize(("attempts", "share"), [(1, 1.0), (5, 0.0)])
def test_retries_can_be_switched_off(clock: FakeClock, numbers: UpstreamNumbers, attempts: int, share: float) -> None:
    """One attempt, or a budget of nothing, makes no retry ever."""
    upstream = Upstream(clock, RESET)
    error_of(retrying(upstream, clock, numbers, attempts, share), clock)
    assert len(upstream.at) == 1


def test_a_bug_is_not_tried_again(clock: FakeClock, numbers: UpstreamNumbers) -> None:
    """What is no failure of CC-iSales goes straight up."""

    def crash(_request: VendorRequest, _deadline: Deadline) -> VendorAnswer:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        retrying(crash, clock, numbers)(REQUEST, Deadline.after(8.0, clock))
