"""Pages of other origins in browsers: which of them may read our answers (Fetch standard, section 3.3).

Our own middleware and not flask-cors, because Flask does not see the answers of the fast path: what the two say would
come from two places. No cookies are ever taken, so `Access-Control-Allow-Credentials` is never sent.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from gateway.api.problems import PROBLEM_MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = tuple[tuple[str, str], ...]

SHARED: Final = frozenset({"campaigns", "me", "openapi.json", "problems"})
"""The beginnings of the paths that frontends need. Of all else their pages can read the problems only."""

METHODS: Final = "GET, HEAD"
READ_HEADERS: Final = (
    "Accept-Language, Authorization, Cache-Control, If-Match, If-None-Match, If-Range, Prefer, Range, X-API-Key, "
    "X-Request-Id, X-Request-Timeout-Ms, traceparent"
)
TOOLING_HEADERS: Final = "Content-Type, Expires, Pragma, X-Requested-With, baggage, sentry-trace, tracestate"
"""What tools in pages add by themselves and nobody reads here: a browser lets none of it pass that is not allowed."""

REQUEST_HEADERS: Final = f"{READ_HEADERS}, {TOOLING_HEADERS}"
EXPOSED_HEADERS: Final = (
    "Accept-Ranges, Allow, Cache-Status, Campaigns-As-Of, Content-Disposition, Content-Encoding, Content-Range, Date, "
    "ETag, Link, Preference-Applied, RateLimit, RateLimit-Policy, Repr-Digest, Retry-After, Server-Timing, Vary, "
    "WWW-Authenticate, X-Left-Out-Count, X-Request-Id, X-Total-Count"
)
"""`Vary` among them: a cache in a page that does not see it gives the answer for one key to another."""

PREFLIGHT_MAX_AGE_S: Final = 7200
"""The most that Chromium takes. A preflight is remembered for one URL only, so there are many all the same."""

PREFLIGHT: Final[Headers] = (
    ("Access-Control-Allow-Methods", METHODS),
    ("Access-Control-Allow-Headers", REQUEST_HEADERS),
    ("Access-Control-Max-Age", str(PREFLIGHT_MAX_AGE_S)),
    ("Vary", "Origin"),
)


def cors_headers(origins: Iterable[str]) -> Mapping[str, Headers]:
    """Return for each origin the headers that let its pages read an answer, and how long its parts took."""
    return {
        origin: (
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", EXPOSED_HEADERS),
            ("Timing-Allow-Origin", origin),
        )
        for origin in origins
    }


def with_cors(app: "WSGIApplication", by_origin: Mapping[str, Headers]) -> "WSGIApplication":
    """Return `app` with answers that the pages of those origins may read, and with their preflights answered.

    `by_origin` is what `cors_headers` returns. An origin that is not in it is answered as ever: its browser sees no
    permission and tells its page nothing.
    """

    def app_for_pages(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        permission = by_origin.get(environ.get("HTTP_ORIGIN", ""), ())
        if (
            permission
            and environ["REQUEST_METHOD"] == "OPTIONS"
            and environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD") is not None
        ):
            start_response("204 No Content", [permission[0], *PREFLIGHT])
            return [b""]
        shared = is_shared(environ.get("PATH_INFO", ""))

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: "OptExcInfo | None" = None, /
        ) -> "Callable[[bytes], object]":
            if shared or ("Content-Type", PROBLEM_MEDIA_TYPE) in headers:
                headers = [*varying(headers), *permission]
            return start_response(status, headers, exc_info)

        return app(environ, start)

    return app_for_pages


def is_shared(path: str) -> bool:
    """Return whether pages of listed origins may read what is at `path`."""
    return path[1:].partition("/")[0] in SHARED


def varying(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return `headers` with `Origin` in their `Vary`; in the line that is there, for not every cache reads a second."""
    with_origin = [(name, f"{value}, Origin" if name == "Vary" else value) for name, value in headers]
    return with_origin if any(name == "Vary" for name, _ in with_origin) else [*with_origin, ("Vary", "Origin")]
