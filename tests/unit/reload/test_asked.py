"""The pipe by which a worker is asked to reload."""

import gc
import os
import threading
from contextlib import suppress

from gateway.reload.asked import Asked, ask


def test_whoever_asks_is_heard_once() -> None:
    """From a thread or a handler of this process, and by its number as another process does; all at once are one."""
    asked = Asked()
    assert not asked.wait(0)
    asked.put()
    ask(os.getpid(), asked.number)
    assert asked.wait(None)
    assert not asked.wait(0)


def test_who_waits_is_woken() -> None:
    """Whoever waits without a limit returns when somebody asks."""
    asked, heard = Asked(), threading.Event()

    def wait() -> None:
        if asked.wait(None):
            heard.set()

    thread = threading.Thread(target=wait)
    thread.start()
    asked.put()
    thread.join()
    assert heard.is_set()


def test_more_than_the_pipe_takes_is_one_reload_too() -> None:
    """A worker that is busy is asked as often as anybody likes."""
    asked = Asked()
    with suppress(BlockingIOError):
        while True:
            os.write(asked.number, b"\n" * 4096)
    asked.put()
    assert asked.wait(0)
    assert not asked.wait(0)


def test_to_ask_who_has_ended_does_nothing() -> None:
    """A process may end between the look at it and the word to it; its pipe goes with it."""
    ask(2**22 + 1, 0)
    asked = Asked()
    number = asked.number
    del asked
    gc.collect()
    ask(os.getpid(), number)
