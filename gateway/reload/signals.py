"""The signals of a worker: SIGHUP reloads the settings, SIGTERM lets it drain before it ends.

That is so under granian and gunicorn, whose handlers for SIGTERM are Python's and end a worker in good order. Where
there is no such handler, none is made up: a server that was not made for it would be left running.

granian's main process answers SIGHUP by replacing its workers one after the other: it starts a new one, and after
`GRANIAN_RESPAWN_INTERVAL` (3.5 s unless told otherwise) sends the old one SIGTERM. To the workers themselves it never
sends SIGHUP, so that is free for us, and for whoever sends it to the main process the draining makes sure that no
request is lost. Its workers wait in the main thread without a limit, so each signal has to wake that.
"""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import parent_process
from pathlib import Path
from types import FrameType
from typing import Any, Final

import structlog

from gateway.daemon_thread import start_daemon_thread
from gateway.main_thread import wake_for_signals
from gateway.reload.published import sibling_starting
from gateway.reload.served import ServedApp

START_LIMIT_S: Final = 20.0
"""How long a worker waits at most for the one that takes its place."""

LISTENING_S: Final = 0.5
"""How long it takes at most from being ready to taking connections."""

END_LIMIT_S: Final = 28.0
"""How long after it began to drain a worker is gone at the latest, whoever still holds a connection.

granian waits for ever for a caller who sent half a request, or does not read its answer. What watches over processes
commonly kills after 30 s, and then nothing is said in the log.
"""

CRASH_LOOP_S: Final = 5.5
"""granian ends altogether where it learns that a worker died so soon after it began to start it in another's place.

It learns that at the earliest when the one that is replaced has ended, so with a longer respawn interval never of a
reload.
"""

LOOK_AGAIN_S: Final = 0.1
LOOK_S: Final = 0.01
"""The same for the server's handler for SIGTERM: a worker takes requests as soon as it has that."""

GIVE_UP_S: Final = 60.0
"""For how long it is looked whether the server has set its own handler for SIGTERM, which it does after loading us."""

log = structlog.get_logger("gateway.reload")
Handler = Callable[[int, FrameType | None], Any] | int | None


def end_at_last(limit_s: float = END_LIMIT_S, end: Callable[[int], Any] = os._exit) -> None:
    """Have a thread end this process after `limit_s` seconds, if it has not ended by itself by then."""

    def end_now() -> None:
        time.sleep(limit_s)
        log.warning("ended_with_open_requests", after_s=limit_s)
        end(0)

    # Without a thread whoever watches over the process has to kill it, if a caller holds on.
    start_daemon_thread(end_now, "end-at-last")


def on_signals(
    served: ServedApp,
    *,
    forked: bool = False,
    granian: bool | None = None,
    replacement_starting: Callable[[], bool] = sibling_starting,
    sleep: Callable[[float], None] = time.sleep,
    limit: Callable[[], None] = end_at_last,
) -> None:
    """Have the signals of this process reach `served`, and set whether it `drains` by them.

    Only for the main thread, as signals are; elsewhere nothing. Nor is a handler of the server's own touched that is
    not Python's. `forked`: the app was loaded before this process was forked, so the server's handlers are yet to
    come. `granian`: so they are, and its main thread has nothing else to do while it serves, so `sleep` waits there;
    by default it is found out. `replacement_starting` tells whether a worker
    is being started. `limit` sees to it that the process ends within `END_LIMIT_S`.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if granian is None:
        # Another server that starts its workers so, hypercorn, has signals written to a socket and acts on that.
        granian = parent_process() is not None and "granian" in sys.modules
    wake_for_signals()
    inherited, end = signal.getsignal(signal.SIGHUP), signal.getsignal(signal.SIGTERM)
    if not _is_anothers(signal.SIGHUP):
        signal.signal(signal.SIGHUP, lambda *_: served.ask_for_reload())
    if granian:
        _warn_of_a_short_interval(inherited)
        served.drains = True
        _before_the_servers_own(end, lambda own: _drain_first(served, own, replacement_starting, sleep, limit))
    elif forked:
        served.drains = True
        _before_the_servers_own(end, lambda own: _drain_meanwhile(served, own))
    elif callable(end):
        served.drains = True
        signal.signal(signal.SIGTERM, _drain_meanwhile(served, end))


def _is_anothers(number: int) -> bool:
    """Tell whether the handler of a signal is not Python's, which knows nothing of it: uWSGI's, for one."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return False
    caught = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(caught >> number - 1 & 1) and not callable(signal.getsignal(number))


