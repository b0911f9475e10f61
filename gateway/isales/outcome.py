"""What an HTTP answer means, pure: a successful envelope, or one leaf of `UpstreamError`."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from gateway.errors import (
    UpstreamBrokenContract,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
)
from gateway.isales import envelope
from gateway.isales.transport import Reply

DEFAULT_RETRY_AFTER_S: Final = 5
LONGEST_RETRY_AFTER_S: Final = 3600

_SECONDS: Final = re.compile("[0-9]+")


def envelope_of(reply: Reply, now: datetime) -> dict[str, Any]:
    """Return the envelope of `reply` if it is a success. `now` (aware) is for a date in `Retry-After`."""
    if reply.status == HTTPStatus.OK:
        document = envelope.decode(reply.body)
        if failed := envelope.failure(document):
            raise failed
        return document
    raise _error(reply, now)


def _error(reply: Reply, now: datetime) -> UpstreamError:
    said = f"CC-iSales answered HTTP {reply.status}"
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return UpstreamRefusedCredentials(f"{said} to the gateway's signature.")
    if reply.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        after = retry_after(reply.headers.get("Retry-After", ""), now)
        return UpstreamOverloaded(f"{said}.", retry_after_s=after)
    failed = _failure_in(reply)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UpstreamFailed(f"{said}.", upstream=failed.upstream if failed else None)
    if failed and reply.status >= HTTPStatus.BAD_REQUEST:
        return failed
    return UpstreamBrokenContract(f"{said}, which is none of its answers.")


def _failure_in(reply: Reply) -> UpstreamError | None:
    try:
        return envelope.failure(envelope.decode(reply.body))
    except UpstreamBrokenContract:
        return None


def retry_after(header: str, now: datetime) -> int:
    """Return the whole seconds of a `Retry-After` (RFC 9110 section 10.2.3), from 1 to 3600; 5 if it has none."""
    if _SECONDS.fullmatch(header.strip()):
        seconds = float(header)
    else:
        try:
            at = parsedate_to_datetime(header)
        except (ValueError, OverflowError):
            return DEFAULT_RETRY_AFTER_S
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return round(min(max(seconds, 1.0), LONGEST_RETRY_AFTER_S))
