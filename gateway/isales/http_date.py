"""Dates in headers (RFC 9110 section 5.6.7): the three forms that HTTP has had, and the zones of mail besides."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def parse_http_date(text: str) -> datetime | None:
    """Return the time that `text` names, aware, in UTC where it names no zone; `None` if it is no date."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
