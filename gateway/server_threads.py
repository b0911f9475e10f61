"""How many requests the server works on at once in this process: those that wait for long leave some for others."""

import signal


def server_threads() -> int | None:
    """Return the threads that granian has for requests in this worker; `None` for another server, or if it hides that.

    A worker is forked from granian's main process and has its handlers of signals, until it sets its own: methods of
    the object that knows. It is to be asked before that.
    """
    main = getattr(signal.getsignal(signal.SIGHUP), "__self__", None)
    threads = getattr(main, "blocking_threads", None)
    return threads if isinstance(threads, int) else None


def leave_room(most: int, threads: int | None) -> int:
    """Return how many of at most `most` callers may wait, so that they never hold more than half of the threads."""
    return most if threads is None else min(most, threads // 2)
