"""What signals do to a worker; the handlers are called as the server's process would call them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import cast

import pytest

from gateway.main_thread import WAKE_UP
from gateway.reload import ServedApp, on_signals, signals
from tests.support.gateway import PROJECT
from tests.support.server import environment
from tests.support.threads import no_more_threads
from tests.support.waiting import wait_until

USED = (signal.SIGHUP, signal.SIGTERM, signal.SIGALRM, WAKE_UP)


class Served:
    """Stands for the served app: notes what it is told, and how long is waited."""

    drain_s = 1.5
    drains = False

    def __init__(self) -> None:
        self.told: list[str | float] = []

    def ask_for_reload(self) -> None:
        """Note it."""
        self.told.append("reload")

    def drain(self) -> None:
        """Note it."""
        self.told.append("drain")

    def limit(self) -> None:
        """Note it."""
        self.told.append("limit")

    def sleep(self, seconds: float) -> None:
        """Note it, and wait for nothing."""
        self.told.append(seconds)


class Granian:
    """Stands for the server whose handlers a worker inherits."""

    def __init__(self, respawn_interval: float) -> None:
        self.respawn_interval = respawn_interval

    def reload(self, *_: object) -> None:
        """Do nothing."""


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in USED}
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    handle = signal.set_wakeup_fd(-1)
    if handle != -1:
        os.close(handle)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def served() -> Served:
    """Return what stands for the served app."""
    return Served()


def install(served: Served, starting_looks: int = 0) -> None:
    """Have signals reach `served`; at so many looks a worker that takes its place is not ready yet."""
    looks = iter(range(starting_looks))
    on_signals(
        cast(ServedApp, served),
        granian=True,
        replacement_starting=lambda: next(looks, None) is not None,
        sleep=served.sleep,
        limit=served.limit,
    )


def set_by_the_server(served: Served) -> None:
    """Set a handler for SIGTERM as the server does after it has loaded the app, and wait until it is noticed."""

    def end(_number: int, _frame: FrameType | None) -> None:
        served.told.append("end")

    signal.signal(signal.SIGTERM, end)
    wait_until(lambda: signal.getsignal(signal.SIGTERM) is not end)


def test_sighup_asks_for_a_reload(served: Served) -> None:
    """It is a thread that reloads; the handler has no time."""
    install(served)
    os.kill(os.getpid(), signal.SIGHUP)
    assert served.told == ["reload"]


@pytest.mark.parametrize(("interval_s", "told"), [(3.5, True), (5.5, True), (15.0, False)])
def test_a_granian_that_may_take_a_reload_for_a_crash_loop_is_told_of(
    served: Served, capsys: pytest.CaptureFixture[str], interval_s: float, *, told: bool
) -> None:
    """A worker knows the respawn interval by the handler that it inherits."""
    signal.signal(signal.SIGHUP, Granian(interval_s).reload)
    install(served)
    said = "".join(capsys.readouterr())
    assert ("respawn_interval_short" in said, "GRANIAN_RESPAWN_INTERVAL" in said) == (told, told)


def test_sigterm_drains_before_the_server_ends(served: Served) -> None:
    """First callers are sent away, then there is time for them, then comes what the server does."""
    install(served)
    set_by_the_server(served)
    os.kill(os.getpid(), signal.SIGTERM)
    assert served.told == ["limit", "drain", 1.5, "end"]
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_second_sigterm_changes_nothing(served: Served) -> None:
    """Both the one who ends a service and the server may send one; the time for callers stays the same."""
    install(served)
    set_by_the_server(served)
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    assert served.told == ["limit", "drain", 1.5, "end"]


def test_a_worker_waits_for_the_one_that_takes_its_place(served: Served) -> None:
    """Until that one is ready it goes on as ever; then it drains for long enough that the other one listens."""
    served.drain_s = 0.0
    install(served, starting_looks=3)
    set_by_the_server(served)
    os.kill(os.getpid(), signal.SIGTERM)
    assert served.told == [0.1, 0.1, "limit", "drain", 0.5, "end"]


def test_a_worker_does_not_wait_for_ever(served: Served) -> None:
    """One that never becomes ready is given up after 20 s."""
    install(served, starting_looks=1000)
    set_by_the_server(served)
    os.kill(os.getpid(), signal.SIGTERM)
    assert served.told == [0.1] * 200 + ["limit", "drain", 1.5, "end"]


def test_a_process_that_does_not_end_is_ended(capsys: pytest.CaptureFixture[str]) -> None:
    """A caller who never sends the rest of a request, or never reads, holds it no longer than that; the log says so."""
    ended: list[int] = []
    signals.end_at_last(0.01, ended.append)
    wait_until(lambda: ended)
    assert ended == [0]
    assert "ended_with_open_requests" in "".join(capsys.readouterr())


def test_a_process_ends_without_a_thread_that_would_end_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the system gives no more threads the log says so, and the draining goes on."""
    with no_more_threads():
        signals.end_at_last(0.0, lambda _: None)
    assert "thread_not_started" in "".join(capsys.readouterr())


