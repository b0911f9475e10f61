"""Signals wake the main thread whatever other threads do; sent as the kernel hands them out, to any thread."""

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.main_thread import WAKE_UP, wake_for_signals
from tests.support.gateway import PROJECT
from tests.support.threads import no_more_threads
from tests.support.waiting import wait_until

LIMIT_S = 10.0
SIGNALS = 100
USED = (signal.SIGUSR1, WAKE_UP)

RESTLESS = """
import os, signal, subprocess, sys, threading
from gateway.main_thread import wake_for_signals

def start_threads():
    while True:
        thread = threading.Thread(target=bool)
        thread.start()
        thread.join()

signal.signal(signal.SIGHUP, lambda *_: os.write(1, b"h"))
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"t"))
wake_for_signals()
for _ in range(2):
    threading.Thread(target=start_threads, daemon=True).start()
with subprocess.Popen(["sleep", "60"]) as child:
    os.write(1, b"%d\\n" % child.pid)
    {wait}
"""
WAITS = {"a lock": "threading.Event().wait()", "a child": "child.wait()"}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in USED}
    yield
    handle = signal.set_wakeup_fd(-1)
    if handle != -1:
        os.close(handle)
    for number, handler in before.items():
        signal.signal(number, handler)


def sent_to_another_thread(number: int, when: Callable[[], object] = lambda: True) -> threading.Thread:
    """Have a thread other than the main one get this signal when `when` holds; return the thread."""

    def send() -> None:
        wait_until(when, LIMIT_S)
        signal.pthread_kill(threading.get_ident(), number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def main_thread_waits() -> bool:
    """Tell whether the main thread is in the same wait, and asleep, each time it is looked at for a while."""
    main = threading.main_thread()
    task = Path(f"/proc/self/task/{main.native_id}/stat")

    def asleep() -> bool:
        frame = sys._current_frames()[main.ident or 0]  # noqa: SLF001 -- there is no other way to see it
        return (
            frame.f_code is threading.Condition.wait.__code__ and task.read_text().rpartition(")")[2].split()[0] == "S"
        )

    return all(asleep() and not threading.Event().wait(0.001) for _ in range(20))


@pytest.mark.parametrize("wait", WAITS)
def test_no_signal_is_lost_while_threads_start_all_the_time(wait: str) -> None:
    """A process that waits without a limit handles each of many, before the next one is sent."""
    program = [sys.executable, "-c", RESTLESS.format(wait=WAITS[wait])]
    with subprocess.Popen(program, cwd=PROJECT, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            for count in range(SIGNALS):
                number, expected = ((signal.SIGHUP, b"h"), (signal.SIGTERM, b"t"))[count % 2]
                process.send_signal(number)
                assert select.select([process.stdout], [], [], LIMIT_S)[0], f"signal {count} was lost"
                assert process.stdout.read(100) == expected
        finally:
            process.kill()
            os.kill(child, signal.SIGKILL)


def test_a_signal_that_another_thread_gets_ends_the_main_threads_wait() -> None:
    """Its handler runs at once, and not when the wait has ended by itself."""
    handled = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: handled.set())
    wake_for_signals()
    thread = sent_to_another_thread(signal.SIGUSR1, main_thread_waits)
    assert handled.wait(2 * LIMIT_S)
    thread.join()


def test_a_main_thread_that_did_not_notice_is_woken_again() -> None:
    """It may have been between its last look at signals and its wait."""
    wake_for_signals()
    woken: list[int] = []
    signal.signal(WAKE_UP, lambda number, _: woken.append(number))
    signal.signal(signal.SIGUSR1, lambda *_: None)
    sent_to_another_thread(signal.SIGUSR1).join()
    wait_until(lambda: len(woken) > 1, LIMIT_S)


def test_a_server_that_has_signals_written_to_a_socket_keeps_it() -> None:
    """It waits for that, so each of its signals wakes it."""
    theirs, written = socket.socketpair()
    with theirs, written:
        written.settimeout(0)
        signal.set_wakeup_fd(written.fileno())
        wake_for_signals()
        signal.signal(signal.SIGUSR1, lambda *_: None)
        sent_to_another_thread(signal.SIGUSR1).join()
        assert theirs.recv(100) == bytes([signal.SIGUSR1])
        assert signal.set_wakeup_fd(-1) == written.fileno()
    assert signal.getsignal(WAKE_UP) == signal.SIG_DFL


@pytest.mark.parametrize("loaded", ["before the loop", "in the loop"])
def test_the_loop_of_asyncio_hears_of_signals(loaded: str) -> None:
    """Our wake-up and asyncio's work together, whichever is set up first."""

    async def serve() -> None:
        heard = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, heard.set)
        if loaded == "in the loop":
            wake_for_signals()
        thread = sent_to_another_thread(signal.SIGUSR1)
        await asyncio.wait_for(heard.wait(), LIMIT_S)
        thread.join()

    if loaded == "before the loop":
        wake_for_signals()
    asyncio.run(serve())


def test_a_handler_for_the_waking_signal_is_left_alone() -> None:
    """Whoever has it has another use for it."""

    def handler(*_: object) -> None:
        """Do nothing."""

    signal.signal(WAKE_UP, handler)
    wake_for_signals()
    assert signal.getsignal(WAKE_UP) is handler
    assert signal.set_wakeup_fd(-1) == -1


def test_without_a_thread_signals_are_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the system gives no more threads the log says so."""
    with no_more_threads():
        wake_for_signals()
    assert signal.set_wakeup_fd(-1) == -1
    assert signal.getsignal(WAKE_UP) == signal.SIG_DFL
    assert "thread_not_started" in "".join(capsys.readouterr())
