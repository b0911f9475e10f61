"""What one answer is, and what is wrong with it whatever the moment. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from gzip import BadGzipFile, decompress
from typing import Any

from gateway.errors import leaves
from tests.soak.calls import AHEAD, LATE
from tests.soak.mix import Page, Request, content
from tests.support.cache_status import read
from tests.support.rows import vdns_of_row

STATUS_OF = {leaf.name: leaf.status for leaf in leaves()}
RETRIED_LATER = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a request.

    `kind` is how it was answered; `problem` is its problem, empty for a page; `wrong` says what no fault excuses;
    `rows` are those looked at and `foreign` those that are of another VDN; `tag` is the entity tag of a page.
    """

    kind: str
    problem: str = ""
    wrong: str = ""
    rows: int = 0
    foreign: int = 0
    tag: str = ""


def look_at(request: Request, status: int, headers: Mapping[str, str], body: bytes, tags: Mapping[str, Page]) -> Seen:
    """Return what this answer to `request` is; `headers` by lower-case names, `tags` those that pages had before."""
    if status == 200:
        return _page(request, headers, body)
    if status == 304:
        return _not_modified(request, headers, body, tags)
    return _problem(request, status, headers, body)


def how(cache_status: str) -> str:
    """Return the way that a page came, of its `Cache-Status` (RFC 9211)."""
    try:
        known = read(cache_status)
        age, ttl = int(known["age"]), int(known["ttl"])
    except (KeyError, ValueError):
        return f"cache status {cache_status!r}"
    if "detail" in known:
        return f"stale, {known['detail']}"
    if "hit" in known:
        # Both are whole seconds, rounded down.
        return LATE if age + 1 > AHEAD * (age + ttl + 1) else "hit"
    return "miss, waited for another's" if "collapsed" in known else "miss"


def _page(request: Request, headers: Mapping[str, str], body: bytes) -> Seen:
    kind = f"200 {how(headers.get('cache-status', ''))}"
    tag = headers.get("etag", "")
    try:
        plain = decompress(body) if headers.get("content-encoding") == "gzip" else body
        document = json.loads(plain)
        rows, total = document["data"], document["page"]["total_items"]
        vdns = [vdns_of_row(row) for row in rows]
        ids = tuple(row["id"] for row in rows)
    except (BadGzipFile, EOFError, ValueError, KeyError, TypeError) as error:
        return Seen(kind, wrong=f"a body that is no page: {error!r}")
    if request.page is None:
        return Seen(kind, wrong=f"a page where there should be {request.expected}", rows=len(rows), foreign=len(rows))
    foreign = sum(1 for found in vdns if found != {request.page.vdn})
    wrong = "" if (ids, total) == content(request.page) else f"other campaigns than on this page: {ids}, {total}"
    if not tag:
        wrong = "no entity tag"
    return Seen(kind, wrong=wrong, rows=len(rows), foreign=foreign, tag=tag)


def _not_modified(request: Request, headers: Mapping[str, str], body: bytes, tags: Mapping[str, Page]) -> Seen:
    kind = f"304 {how(headers.get('cache-status', ''))}"
    known = tags.get(headers.get("etag", ""))
    if body or not request.conditional or known is None:
        return Seen(kind, wrong="304 with a body, unasked for, or with a tag that no page had")
    # Pages that have no campaigns are the same bytes for all VDNs.
    same = request.page is not None and (known == request.page or content(known) == content(request.page))
    return Seen(kind, wrong="" if same else f"304 with the tag of {known}", foreign=0 if same else 1)


def _problem(request: Request, status: int, headers: Mapping[str, str], body: bytes) -> Seen:
    try:
        document: Any = json.loads(body)
        name = str(document["type"]).rpartition("/")[2]
        told = (document["status"], document["request_id"])
    except (ValueError, KeyError, TypeError):
        return Seen(f"{status}", wrong=f"{status} with a body that is no problem: {body[:200]!r}")
    wrong = ""
    if headers.get("content-type") != "application/problem+json":
        wrong = f"a problem as {headers.get('content-type')}"
    elif told != (status, headers.get("x-request-id")) or STATUS_OF.get(name) != status:
        wrong = f"status or request id of {name} do not agree: {told}, HTTP {status}, {headers.get('x-request-id')}"
    elif status in RETRIED_LATER and "retry-after" not in headers:
        wrong = f"{name} without Retry-After"
    elif b"caller_number" in body:
        wrong = "a problem that has rows"
    return Seen(f"{status} {name}", problem=name, wrong=wrong)
