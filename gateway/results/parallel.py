"""Several waits at once, for one caller."""

import contextvars
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event
from typing import Generic, TypeVar

from gateway.daemon_thread import start_daemon_thread

T = TypeVar("T")


class _Outcome(Generic[T]):
    """What came of one piece of work."""

    def __init__(self) -> None:
        self.result: T | None = None
        self.failure: BaseException | None = None
        self.done = Event()

    def bring(self, work: Callable[[], T]) -> None:
        """Do `work` and keep what comes of it."""
        try:
            self.result = work()
        except BaseException as failure:  # noqa: BLE001 -- it is raised by the thread that wants the result
            self.failure = failure
        finally:
            self.done.set()


def in_parallel(works: Sequence[Callable[[], T]], name: str) -> list[T]:
    """Do all `works` at once and return their results in order; each has to end by itself.

    The last one is done in this thread, and so is what no thread called `name` can be had for. Raises the first failure
    in order, when all have ended. All work for the request that this thread works for.
    """
    outcomes: list[_Outcome[T]] = [_Outcome() for _ in works]
    for position, (work, outcome) in enumerate(zip(works, outcomes, strict=True), 1):
        context = contextvars.copy_context()
        run = partial(context.run, outcome.bring, work)
        if position == len(works) or start_daemon_thread(run, name) is None:
            outcome.bring(work)
    for outcome in outcomes:
        outcome.done.wait()
    results: list[T] = []
    for outcome in outcomes:
        if outcome.failure is not None:
            raise outcome.failure
        results.append(outcome.result)  # type: ignore[arg-type]  # -- there is one where there is no failure
    return results
