"""What a caller asks of the cache with `Cache-Control` (RFC 9111, section 5.2.1; `stale-if-error`: RFC 5861)."""

import re
from functools import lru_cache
from typing import Final

from gateway.api.list_elements import list_elements
from gateway.model import NO_DIRECTIVES, RequestDirectives

LONGEST_HEADER: Final = 1000
"""Characters. A longer one counts as absent: anybody may send one, and it takes time to read."""

MOST_S: Final = 2**31
"""Seconds. A larger number counts as this one (RFC 9111, section 1.2.2)."""

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 -- the grammar's word
_DIRECTIVE: Final = re.compile(rf'({_TOKEN})(?:[ \t]*=[ \t]*(?:"([^"]*)"|({_TOKEN})))?')
_SECONDS: Final = re.compile(r"-?[0-9]+")


# Callers send a handful of different headers over and over.
@lru_cache(maxsize=256)
def request_directives(cache_control: str | None) -> RequestDirectives:
    """Return what the header asks for. What cannot be read, or is not known, is passed over.

    Of `max-age` (`no-cache` is 0) and of `stale-if-error` the strictest counts. A number out of range counts as the end
    of the range that it is beyond.
    """
    if cache_control is None or len(cache_control) > LONGEST_HEADER:
        return NO_DIRECTIVES
    found: dict[str, list[int]] = {"max-age": [], "stale-if-error": []}
    only_if_cached = False
    for item in list_elements(cache_control):
        directive = _DIRECTIVE.fullmatch(item)
        if directive is None:
            continue
        name, value = directive[1].lower(), directive[2] if directive[3] is None else directive[3]
        only_if_cached = only_if_cached or name == "only-if-cached"
        if name == "no-cache":
            found["max-age"].append(0)
        elif name in found and value is not None and _SECONDS.fullmatch(value):
            found[name].append(_bounded(value))
    return RequestDirectives(
        min(found["max-age"], default=None), min(found["stale-if-error"], default=None), only_if_cached
    )


def _bounded(digits: str) -> int:
    if digits.startswith("-"):
        return 0
    # Python refuses to read thousands of digits.
    return MOST_S if len(digits.lstrip("0")) > len(str(MOST_S)) else min(int(digits), MOST_S)
