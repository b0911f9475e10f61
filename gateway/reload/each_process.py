"""One app for each process: what a server has loaded before it forks its workers is made anew in each of them.

Threads do not come along when a process forks: nobody would write the log, reload, or share numbers. gunicorn does so
with `--preload`, uWSGI without `--lazy-apps`. Python tells of a fork; where a server forks past Python, as uWSGI does,
the first request shows it.
"""

import os
import signal
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import structlog

from gateway.reload.served import ServedApp

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Make(Protocol):
    """Makes the app of this process. `forked`: it was when there was one, and the server's handlers are yet to come."""

    def __call__(self, *, forked: bool) -> ServedApp:
        """Return it."""
        ...


log = structlog.get_logger("gateway.reload")


class EachProcess:
    """The WSGI application of whichever process calls it. `make` makes one that is this process' own.

    The first one is made at once, so whatever `make` raises is raised. What the server cannot do is said in the log
    with the first request, for only who serves has it.
    """

    def __init__(self, make: Make) -> None:
        self._make = make
        self._pid = os.getpid()
        self._call: WSGIApplication = self._first_call
        self._app = make(forked=False)
        os.register_at_fork(after_in_child=self._make_anew)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer as PEP 3333 has it."""
        return self._call(environ, start_response)

    def _first_call(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if self._pid != os.getpid():
            self._make_anew()
        self._call = self._app
        if not self._app.drains:
            log.warning(
                "no_drain",
                consequence="SIGTERM is the server's alone: http.drain_s is not kept, and /readyz does not tell",
                remedy="have the front send no more requests before; deploy/README.md, Servers, has what each loses",
            )
        if not environ.get("wsgi.multithread", True):
            log.warning(
                "one_request_at_a_time",
                consequence="who waits for CC-iSales keeps all others of this process waiting, pages at hand too",
                remedy="have the server use threads; deploy/README.md, Servers, has the option of each",
            )
        return self._app(environ, start_response)

    def _make_anew(self) -> None:
        self._pid = os.getpid()
        self._call = self._first_call
        in_main_thread = threading.current_thread() is threading.main_thread()
        inherited = in_main_thread and callable(signal.getsignal(signal.SIGTERM))
        if inherited:
            # It is the main process', of no use here, and the server sets one of this worker's later. Who ends it
            # meanwhile would wait for it for ever.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._app = self._make(forked=inherited)
