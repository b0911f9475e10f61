"""The WSGI application, for any WSGI server: `granian --interface wsgi --respawn-failed-workers app:app`."""

import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING

import gateway.early_signals  # noqa: F401 -- imported for what it does
from gateway.factory import METRICS, SERVER_THREADS, TRACER, create_app
from gateway.reload import EachProcess, Resources, ServedApp, on_signals, siblings
from gateway.request_variables import drop_request_variables
from gateway.server_threads import server_threads
from gateway.settings import Settings, SettingsError, load_kept
from gateway.telemetry.log import write_in_background
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.open_telemetry import tracer_from
from gateway.telemetry.sharing import share_over_workers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SWITCH_INTERVAL_S = 0.05
"""After how long a thread that wants to run interrupts the one that does, ten times Python's default.

No thread here runs for long before it waits by itself. Where hundreds want to run, each of them woke up at this
interval to insist, and that took most of the processor.
"""

if hasattr(os, "SCHED_BATCH"):
    # Linux: a thread that wakes up does not push aside the one that woke it, which has the interpreter and would get
    # the processor back at once. It halves what threads cost here. Some sandboxes do not allow it.
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


FAULTY = {"uwsgi": 22}
"""The exit code by which a server that has this module knows that another worker could not begin either."""

FAULTY_ELSEWHERE = 4
"""The same for gunicorn (`Arbiter.APP_LOAD_ERROR`); no other one looks at it."""


def settle() -> None:
    """Take what is there now as there for good.

    To look through it for garbage stops all threads for 50 ms, so that is done here, once, and not again and again.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def serve(*, forked: bool) -> ServedApp:
    """Return the app of this process, with threads that write its log, reload it and share its numbers.

    `forked`: this process was when there was one, and the server's handlers for signals are yet to come. Raises
    SettingsError.
    """
    log_writer = write_in_background()
    metrics = Metrics()
    tracer = tracer_from(os.environ)
    threads = server_threads()

    def build(settings: Settings, resources: Resources) -> "WSGIApplication":
        resources.take(METRICS, None, lambda: metrics)
        resources.take(TRACER, None, lambda: tracer)
        resources.take(SERVER_THREADS, None, lambda: threads)
        return create_app(settings, resources=resources).wsgi_app

    served = ServedApp(lambda: load_kept(os.environ), build, siblings, settle)
    settle()
    metrics.watch_log(lambda: log_writer.dropped)
    share_over_workers(metrics)
    on_signals(served, forked=forked)
    served.start()
    return served


drop_request_variables(os.environ)
try:
    app = EachProcess(serve)
except SettingsError as fault:
    # The sentences are for whoever starts the server; a traceback above them would only hide them.
    sys.stderr.write(f"{fault}\n")
    sys.exit(next((code for module, code in FAULTY.items() if module in sys.modules), FAULTY_ELSEWHERE))

sys.setswitchinterval(SWITCH_INTERVAL_S)
