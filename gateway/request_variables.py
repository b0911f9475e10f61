"""No variable of the process is part of a request.

CGI (RFC 3875) hands a request over in variables of a process, and WSGI (PEP 3333) has kept their names. Some servers
begin the `environ` of each request with a copy of the process' own variables, so that `HTTP_X_API_KEY` in a container
is a header of every request that lacks it. Kubernetes alone sets such names: `HTTP_FRONT_SERVICE_HOST` for a service
that is called `http-front`. They are taken away once, before serving, so no request pays for it.
"""

from collections.abc import MutableMapping
from typing import Any, Final
from wsgiref.handlers import BaseHandler

_OF_A_REQUEST: Final = frozenset(
    {
        *("AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "GATEWAY_INTERFACE", "PATH_INFO", "PATH_TRANSLATED"),
        *("QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_USER", "REQUEST_METHOD"),
        *("SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE"),
        # Not of the RFC; servers set them, and frameworks look.
        *("HTTPS", "RAW_URI", "REMOTE_PORT", "REQUEST_SCHEME", "REQUEST_URI", "SCRIPT_URI", "SCRIPT_URL"),
    }
)


def is_of_a_request(variable: str) -> bool:
    """Tell whether a variable of this name would be a header, or something else of a request, in WSGI's `environ`."""
    # Names with dots are those of WSGI itself, of frameworks, and of ours.
    return variable.startswith("HTTP_") or variable in _OF_A_REQUEST or "." in variable


def drop_request_variables(environ: MutableMapping[str, str]) -> list[str]:
    """Take all such variables out of `environ`, that of this process; return their names.

    granian copies the process' variables when the app is loaded, and wsgiref when it is imported. `HTTP_PROXY` goes on
    as `http_proxy`, which is the same to whoever wants a proxy and is no header (why curl reads no other: "httpoxy").
    """
    dropped = sorted(filter(is_of_a_request, environ))
    if proxy := environ.get("HTTP_PROXY"):
        environ.setdefault("http_proxy", proxy)
    copied: Any = BaseHandler.os_environ
    for variable in dropped:
        del environ[variable]
        copied.pop(variable, None)
    return dropped
