"""What an HTTP answer means, pure: a successful envelope, or one leaf of `UpstreamError`."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from gateway.errors import (
    UpstreamBrokenContract,
    UpstreamError,
    UpstreamFailed,
    UpstreamForbidden,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
)
from gateway.isales import envelope
from gateway.isales.http_date import parse_http_date
from gateway.isales.text import WITHHELD, escaped
from gateway.isales.transport import Reply

DEFAULT_RETRY_AFTER_S: Final = 5
LONGEST_RETRY_AFTER_S: Final = 86_400

WORTH_A_RETRY: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""What a proxy in front of CC-iSales says while one of its nodes is away."""

FORBIDDEN: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.IM_A_TEAPOT})
"""What whoever guards CC-iSales says to those whom it does not let through; 418 is a firewall of Huawei's."""

SAID_CHARACTERS: Final = 200

_SECONDS: Final = re.compile("[0-9]+")
# A date may have a comma after its day.
_ONE_OF_SEVERAL: Final = re.compile(r"\s*(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,[^,]*|[^,]+")


def envelope_of(
    reply: Reply, now: datetime, took_s: float = 0.0, *, searched: bool = False, withheld: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the envelope of `reply` if it is a success.

    `now` (aware, by the clock that signed) and the seconds that the call took are for dates in headers. `searched` says
    that the question had a text of a caller in it, and `withheld` are texts that no error repeats.
    """
    if reply.status == HTTPStatus.OK:
        document = envelope.decode(reply.body)
        if failed := envelope.failure(document):
            if isinstance(failed, UpstreamOverloaded):
                failed = _with_pause(failed, _retry_after(reply, now))
            # The one that is raised is not to be held by this frame: see there.
            raise failed.again()
        return document
    if reply.status in FORBIDDEN:
        raise _forbidden(reply, now, searched=searched, withheld=withheld)
    raise _error(reply, now, took_s)


def _forbidden(reply: Reply, now: datetime, *, searched: bool, withheld: Iterable[str]) -> UpstreamForbidden:
    of_query = searched and reply.status == HTTPStatus.IM_A_TEAPOT
    if reply.status == HTTPStatus.FORBIDDEN:
        why = (
            "The gateway's address may be locked because too many wrong signatures came from it, may not be on the"
            " allow list, or a firewall does not let it through."
        )
    elif of_query:
        why = "A web application firewall stopped the request, perhaps for the `name` that is searched for."
    else:
        why = "A web application firewall stopped the request, or does not know its Host or the server name of TLS."
    detail = f"The way to CC-iSales is forbidden (HTTP {reply.status}). {why}"
    if said := said_in(reply.body, withheld):
        detail += f" It says: {said}"
    failed = _failure_in(reply)
    return UpstreamForbidden(
        detail,
        upstream=failed.upstream if failed else None,
        retry_after_s=_retry_after(reply, now),
        of_query=of_query,
    )


def said_in(body: bytes, withheld: Iterable[str] = ()) -> str:
    """Return what an error in JSON says for people, as Spring writes it (`error`, `message`), safe to show; or ""."""
    try:
        document = envelope.decode(body)
    except UpstreamBrokenContract:
        return ""
    said = ": ".join(text for name in ("error", "message") if isinstance(text := document.get(name), str) and text)
    for text in withheld:
        said = said.replace(text, WITHHELD)
    return escaped(said, SAID_CHARACTERS)


def _error(reply: Reply, now: datetime, took_s: float) -> UpstreamError:
    said = f"CC-iSales answered HTTP {reply.status}"
    if reply.status == HTTPStatus.UNAUTHORIZED:
        # Halfway through the call is when it was answered, as near as can be told.
        ahead = clock_ahead(reply.headers.get("Date", ""), now - timedelta(seconds=took_s / 2))
        return UpstreamRefusedCredentials(f"{said} to the gateway's signature.", clock_ahead_s=ahead)
    failed = _failure_in(reply)
    after = _retry_after(reply, now)
    if isinstance(failed, UpstreamOverloaded):
        return _with_pause(failed, after)
    retryable_in_s = (after or 0) if reply.status in WORTH_A_RETRY else None
    if reply.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return UpstreamOverloaded(
            f"{said}.",
            upstream=failed.upstream if failed else None,
            retry_after_s=DEFAULT_RETRY_AFTER_S if after is None else after,
            retryable_in_s=retryable_in_s,
            pause_s=after,
            # Too many requests are those of one signature; unavailable is the service.
            one_vdn=reply.status == HTTPStatus.TOO_MANY_REQUESTS,
        )
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UpstreamFailed(f"{said}.", upstream=failed.upstream if failed else None, retryable_in_s=retryable_in_s)
    if failed and reply.status >= HTTPStatus.BAD_REQUEST:
        return failed
    return UpstreamBrokenContract(f"{said}, which is none of its answers.")


def _failure_in(reply: Reply) -> UpstreamError | None:
    try:
        return envelope.failure(envelope.decode(reply.body))
    except UpstreamBrokenContract:
        return None


def _with_pause(failed: UpstreamOverloaded, after: int | None) -> UpstreamOverloaded:
    """Return `failed`, which the envelope says, with the pause of a `Retry-After` beside it."""
    if after is None:
        return failed
    return UpstreamOverloaded(
        failed.detail, upstream=failed.upstream, retry_after_s=after, pause_s=after, one_vdn=failed.one_vdn
    )


def _retry_after(reply: Reply, now: datetime) -> int | None:
    return retry_after(reply.headers.get("Retry-After", ""), now)


def retry_after(header: str, now: datetime) -> int | None:
    """Return the whole seconds of a `Retry-After` (RFC 9110 section 10.2.3), 1 to 86400, `None` if it has none.

    Whoever stands in front may add another one, and the two come joined by a comma (section 5.3): the longest counts.
    """
    each = [_seconds(one.strip(), now) for one in _ONE_OF_SEVERAL.findall(header)]
    told = [seconds for seconds in each if seconds is not None]
    return ceil(min(max(1.0, *told), LONGEST_RETRY_AFTER_S)) if told else None


def _seconds(text: str, now: datetime) -> float | None:
    if _SECONDS.fullmatch(text):
        return float(text)
    at = parse_http_date(text)
    return None if at is None else (at - now).total_seconds()


def clock_ahead(date: str, at: datetime) -> float | None:
    """Return by how many seconds the `Date` of an answer made `at` (aware) is ahead, to half a second.

    `None` if it is no date. RFC 9110 section 6.6.1; it has whole seconds, of which the half is the best guess.
    """
    said = parse_http_date(date)
    return None if said is None else (said - at).total_seconds() + 0.5
