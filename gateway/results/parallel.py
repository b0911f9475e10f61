"""Several waits at once, for one caller."""

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import TypeVar

from gateway.daemon_thread import start_daemon_thread

T = TypeVar("T")


def in_parallel(works: Sequence[Callable[[], T]], name: str) -> list[T]:
    """Do all `works` at once and return their results in order; each has to end by itself.

    The last one is done in this thread, and so is what no thread called `name` can be had for. Raises the first failure
    in order, when all have ended. All work for the request that this thread works for.
    """
    outcomes: list[Future[T]] = [Future() for _ in works]
    for position, (work, outcome) in enumerate(zip(works, outcomes, strict=True), 1):
        context = contextvars.copy_context()
        run = partial(context.run, _bring, outcome, work)
        if position == len(works) or start_daemon_thread(run, name) is None:
            _bring(outcome, work)
    wait(outcomes)
    return [outcome.result() for outcome in outcomes]


def _bring(outcome: "Future[T]", work: Callable[[], T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as failure:  # noqa: BLE001 -- it is raised by the thread that wants the result
        outcome.set_exception(failure)
