"""Imported first of all, for what it does: a worker of granian that is still loading the app can be ended.

It has inherited its parent's handler for SIGTERM, which does no more in the worker than to set a flag that nobody looks
at, and gets one of its own only when the app is loaded. Who stops the server meanwhile would wait for it for ever.
"""

import signal
import sys

_HANDLER = signal.getsignal(signal.SIGTERM)

if str(getattr(_HANDLER, "__module__", "")).partition(".")[0] == "granian":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if getattr(getattr(_HANDLER, "__self__", None), "interrupt_signal", False):
        # It came before we did.
        sys.exit()
