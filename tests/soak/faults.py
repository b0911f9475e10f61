"""What goes wrong, drawn at random in three lanes that know nothing of each other: CC-iSales, Redis, the gateways."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.soak.announced import Window


@dataclass(frozen=True)
class Draw:
    """How long it is between the faults of a lane, and how long one is under way where it does not end by itself.

    Each is a least and a most, seconds.
    """

    pause_s: tuple[float, float]
    hold_s: tuple[float, float]


Play = Callable[["Lane"], None]
"""Plays a fault to its end, in a `Lane.window` of its name."""


class Lane(threading.Thread):
    """Plays faults one after the other, each kind once before any is played again, until `end` is called."""

    def __init__(self, name: str, plays: Mapping[str, Play], draw: Draw, source: random.Random) -> None:
        super().__init__(name=f"faults of {name}")
        self.windows: list[Window] = []
        self.failure: BaseException | None = None
        self.source = source
        self._plays = plays
        self._draw = draw
        self._ended = threading.Event()
        self._left = set(plays)
        self._each_once = threading.Event()

    def run(self) -> None:
        """Play until the end. What goes wrong with a fault itself is kept in `failure`, and ends the lane."""
        try:
            for kind in self._kinds():
                if self.pause(self.source.uniform(*self._draw.pause_s)):
                    return
                self._plays[kind](self)
                self._left.discard(kind)
                if not self._left:
                    self._each_once.set()
        except BaseException as error:  # noqa: BLE001 -- whatever it is, it is told where the lane is joined
            self.failure = error
            self._each_once.set()

    def wait_for_each_once(self) -> None:
        """Return when each kind has been played, or the lane has failed, which `end` tells."""
        self._each_once.wait()

    def hold(self) -> None:
        """Wait for as long as the fault is drawn to be under way."""
        self.pause(self.source.uniform(*self._draw.hold_s))

    def pause(self, seconds: float) -> bool:
        """Wait, and tell whether the end came."""
        return self._ended.wait(seconds)

    @contextmanager
    def window(self, kind: str, detail: str = "") -> Iterator[None]:
        """Take note that the fault `kind` is under way for as long as the context lasts."""
        window = Window(kind, time.monotonic(), detail=detail)
        self.windows.append(window)
        try:
            yield
        finally:
            window.ended = time.monotonic()

    def end(self) -> None:
        """End the fault that is under way, in good order, and play no other."""
        self._ended.set()
        self.join()
        if self.failure is not None:
            raise self.failure

    def _kinds(self) -> Iterator[str]:
        while True:
            shuffled: Sequence[str] = sorted(self._plays)
            yield from self.source.sample(shuffled, len(shuffled))
