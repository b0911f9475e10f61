"""Which bytes of a representation a caller wants (RFC 9110, section 14). werkzeug reads the headers."""

from typing import NamedTuple

from werkzeug.http import parse_if_range_header, parse_range_header

LONGEST: int = 200
"""Characters of `Range`; a longer one is passed over, as RFC 9110, section 14.2, lets a server do."""


class ByteRange(NamedTuple):
    """The bytes from `start` up to and not with `end`."""

    start: int
    end: int


class UnsatisfiableRangeError(Exception):
    """The range that is asked for has no byte of the representation in it."""


def asked_range(ranges: str | None, if_range: str | None, etag: str, size: int) -> ByteRange | None:
    """Return the one range that is to be sent, `None` where all is; raises UnsatisfiableRangeError.

    All is sent where no range is asked for, or one that cannot be read, or several, which nobody needs of a file; of an
    empty file; and where `If-Range` names another representation than that with `etag`. A date never names it: there is
    none.
    """
    if ranges is None or len(ranges) > LONGEST or not size:
        return None
    if if_range is not None and (parse_if_range_header(if_range).etag is None or if_range.strip() != etag):
        return None
    asked = parse_range_header(ranges)
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    (first, last), found = asked.ranges[0], asked.range_for_length(size)
    if last is None and first < -size < 0:
        # Of the last so many bytes where there are fewer, all are meant (section 14.1.2); werkzeug finds none.
        found = (0, size)
    if found is None:
        raise UnsatisfiableRangeError
    return ByteRange(*found)