@pytest.mark.parametrize("granian", [False, True])
def test_the_servers_own_handler_is_looked_for_all_the_time(served: Served, *, granian: bool) -> None:
    """A worker takes requests as soon as it has that; one that is told to end before it is found does not drain."""
    on_signals(cast(ServedApp, served), forked=True, granian=granian, sleep=served.sleep, limit=served.limit)
    assert signal.getitimer(signal.ITIMER_REAL)[1] == pytest.approx(0.01)


def test_a_server_that_sets_no_handler_is_left_alone(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while it is not looked for any more."""
    monkeypatch.setattr(signals, "GIVE_UP_S", 0.2)
    before = signal.getsignal(signal.SIGTERM)
    install(served)
    wait_until(lambda: signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0))
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_there_are_no_signals(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """Servers that load the app elsewhere serve it all the same; the log says what is missing."""
    before = signal.getsignal(signal.SIGHUP)
    thread = threading.Thread(target=install, args=(served,))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGHUP) is before
    assert served.drains is False


@pytest.mark.parametrize("forked", [False, True])
def test_a_server_with_a_handler_of_its_own_is_told_to_end_when_callers_have_left(
    served: Served, *, forked: bool
) -> None:
    """The main thread of gunicorn takes requests, so nothing waits in it: a timer calls what the server had there.

    Where it forks with the app loaded, its handler for the worker comes later.
    """
    served.drain_s = 0.2
    signal.signal(signal.SIGTERM, lambda *_: served.told.append("main" if forked else "end"))
    on_signals(cast(ServedApp, served), forked=forked, granian=False)
    assert served.drains
    if forked:
        set_by_the_server(served)
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)
    assert served.told == ["drain"]
    wait_until(lambda: served.told == ["drain", "end"])
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_server_without_a_handler_has_signals_to_itself(served: Served) -> None:
    """Nothing ends waitress but the signal; a worker that only drains would be left running."""
    # Whoever runs the tests may have one.
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        on_signals(cast(ServedApp, served), granian=False)
        assert (served.drains, signal.getsignal(signal.SIGTERM)) == (False, signal.SIG_DFL)
    finally:
        signal.signal(signal.SIGTERM, before)


HANDLERS_OF_ANOTHER = """
import ctypes, signal
from types import SimpleNamespace
from gateway.reload.signals import on_signals
signal_of_c = ctypes.CDLL(None).signal
signal_of_c.restype, signal_of_c.argtypes = ctypes.c_void_p, (ctypes.c_int, ctypes.c_void_p)
handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda _: None)
place = ctypes.cast(handler, ctypes.c_void_p)
for number in (signal.SIGHUP, signal.SIGTERM):
    signal_of_c(number, place)
served = SimpleNamespace(drains=False)
on_signals(served, granian=False)
assert not served.drains
assert all(signal_of_c(number, None) == place.value for number in (signal.SIGHUP, signal.SIGTERM))
"""


def test_handlers_that_are_not_pythons_stay() -> None:
    """Those of uWSGI are C's: Python would call ours with the next request, if ever, and theirs would be gone."""
    ended = subprocess.run([sys.executable, "-c", HANDLERS_OF_ANOTHER], cwd=PROJECT, env=environment(), check=False)
    assert ended.returncode == 0


SLOW_TO_END = """
import time
from types import SimpleNamespace
from gateway.reload.signals import LOOK_S, on_signals

class SlowToEnd:
    def __del__(self, sleep=time.sleep, pause_s=3 * LOOK_S):
        sleep(pause_s)

slow_to_end = SlowToEnd()
on_signals(SimpleNamespace(), granian=True)
"""


LATE_TICK = """
import signal
from types import SimpleNamespace
from gateway.reload.signals import on_signals
from tests.support.waiting import wait_until

# As where the thread that the system gave the tick to has not run since.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
on_signals(SimpleNamespace(), granian=True)
wait_until(lambda: signal.SIGALRM in signal.sigpending())
signal.signal(signal.SIGTERM, lambda *_: None)
signal.getsignal(signal.SIGALRM)()
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
"""


def test_a_tick_that_comes_late_does_not_end_the_process() -> None:
    """On a busy machine one may still be on its way when the last look has been taken, and nobody looks any more."""
    ended = subprocess.run([sys.executable, "-c", LATE_TICK], cwd=PROJECT, env=environment(), check=False)

    assert ended.returncode == 0


def test_a_program_that_is_slow_to_end_is_not_killed_by_the_timer() -> None:
    """Who loads the app and ends by itself, before any server is there, has its own exit code."""
    ended = subprocess.run([sys.executable, "-c", SLOW_TO_END], cwd=PROJECT, env=environment(), check=False)

    assert ended.returncode == 0
