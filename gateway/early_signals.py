"""Imported first of all, for what it does: a worker of granian that is still loading the app can be ended.

It has inherited its parent's handler for SIGTERM, which does nothing in the worker, and gets one of its own only when
the app is loaded. Who stops the server meanwhile would wait for it for ever.
"""

import signal

_HANDLER = signal.getsignal(signal.SIGTERM)

if str(getattr(_HANDLER, "__module__", "")).partition(".")[0] == "granian":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
