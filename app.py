"""The WSGI application, for any WSGI server: `granian --interface wsgi --respawn-failed-workers app:app`."""

import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING

import gateway.early_signals  # noqa: F401 -- imported for what it does
from gateway.factory import METRICS, SERVER_THREADS, TRACER, create_app
from gateway.reload import Resources, ServedApp, on_signals, siblings
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


drop_request_variables(os.environ)
metrics = Metrics()
tracer = tracer_from(os.environ)
threads = server_threads()


def build(settings: Settings, resources: Resources) -> "WSGIApplication":
    """Return the gateway with these settings; raises SettingsError."""
    resources.take(METRICS, None, lambda: metrics)
    resources.take(TRACER, None, lambda: tracer)
    resources.take(SERVER_THREADS, None, lambda: threads)
    return create_app(settings, resources=resources).wsgi_app


def settle() -> None:
    """Take what is there now as there for good.

    To look through it for garbage stops all threads for 50 ms, so that is done here, once, and not again and again.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


try:
    app = ServedApp(lambda: load_kept(os.environ), build, siblings, settle)
except SettingsError as fault:
    # The sentences are for whoever starts the server; a traceback above them would only hide them.
    sys.exit(str(fault))

sys.setswitchinterval(SWITCH_INTERVAL_S)
settle()
log_writer = write_in_background()
metrics.watch_log(lambda: log_writer.dropped)
share_over_workers(metrics)
on_signals(app)
app.start()
