"""The headers of answers and requests, as the OpenAPI document tells them."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.api.deadline import MOST_MS
from gateway.api.html import SECURITY_HEADERS
from gateway.api.public import MAX_INT32, MAX_INT64


def _text(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}, "example": example}


def _one_of(description: str, *values: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", "enum": list(values)}, "example": values[0]}


HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "Accept-Ranges": _one_of("Parts of the file can be had with `Range`.", "bytes"),
    "Allow": _text("The methods that this path takes.", "GET, HEAD, OPTIONS"),
    "Cache-Control": _text(
        "How long the answer may be kept, and by whom. Of a page of campaigns: `max-age` is the whole "
        "seconds for which it is still fresh, 0 when it is stale, and `stale-if-error` those for which it may be shown "
        "when the gateway fails (RFC 5861). Problems are not to be kept.",
        "private, max-age=7, stale-if-error=592",
    ),
    "Cache-Status": _text(
        "Where the page came from (RFC 9211); the gateway's cache is named `campaign-gateway`. `hit`: "
        "it was at hand; `fwd=miss`: it was fetched, because there was none; `fwd=stale`: because the one at hand was "
        "too old; `fwd=request`: because the request asks for a newer one. `age` is the whole seconds since CC-iSales "
        "answered, `ttl` those for which the page is still fresh: below 0 when it is stale, 0 at most when it was "
        "purged. A page that is stale, or older than was asked for, has a `detail`: `stale-while-revalidate` while it "
        "is being refreshed, `stale-if-slow` where a newer one takes too long, the problem that keeps CC-iSales from "
        "giving one, or `stale-if-error` where `only-if-cached` asks for no newer one.",
        "campaign-gateway; hit; ttl=7; age=8",
    ),
    "Campaigns-As-Of": _text(
        "When CC-iSales gave this page, as an HTTP-date (RFC 9110, 5.6.7); on 304 too. There is no "
        "`Age`: `max-age` is what is left already.",
        "Fri, 30 Nov 2018 08:00:00 GMT",
    ),
    "Content-Disposition": _text(
        "The name of the file: VDN, and the day of the result in the time zone of that.",
        'attachment; filename="campaigns-1-2018-11-30.csv"',
    ),
    "Content-Encoding": _one_of("`gzip` when the caller accepts it and the body is long enough; else absent.", "gzip"),
    "Content-Language": _one_of(
        "The language of the gateway's words: `zh-CN` where `Accept-Language` prefers it or `lang` says so, else `en`.",
        "en",
        "zh-CN",
    ),
    "Content-Length": {
        "description": "How many bytes are sent. A file with fewer is not whole.",
        "schema": {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_INT64},
        "example": 1024,
    },
    "Content-Range": _text(
        "Which bytes of the file these are, and how many it has (RFC 9110, section 14.4).", "bytes 0-1023/146515"
    ),
    "Content-Security-Policy": _text(
        "On pages for people: nothing from elsewhere, no inline script, no frame around them.",
        SECURITY_HEADERS["Content-Security-Policy"],
    ),
    "Cross-Origin-Resource-Policy": _one_of("Pages of other origins cannot embed this answer.", "same-origin"),
    "ETag": _text(
        "A strong validator: equal for equal bytes. Send it back in `If-None-Match`. That of the gzip "
        'coding is `"gzip.<hash>"`, so that no proxy takes its own suffix off it.',
        '"0f343b0931126a20f133d67c2b018a3b"',
    ),
    "Link": _text(
        "The `first`, `prev`, `next` and `last` page with the same parameters (RFC 8288), as references "
        "of nothing but a query, which hold under any prefix. `last` is absent when the total is not known, or beyond "
        "what `page` may be.",
        '<?vdn=1&page=1>; rel="first", <?vdn=1&page=2>; rel="next"',
    ),
    "Location": {
        "description": "Where the page for people is, relative to the URL that was asked for.",
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "console",
    },
    "Preference-Applied": _text(
        "For how long the caller might have waited, of what `Prefer` asks for (RFC 7240). Absent where "
        "it might not wait at all, and on problems.",
        "wait=10",
    ),
    "RateLimit": _text(
        "What a client has left that has a limit (draft-ietf-httpapi-ratelimit-headers-11): `r` more "
        "requests within the next `t` seconds. On all answers that count, problems too; on none from a fresh page.",
        '"default";r=59;t=60',
    ),
    "RateLimit-Policy": _text(
        "The limit: `q` requests in any `w` seconds. It stands where `RateLimit` does.", '"default";q=60;w=60'
    ),
    "Referrer-Policy": _one_of(
        "On pages for people: links from them tell nobody where they were followed.", "no-referrer"
    ),
    "Repr-Digest": _text(
        "SHA-256 of the whole file as it is sent, in gzip where `Content-Encoding` says so, also where "
        "only a part of it is sent (RFC 9530).",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
    ),
    "Retry-After": {
        "description": "Seconds after which another try makes sense.",
        "schema": {"type": "integer", "format": "int32", "minimum": 0, "maximum": MAX_INT32},
        "example": 5,
    },
    "Server-Timing": _text("Where the time went, in milliseconds.", "cache-hit;dur=0.2, total;dur=0.9"),
    "Vary": _text(
        "The request headers that the answer depends on.", "Accept, Accept-Encoding, Authorization, X-API-Key, Prefer"
    ),
    "WWW-Authenticate": _text(
        "How to send credentials: a field for API keys, and one for bearer tokens where they are taken, "
        "which says what is wrong with the token that came (RFC 6750). With 403 only where a token lacks a scope.",
        'ApiKey realm="campaign-gateway", header="X-API-Key"',
    ),
    "X-Total-Count": {
        "description": "How many campaigns are in the whole file.",
        "schema": {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_INT64},
        "example": 250,
    },
    "X-Left-Out-Count": {
        "description": "How many campaigns are missing in the file at most, because CC-iSales sent them without an "
        "`id` that can be used; absent when there are none.",
        "schema": {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_INT64},
        "example": 2,
    },
    "X-Content-Type-Options": _one_of("Browsers are not to guess another media type than `Content-Type`.", "nosniff"),
    "X-Frame-Options": _one_of("On pages for people: for browsers that do not know `frame-ancestors`.", "DENY"),
    "X-Request-Id": _text(
        "The caller's `X-Request-Id` if it was a sane one, else a new one. It is in the logs.",
        "5f0c6a1e9d3b4f6f8f0f3c2f7a1d9b10",
    ),
}

REQUEST_HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "Accept-Language": _text(
        "The language of problems: `zh` or `en`. Left out: English, and for what CC-iSales says the one "
        "that is set for the VDN.",
        "en-US",
    ),
    "If-None-Match": _text(
        "The `ETag` of an answer that the caller holds. While it is what would be sent, the answer is "
        "304 without a body. Each content coding has an `ETag` of its own. A suffix that a proxy has added to that of "
        "a body which it packed (`-gzip`, `-br`, `-zstd`, `-df`, `;gzip`) is passed over.",
        '"0f343b0931126a20f133d67c2b018a3b"',
    ),
    "If-Range": _text(
        "The `ETag` of the file that the caller has a part of: where it is another one by now, all "
        "of it is sent instead of the range.",
        '"0f343b0931126a20f133d67c2b018a3b"',
    ),
    "Prefer": _text(
        "`wait=N` beside `If-None-Match` (RFC 7240): to be answered as soon as the page is another one, "
        "else with 304 after N seconds, 1 to 60 and no more than the operators allow: 10, unless they have set another "
        "time. All other preferences, and what cannot be read, are passed over.",
        "wait=10",
    ),
    "Range": _text(
        "The one part of the file that is wanted, in bytes (RFC 9110, section 14.2). Several parts, "
        "other units and what cannot be read are passed over: all of it is sent.",
        "bytes=0-1023",
    ),
    "X-Request-Id": _text(
        "An id under which the caller finds the request again; kept if it is 1 to 128 of the characters "
        "`A-Z a-z 0-9 . _ ~ + / = @ : -`, else replaced by a new one.",
        "5f0c6a1e9d3b4f6f8f0f3c2f7a1d9b10",
    ),
    "X-Request-Timeout-Ms": {
        "description": "Whole milliseconds that the caller is going to wait, where that is less than the gateway "
        "would: 8 s, unless the operators have set another time. A short one gives 504 where no page is at hand. Any "
        "other value is ignored.",
        "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": MOST_MS},
        "example": 2000,
    },
}
"""Request headers that are no credentials.

OpenAPI 3.1 has `Accept` described by the media types of the answers. `Accept-Encoding` is told in words, because it is
the matter of HTTP clients: Go's does not unpack what it is told to ask for. `If-Match` stands in the words for 412:
what makes requests from this document would make up tags, and take their refusal for a failure.
"""
