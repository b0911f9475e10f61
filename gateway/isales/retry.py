"""Another attempt where one can help, with a slot and a signature of its own: the only place that retries."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from gateway.errors import UpstreamError
from gateway.isales.request import VendorRequest
from gateway.isales.retry_budget import RetryBudget
from gateway.isales.retry_policy import RetryPolicy, least_attempt_s
from gateway.isales.send import Send, VendorAnswer
from gateway.model import Deadline
from gateway.telemetry.upstream_numbers import UpstreamNumbers

SAY_AGAIN_AFTER_S = 60.0


class Retries:
    """Decides about retries, waits for them and counts them; one for all calls, safe to use from any thread.

    `clock` is monotonic and `sleep` waits, both in seconds; `attempt_s` returns the seconds that an attempt needs and
    `luck` a number from 0 to 1.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        budget: RetryBudget,
        metrics: UpstreamNumbers,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        attempt_s: Callable[[], float] = least_attempt_s,
        luck: Callable[[], float] = random.random,
    ) -> None:
        self._policy = policy
        self._budget = budget
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep
        self._attempt_s = attempt_s
        self._luck = luck
        self._say_again_at = float("-inf")
        self._lock = threading.Lock()

    def note(self, outcome: VendorAnswer | UpstreamError, *, first: bool) -> None:
        """Take note of how an attempt ended, which was the `first` for its page or not."""
        if isinstance(outcome, VendorAnswer) or outcome.sent:
            self._metrics.attempt("ok" if isinstance(outcome, VendorAnswer) else outcome.name)
            if first:
                self._budget.first_attempt()
        if isinstance(outcome, VendorAnswer):
            self._budget.good()

    def wait(self, error: UpstreamError, attempts: int, deadline: Deadline) -> bool:
        """Return after the wait for the next attempt, or at once with false if there is to be none.

        `attempts` were made, and the last ended in `error`.
        """
        wait_s = self._policy.wait_s(error, attempts, deadline.remaining(), self._attempt_s(), self._luck())
        if wait_s is None:
            return False
        if not self._budget.take():
            self._metrics.retry_over_budget()
            self._say_that_the_budget_is_used_up(error)
            return False
        self._sleep(wait_s)
        self._metrics.retry()
        return True

    def _say_that_the_budget_is_used_up(self, error: UpstreamError) -> None:
        now = self._clock()
        with self._lock:
            if now < self._say_again_at:
                return
            self._say_again_at = now + SAY_AGAIN_AFTER_S
        structlog.get_logger("gateway.isales").warning(
            "retry_budget_used_up", setting="isales.retry_budget", problem=error.name, detail=error.detail
        )


def with_retries(send: Send, retries: Retries) -> Send:
    """Return `send` with as many attempts as `retries` allows.

    If none is good the last error is raised, with how many attempts there were; but a retry that did not get as far as
    CC-iSales says less than what came before it.
    """

    def send_with_retries(request: VendorRequest, deadline: Deadline) -> VendorAnswer:
        outcome = _attempt(send, request, deadline)
        retries.note(outcome, first=True)
        attempts = 1
        while isinstance(outcome, UpstreamError) and retries.wait(outcome, attempts, deadline):
            failed, outcome = outcome, _attempt(send, replace(request, resends=attempts), deadline)
            retries.note(outcome, first=False)
            if isinstance(outcome, UpstreamError) and not outcome.sent:
                outcome = failed
                break
            attempts += 1
        if isinstance(outcome, VendorAnswer):
            return outcome
        raise outcome.again(outcome.detail if attempts == 1 else f"{outcome.detail} {attempts} attempts were made.")

    return send_with_retries


def _attempt(send: Send, request: VendorRequest, deadline: Deadline) -> VendorAnswer | UpstreamError:
    try:
        return send(request, deadline)
    except UpstreamError as error:
        return error.again()
