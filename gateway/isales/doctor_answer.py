"""The doctor on an answer, pure: what one exchange tells of HTTP, the clocks, the keys, and CC-iSales itself."""

import re
from collections.abc import Collection, Iterator
from datetime import timedelta
from html import unescape
from http import HTTPStatus
from typing import Final

from gateway.counted import counted
from gateway.errors import (
    UpstreamBrokenContract,
    UpstreamError,
    UpstreamFailed,
    UpstreamForbidden,
    UpstreamOverloaded,
    UpstreamRejectedParameters,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.isales import envelope
from gateway.isales.doctor_ask import Exchange
from gateway.isales.doctor_step import Fact, Name, State, Step, skipped
from gateway.isales.outcome import clock_ahead

NOTABLE_SKEW: Final = timedelta(seconds=30)
TEXT_CHARACTERS: Final = 200
MEDIA_TYPE_CHARACTERS: Final = 60

_LOCKED: Final = (
    "In this order: find out from which address this machine's calls leave (behind NAT it is another one); have"
    " CC-iSales' administrators look whether it is on the allow list of whatever stands in front, and whether it is"
    " locked; make no calls meanwhile, for five minutes at least, because each may prolong a lock; then compare the"
    " keys of every VDN: wrong signatures lock addresses, and keys of another interface family than C2 are turned away."
)
_FIREWALL: Final = (
    "A web application firewall answers. It may not know the Host that is sent ({host}) or the server name of TLS,"
    " which is the host in isales.base_url: have its administrators say which names it protects, and set the tenant's"
    " host_header or isales.base_url. If only searches for some `name` end so, it takes that text for an attack."
)
_NOT_FOUND: Final = (
    "What answers there is a web server or another element without this interface: check host, port (28050 for SaaS,"
    " 28080 on premises, by default) and path of isales.base_url, which ends before /rest."
)
_LOOP: Final = (
    "A web application firewall in front of CC-iSales leads back to itself: its administrators have to set CC-iSales'"
    " own address behind it, or isales.base_url has to lead past it."
)
FIREWALL_LOOP: Final = 523
HTML_BYTES: Final = 65_536
_TITLE: Final = re.compile(r"<title[^>]*>([^<]{1,1000})", re.IGNORECASE)

_HINTS: Final[dict[type[UpstreamError], str]] = {
    UpstreamUnreachable: (
        "The connection was made but not kept. Look at CC-iSales' log and at proxies and firewalls in between; where"
        " these words are about a certificate, at isales.client_cert_file."
    ),
    UpstreamTimeout: (
        "CC-iSales takes connections but does not answer in time: check that the port in isales.base_url is that of"
        " CC-iSales, and its load, before raising the limit."
    ),
    UpstreamBrokenContract: (
        "What answers there is not CC-iSales' interface: check host, port and path of isales.base_url, which may lead"
        " to a proxy, a login page or another service."
    ),
    UpstreamOverloaded: (
        "CC-iSales or a proxy wants fewer calls: wait, then lower isales.concurrency over all processes if it stays."
    ),
    UpstreamRejectedParameters: (
        "CC-iSales knows us but not what we ask: check that the VDN exists there, and cc_id and locale of the tenant."
    ),
    UpstreamForbidden: _LOCKED,
    UpstreamFailed: (
        "The way there is good; CC-iSales, or a proxy in front of it, fails. Give its administrators these words and"
        " the time."
    ),
}

_MISSING_PARAMETER: Final = (
    "CC-iSales may be newer than this gateway: ask its administrators which parameters the list of campaigns must have,"
    " and which values they take. No query will be answered before the gateway sends them."
)

_UNUSABLE_ROWS: Final = (
    "They have no whole number as `id` and are left out of every page that callers get. The gateway's log line"
    " `upstream_drift` says what is there instead; ask CC-iSales' administrators whether it was upgraded."
)

_NOT_AS_DESCRIBED: Final = (
    "CC-iSales itself answers, but not as its interface is described, so no page can be told from it: give its"
    " administrators these words, and ask whether it was upgraded or something in between changes queries or answers."
)


def answer_steps(exchange: Exchange, accepted_hosts: Collection[str]) -> Iterator[Step]:
    """Yield the steps HTTP, CLOCK, SIGNATURE and QUERY that `exchange` tells of.

    `accepted_hosts` are the `Host` headers with which signatures of other VDNs were accepted.
    """
    vdn = exchange.tenant.vdn
    if exchange.reply is None:
        yield _no_answer(exchange, vdn)
        yield from (skipped(name, Name.HTTP, vdn) for name in (Name.CLOCK, Name.SIGNATURE, Name.QUERY))
        return
    media_type = exchange.shown(exchange.reply.headers.get("Content-Type", "no type"), MEDIA_TYPE_CHARACTERS)
    server, title = exchange.shown(exchange.reply.headers.get("Server", ""), MEDIA_TYPE_CHARACTERS), _title(exchange)
    facts: dict[str, Fact] = {
        "status": exchange.reply.status,
        "content_type": media_type,
        "server": server or None,
        "title": title or None,
    }
    seen = f"HTTP {exchange.reply.status}, {media_type}"
    seen += f", server {server}" if server else ""
    seen += f', a page titled "{title}"' if title else ""
    yield Step(Name.HTTP, State.GOOD, seen, exchange.took_s, facts=facts, vdn=vdn)
    skew = skew_of(exchange)
    yield _clock(skew, vdn)
    yield _signature(exchange, skew, accepted_hosts)
    refused = exchange.blocked_by is Name.SIGNATURE
    yield skipped(Name.QUERY, Name.SIGNATURE, vdn) if refused else _query(exchange)


def _title(exchange: Exchange) -> str:
    """Return the title of a page in HTML, which tells who answers; empty where there is none."""
    body = exchange.reply.body[:HTML_BYTES].decode("utf-8", "replace") if exchange.reply else ""
    found = _TITLE.search(body)
    return exchange.shown(unescape(found[1]).strip(), MEDIA_TYPE_CHARACTERS) if found else ""


def hint_of(exchange: Exchange, error: UpstreamError) -> str:
    """Return what to do about `error`, in which `exchange` ended."""
    status = exchange.reply.status if exchange.reply else None
    if isinstance(error, UpstreamForbidden):
        return _LOCKED if status == HTTPStatus.FORBIDDEN else _FIREWALL.format(host=exchange.host_header)
    if exchange.understood and isinstance(error, UpstreamBrokenContract):
        return _NOT_AS_DESCRIBED
    if status == HTTPStatus.NOT_FOUND:
        return _NOT_FOUND
    if status == FIREWALL_LOOP:
        return _LOOP
    return hint_for(error)


def hint_for(error: UpstreamError) -> str:
    """Return what to do about `error`, whatever came with it."""
    if error.upstream and (element := envelope.element_of(error.upstream.code)):
        return (
            f"isales.base_url leads to {element}, another element of the platform: set it to host and port of"
            " CC-iSales, usually port 28050 (SaaS) or 28080 (on premises)."
        )
    if error.upstream and error.upstream.code == envelope.MISSING_PARAMETER:
        return _MISSING_PARAMETER
    return _HINTS.get(type(error), error.remedy)


def skew_of(exchange: Exchange) -> timedelta | None:
    """Return how far CC-iSales' clock, by the `Date` of its answer (RFC 9110 section 6.6.1), is ahead of ours."""
    header = exchange.reply.headers.get("Date", "") if exchange.reply else ""
    # It was made somewhere between our sending and our receiving.
    ahead = clock_ahead(header, exchange.sent_at + (exchange.received_at - exchange.sent_at) / 2)
    return None if ahead is None else timedelta(seconds=ahead)


def _no_answer(exchange: Exchange, vdn: int) -> Step:
    error = exchange.error
    assert error is not None  # noqa: S101 -- for the type checker: without an answer there is an error
    seen = exchange.shown(error.detail, TEXT_CHARACTERS)
    facts: dict[str, Fact] = {"status": None, "problem": error.name}
    return Step(Name.HTTP, State.FAILED, seen, exchange.took_s, hint_for(error), facts, vdn)


def _clock(skew: timedelta | None, vdn: int) -> Step:
    if skew is None:
        hint = "Compare this machine's clock with CC-iSales' by hand: how far it may be off is not published."
        return Step(
            Name.CLOCK, State.WARNING, "the answer has no usable Date", hint=hint, facts={"skew_s": None}, vdn=vdn
        )
    seconds = round(skew.total_seconds())
    facts: dict[str, Fact] = {"skew_s": seconds}
    if abs(skew) <= NOTABLE_SKEW:
        return Step(Name.CLOCK, State.GOOD, f"{abs(seconds)} s apart", facts=facts, vdn=vdn)
    seen = f"CC-iSales' clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} this machine's"
    hint = (
        "Synchronize this machine's clock (NTP); if it is right, have CC-iSales' administrators look at theirs. Where a"
        " signature is refused for it, the gateway signs by CC-iSales' clock."
    )
    return Step(Name.CLOCK, State.WARNING, seen, None, hint, facts, vdn)


def _signature(exchange: Exchange, skew: timedelta | None, accepted_hosts: Collection[str]) -> Step:
    vdn = exchange.tenant.vdn
    if exchange.blocked_by is not Name.SIGNATURE:
        if exchange.understood:
            return Step(Name.SIGNATURE, State.GOOD, "accepted", facts={"likely_cause": None}, vdn=vdn)
        # Nobody who does not speak for CC-iSales can say that a signature is good.
        return Step(Name.SIGNATURE, State.SKIPPED, "the answer does not tell", vdn=vdn)
    cause, hint = _cause(exchange, skew, accepted_hosts)
    return Step(
        Name.SIGNATURE,
        State.FAILED,
        f"refused (HTTP 401), likely for the {cause}",
        None,
        hint,
        {"likely_cause": cause},
        vdn,
    )


def _cause(exchange: Exchange, skew: timedelta | None, accepted_hosts: Collection[str]) -> tuple[str, str]:
    """Return the likeliest of `clock`, `Host header` and `key`, and what to do."""
    tenant, host = exchange.tenant, exchange.host_header
    if skew is not None and abs(skew) > NOTABLE_SKEW:
        return "clock", (
            f"How far clocks may differ is not published, and these differ by {abs(skew).total_seconds():.0f} s: mend"
            " the clock first, then run this again, for keys cannot be judged before."
        )
    key = f"Compare access_key and secret_key of VDN {tenant.vdn} with CC-iSales, and that they are for this VDN"
    if host in accepted_hosts:
        return "key", f"{key}: another VDN was accepted with the same Host and clock."
    first = "" if skew is not None else " Without a Date the clock may be the cause too."
    if tenant.host_header:
        return "Host header", (
            f"host_header of VDN {tenant.vdn} is {host}: it must be the Host that CC-iSales itself sees, port and all."
            f" If it is: {key}.{first}"
        )
    return "key", (
        f"{key}. If they are right: a load balancer may change the Host ({host}), then set the tenant's host_header; or"
        f" timestamp_precision should be milliseconds. `flask isales explain-signature` shows what is signed.{first}"
    )


def _query(exchange: Exchange) -> Step:
    vdn, reply, error = exchange.tenant.vdn, exchange.reply, exchange.error
    facts: dict[str, Fact] = dict.fromkeys(("result_code", "result_desc", "total_items", "left_out", "problem"))
    if error is not None:
        hint = hint_of(exchange, error)
        facts["problem"] = error.name
        seen = error.detail
        if error.upstream:
            facts["result_code"] = exchange.shown(error.upstream.code, TEXT_CHARACTERS)
            facts["result_desc"] = exchange.shown(error.upstream.description, TEXT_CHARACTERS)
            seen += f" It says: {error.upstream.description or 'nothing more'}"
        if isinstance(error, UpstreamOverloaded) and error.pause_s:
            seen += f" It asks for no call within the next {error.pause_s} s."
        seen = exchange.shown(seen, 2 * TEXT_CHARACTERS)
        return Step(Name.QUERY, State.FAILED, seen, None, hint, facts, vdn)
    assert exchange.page is not None  # noqa: S101 -- for the type checker: without an error there are a page
    assert reply is not None  # noqa: S101 -- and an answer
    said = envelope.result(envelope.decode(reply.body))
    total = exchange.page.total_items
    description = exchange.shown(said.description, TEXT_CHARACTERS)
    left_out = exchange.page.left_out
    facts |= {"result_code": said.code, "result_desc": description, "total_items": total, "left_out": left_out}
    count = "an unknown number of campaigns" if total is None else counted(total, "campaign")
    seen = f"{said.code}{f' {description}' if description else ''}, {count}"
    if left_out:
        sent = left_out + len(exchange.page.campaigns)
        seen += f"; {left_out} of the {sent} that were asked for cannot be used"
        return Step(Name.QUERY, State.WARNING, seen, None, _UNUSABLE_ROWS, facts, vdn)
    return Step(Name.QUERY, State.GOOD, seen, None, "", facts, vdn)
