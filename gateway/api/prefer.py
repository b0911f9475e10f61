"""What a caller prefers with `Prefer` (RFC 7240): of that only `wait` means something here."""

import re
from functools import lru_cache
from typing import Final

from gateway.api.list_elements import list_elements

LONGEST_HEADER: Final = 1000
"""Characters. A longer one counts as absent: anybody may send one, and it takes time to read."""

MOST_S: Final = 60
"""Seconds. A longer wait counts as this one: few fronts and clients would see its end."""

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 -- the grammar's word
_PREFERENCE: Final = re.compile(rf'({_TOKEN})[ \t]*(?:=[ \t]*(?:"([^"\\]*)"|({_TOKEN}))[ \t]*)?(?:;.*)?')
_SECONDS: Final = re.compile(r"[0-9]+")


# Callers send a handful of different headers over and over.
@lru_cache(maxsize=256)
def wait_of(prefer: str) -> int:
    """Return the seconds that the caller would wait, at most `MOST_S`; 0 where it says nothing of that that counts.

    A preference that cannot be read, or is not known, is passed over (section 2): none is ever an error. Of several
    `wait` the first counts, also where it is the one that cannot be read.
    """
    if len(prefer) > LONGEST_HEADER:
        return 0
    for item in list_elements(prefer):
        preference = _PREFERENCE.fullmatch(item)
        if preference is not None and preference[1].lower() == "wait":
            value = preference[3] if preference[2] is None else preference[2]
            return _bounded(value) if value is not None and _SECONDS.fullmatch(value) else 0
    return 0


def _bounded(digits: str) -> int:
    # Python refuses to read thousands of digits.
    return MOST_S if len(digits.lstrip("0")) > len(str(MOST_S)) else min(int(digits), MOST_S)
