"""Threads for work in the background, which a process can do without for a while."""

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger("gateway")


def start_daemon_thread(run: Callable[[], None], name: str) -> threading.Thread | None:
    """Start a daemon thread called `name` that does `run`.

    Returns `None`, and says so in the log, where the system gives no more threads: whoever wanted it goes on without,
    or tries again with the next request.
    """
    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        log.warning("thread_not_started", thread=name, reason=str(error), remedy="raise the limit of tasks or memory")
        return None
    return thread
