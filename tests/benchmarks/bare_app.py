"""A WSGI app that does nothing but answer one page, byte for byte as the gateway does: the limit of the server.

`ORIGIN` is the URL of the page, `KEY` the API key; it is read once, when the first request comes.
"""

import os
import urllib.request
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_BY_THE_SERVER = frozenset({"connection", "date", "server"})


@lru_cache(maxsize=1)
def page() -> tuple[list[tuple[str, str]], bytes]:
    """Return headers and body of the page at `ORIGIN`."""
    asked = urllib.request.Request(os.environ["ORIGIN"], headers={"X-API-Key": os.environ["KEY"]})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in _BY_THE_SERVER]
        return headers, answer.read()


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer the page."""
    headers, body = page()
    start_response("200 OK", headers)
    return [body]
