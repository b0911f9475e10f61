"""`OPTIONS`: which methods a path takes (RFC 9110, section 9.3.7). No credentials are needed to learn no more."""

from collections.abc import Iterable
from http import HTTPStatus

from flask import Flask, Response, request


def register_options(app: Flask) -> None:
    """Answer `OPTIONS` to every path of `app` with 204 and `Allow`; a path that does not exist stays a problem.

    Flask itself knows the methods, but answers 200 with a media type of nothing, in an order that changes by process.
    """

    @app.after_request
    def answer(response: Response) -> Response:
        if request.method == "OPTIONS" and response.status_code == HTTPStatus.OK:
            response.status_code = HTTPStatus.NO_CONTENT
            response.headers["Allow"] = methods(response.allow)
            del response.headers["Content-Type"]
        return response


def methods(allowed: Iterable[str]) -> str:
    """Return the value of `Allow` (RFC 9110, section 10.2.1) for these methods, in one order."""
    return ", ".join(sorted(allowed))
