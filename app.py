"""The WSGI application, for any WSGI server: `granian --interface wsgi --respawn-failed-workers app:app`."""

import contextlib
import gc
import os
import sys

from gateway.factory import create_app
from gateway.settings import SettingsError

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

try:
    app = create_app()
except SettingsError as fault:
    # The sentences are for whoever starts the server; a traceback above them would only hide them.
    sys.exit(str(fault))

sys.setswitchinterval(SWITCH_INTERVAL_S)
# What is there now stays for good. To look through it for garbage stops all threads for 50 ms, again and again.
gc.freeze()
