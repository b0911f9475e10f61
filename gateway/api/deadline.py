"""How long a caller waits: as long as the settings say, or less where the caller says so."""

import re
from collections.abc import Callable
from typing import Final

from gateway.model import Deadline

HEADER: Final = "X-Request-Timeout-Ms"

MOST_MS: Final = 999_999_999
_MILLISECONDS: Final = re.compile("[1-9][0-9]{0,8}")


def deadline_of(offered: str | None, limit_s: float, arrived: float, clock: Callable[[], float]) -> Deadline:
    """Return the deadline of a request that came at the second `arrived`: `limit_s` later, or as the caller has it.

    A value that is not a whole number of milliseconds from 1 on is ignored: the header is a hint and cannot make a good
    request a bad one.
    """
    if offered is not None and _MILLISECONDS.fullmatch(offered):
        seconds = int(offered) / 1000
        if seconds < limit_s:
            return Deadline(arrived + seconds, clock, shortened=True)
    return Deadline(arrived + limit_s, clock)
