"""Text from the vendor, made safe to pass on."""

import re
import unicodedata
from typing import Final

from gateway import escaping

WITHHELD: Final = "********"
"""In the place of what is not to be shown."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# Controls, formats (the bidi controls among them), line and paragraph separators.
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})


def well_formed(text: str) -> str:
    """Return `text` with U+FFFD for each lone surrogate, which JSON can spell but UTF-8 cannot."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def is_well_formed(text: str) -> bool:
    """Tell whether `text` has no lone surrogate."""
    return text.isascii() or _SURROGATE.search(text) is None


def printable(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`, well formed, a space for each that is not to be shown."""
    # Cut first: the text may be megabytes long.
    shown = well_formed(text[:limit])
    return "".join(" " if unicodedata.category(c) in _UNPRINTABLE else c for c in shown).strip()


def escaped(text: str, limit: int) -> str:
    r"""Return at most `limit` characters of `text`, each that is not to be shown as its escape, such as `\x1b`.

    For people who look for what is wrong and want to see what is there.
    """
    shown = escaping.escaped(text[:limit])
    return shown if len(text) <= limit else f"{shown}..."