def _warn_of_a_short_interval(inherited: Handler) -> None:
    """Say so if the granian whose handler for SIGHUP is `inherited` may take a reload for a crash loop."""
    interval_s = getattr(getattr(inherited, "__self__", None), "respawn_interval", None)
    if interval_s is not None and interval_s <= CRASH_LOOP_S:
        log.warning(
            "respawn_interval_short",
            interval_s=interval_s,
            consequence=f"a worker that dies within {CRASH_LOOP_S} s of its start at a SIGHUP may end the whole server",
            remedy=f"set GRANIAN_RESPAWN_INTERVAL to more than {CRASH_LOOP_S}, such as 15",
        )


def _drain_first(
    served: ServedApp,
    end: Handler,
    replacement_starting: Callable[[], bool],
    sleep: Callable[[float], None],
    limit: Callable[[], None],
) -> Callable[..., None]:
    """Return a handler for SIGTERM that lets `served` drain before it calls `end`.

    A second signal changes nothing: where all processes of a service are told to end, a worker is told by granian too.

    Where a worker is being started, this one is to be replaced by it. granian gives it its respawn interval,
    however long it takes on a busy machine, so here it is waited for until it is there: else nobody might be.
    """
    asked = False

    def drain_first(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            return
        asked = True
        looks = round(START_LIMIT_S / LOOK_AGAIN_S) if replacement_starting() else 0
        pause_s = max(served.drain_s, LISTENING_S if looks else 0.0)
        while looks and replacement_starting():
            looks -= 1
            sleep(LOOK_AGAIN_S)
        limit()
        served.drain()
        sleep(pause_s)
        if callable(end):
            end(number, frame)

    return drain_first


def _drain_meanwhile(served: ServedApp, end: Handler) -> Callable[..., None]:
    """Return a handler for SIGTERM that lets `served` drain, and calls `end` later, from a timer.

    It returns at once, for in the main thread of these servers requests are taken, or answered.
    """
    asked = False

    def drain_first(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            return
        asked = True
        served.drain()

        def end_now(*_: object) -> None:
            _stop_the_timer()
            if callable(end):
                end(number, frame)

        signal.signal(signal.SIGALRM, end_now)
        # 0 would stop the timer.
        signal.setitimer(signal.ITIMER_REAL, max(served.drain_s, LOOK_AGAIN_S))

    return drain_first


def _before_the_servers_own(inherited: Handler, wrapped: Callable[[Handler], Callable[..., None]]) -> None:
    """Wrap the handler for SIGTERM as soon as it is another one than `inherited`.

    A timer has it looked at in the main thread, the only one that may set handlers. It stops before Python ends: that
    puts the system's handlers back first, by which a tick kills, and what loads us may end before any server is there.
    """
    looks = round(GIVE_UP_S / LOOK_S)

    def look(*_: object) -> None:
        nonlocal looks
        looks -= 1
        end = signal.getsignal(signal.SIGTERM)
        if end is not inherited:
            signal.signal(signal.SIGTERM, wrapped(end))
        if end is not inherited or looks <= 0:
            _stop_the_timer()

    atexit.register(_stop_the_timer)
    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_S, LOOK_S)


def _stop_the_timer() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    # Drops a tick that is on its way to a thread which has not run since, and which would end the process then.
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
