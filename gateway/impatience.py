"""Failures that say something of the caller's haste, and nothing of CC-iSales."""

from typing import Final

from gateway.errors import UpstreamOverloaded, UpstreamTimeout
from gateway.model import Deadline

JUST_NOW_S: Final = 0.05
"""A wait for a deadline may end a moment before it."""


def is_impatience(error: BaseException, deadline: Deadline) -> bool:
    """Tell whether a call that had until `deadline` ended just now in `error` only because the caller was in a hurry.

    That is where the deadline was shortened, and has passed or left too little time to begin. A step that took longer
    than its own limit would have done so for any caller, and what CC-iSales answered is true for all.
    """
    if not deadline.shortened or not isinstance(error, UpstreamTimeout | UpstreamOverloaded):
        return False
    return not error.sent or (isinstance(error, UpstreamTimeout) and deadline.remaining() <= JUST_NOW_S)
