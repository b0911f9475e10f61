"""The last second of a process that was told to end: it still answers, and sends its callers elsewhere.

A server that ends closes connections that are idle at that moment, and a caller who is about to use one loses a
request. So for a while each answer closes its connection (RFC 9112, section 9.6), new ones are still accepted, and
`/readyz` tells load balancers to go away.
"""

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READINESS = "/readyz"
_ENDING = b'{"status":"draining"}'
_ENDING_HEADERS = [
    ("Content-Type", "application/json"),
    ("Content-Length", str(len(_ENDING))),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
]


def draining(app: "WSGIApplication") -> "WSGIApplication":
    """Return `app` for a process that is about to end."""

    def draining_app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start_last(
            status: str,
            headers: list[tuple[str, str]],
            fault: tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None = None,
            /,
        ) -> Any:
            return start_response(status, [*headers, ("Connection", "close")], fault)

        if environ.get("PATH_INFO", "") == READINESS:
            start_last("503 Service Unavailable", [*_ENDING_HEADERS])
            return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [_ENDING]
        return app(environ, start_last)

    return draining_app
