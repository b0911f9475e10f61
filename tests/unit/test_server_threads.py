"""How many may wait, by the threads that there are."""

import signal

import pytest

from gateway.server_threads import leave_room, server_threads


class Main:
    """What granian's workers inherit a handler of."""

    def __init__(self, blocking_threads: object) -> None:
        self.blocking_threads = blocking_threads

    def handle(self, *_: object) -> None:
        """Handle a signal."""


@pytest.mark.parametrize(("has", "told"), [(512, 512), ("many", None)])
def test_what_granian_has_is_told_by_its_handler(has: object, told: int | None) -> None:
    """Another server's handlers belong to nothing that has threads."""
    before = signal.signal(signal.SIGHUP, Main(has).handle)
    try:
        assert server_threads() == told
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert server_threads() is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_half_of_the_threads_are_left_for_others() -> None:
    """Where the number of threads is known, half of them may wait at most."""
    assert [leave_room(1000, threads) for threads in (None, 2048, 2000, 512, 1)] == [1000, 1000, 1000, 256, 0]
