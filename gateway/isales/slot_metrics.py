"""What the budget reports of itself, and why it turns callers away."""

from enum import StrEnum
from typing import Final, Protocol


class Refusal(StrEnum):
    """Why no call was made.

    `QUEUE_TOO_LONG`: told at once, because the turn cannot come in time. `NO_SLOT_IN_TIME`: waited until an attempt
    could not finish any more. `TOO_LATE_TO_START`: a slot was free, but the time left was too short.
    """

    QUEUE_TOO_LONG = "queue_too_long"
    NO_SLOT_IN_TIME = "no_slot_in_time"
    TOO_LATE_TO_START = "too_late_to_start"


class SlotMetrics(Protocol):
    """Counts what happens to those who want a slot."""

    def slot_wait(self, seconds: float) -> None:
        """Note how long one caller waited, whether it got a slot in the end or not."""
        ...

    def slot_refusal(self, reason: str) -> None:
        """Count one caller that got none; `reason` is a `Refusal`."""
        ...


class NoSlotMetrics:
    """Counts nothing."""

    def slot_wait(self, seconds: float) -> None:
        """Do nothing."""

    def slot_refusal(self, reason: str) -> None:
        """Do nothing."""


NO_SLOT_METRICS: Final = NoSlotMetrics()
