"""The main thread, the only one that handles signals in Python: each signal wakes it, whatever other threads do.

The kernel hands a signal to any thread that takes it, such as one that is just starting, and no other is interrupted.
Python notes the signal and has the main thread handle it as soon as that goes on. Where it waits without a limit, for a
lock as in granian's workers or for a child to end, that may be never. So a thread reads the numbers of the signals,
which Python writes to a socket (`signal.set_wakeup_fd`), and interrupts the main thread.
"""

import queue
import signal
import socket
import threading
from contextlib import suppress
from typing import Final

from gateway.daemon_thread import start_daemon_thread

WAKE_UP: Final = signal.SIGURG
"""What interrupts the main thread. The system ignores it where no handler is left, so it never ends a process."""

AGAIN_S: Final = (0.01, 0.1, 1.0, 10.0)
"""When the main thread is interrupted again, if it has not noticed: it may have been about to wait."""

_NUMBERS: Final = 4096


def wake_for_signals() -> None:
    """Have each signal wake the main thread from now on; to be called in it.

    Nothing is done where a server has signals written to a socket of its own, for that is what it waits for; one that
    does so later takes the place of this. Nor where there is a handler for `WAKE_UP`, or no thread to be had.
    """
    if signal.getsignal(WAKE_UP) not in {signal.SIG_DFL, signal.SIG_IGN}:
        return
    numbers, written = socket.socketpair()
    theirs = signal.set_wakeup_fd(-1)
    woken: queue.SimpleQueue[None] = queue.SimpleQueue()
    if theirs != -1 or start_daemon_thread(lambda: _wake(numbers, woken), "signals") is None:
        signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
        numbers.close()
        written.close()
        return
    written.settimeout(0)
    signal.signal(WAKE_UP, lambda *_: woken.put(None))
    # It is open for as long as the process runs. If the thread is behind, what is written suffices to have it look.
    signal.set_wakeup_fd(written.detach(), warn_on_full_buffer=False)


def _wake(numbers: socket.socket, woken: "queue.SimpleQueue[None]") -> None:
    """Wake the main thread whenever there are `numbers`, until `woken` says that it is; end when they end."""
    main = threading.main_thread().ident
    assert main is not None  # noqa: S101 -- it runs
    with numbers:
        while received := numbers.recv(_NUMBERS):
            if set(received) == {WAKE_UP}:
                continue
            while not woken.empty():
                woken.get()
            for limit_s in AGAIN_S:
                signal.pthread_kill(main, WAKE_UP)
                with suppress(queue.Empty):
                    woken.get(timeout=limit_s)
                    break
