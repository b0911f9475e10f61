"""The gateway as granian serves it, in a process in which threads start all the time: `tests.support.restless:app`."""

import threading

from app import app

__all__ = ["app"]


def _start_threads() -> None:
    while True:
        thread = threading.Thread(target=bool)
        thread.start()
        thread.join()


for _ in range(2):
    threading.Thread(target=_start_threads, daemon=True).start()
